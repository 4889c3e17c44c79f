"""Settings files for the tests, complete and harmless."""

from __future__ import annotations

from pathlib import Path

GOOD = """
[[merchants]]
name = "m001"
issuer = "main"
[merchants.wdt]
url = "http://127.0.0.1:9001/openapi"
sid = "demo_sid"
key = "demo_key"
secret = "demo_secret:demo_salt"

[issuers.main]
kind = "nuonuo"
url = "https://issuer.example/open/v1/services"
app_key = "demo_app"
secret = "demo_app_secret"
token = "demo_token"
tax_no = "339902999999789113"
"""


def written(directory: Path, text: str = GOOD, name: str = "syncd.toml") -> Path:
    """A settings file holding `text`."""
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def without(key: str, text: str = GOOD) -> str:
    """`text` without the lines that set `key`."""
    return "\n".join(line for line in text.splitlines() if not line.startswith(f"{key} ="))
