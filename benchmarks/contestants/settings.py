"""The settings `syncd` runs under in these measurements: its defaults, but for the allowances of the parties.

A benchmark that waits for a rate limit measures the limit; so the fakes allow what the settings can express.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.contestants.wish import Wish

MERCHANT = "m001"

HEAD = """\
[store]
url = "{store}"
witness = "{folder}/witness"
[log]
level = "info"
[console]
listen = "127.0.0.1:0"
[poll]
start = "{start}"
page_size = {page_size}
[push]
batch = {push_batch}
concurrency = {concurrency}
[issuers.main]
kind = "nuonuo"
url = "{url}/open/v1/services"
app_key = "demo_key"
secret = "demo_secret"
token = "demo_token"
tax_no = "339902999999789113"
allow_plain_http = true
calls_per_minute = 60000
concurrency = {concurrency}
"""
ONE_MERCHANT = """\
[[merchants]]
name = "{name}"
issuer = "main"
[merchants.wdt]
url = "{url}/openapi"
sid = "{sid}"
key = "demo_key"
secret = "demosecret:demosalt"
calls_per_minute = {calls_per_minute}
"""
PUSH_BATCH = 200


def written(wish: Wish, *more: str, merchants: int = 1, calls_per_minute: int = 60_000) -> Path:
    """A settings file in the wish's folder; `more` are sections in TOML. The first merchant's sid is `demo_sid`."""
    store = wish.store if "://" in wish.store else f"sqlite:///{wish.store}"
    head = HEAD.format(**{**_named(wish), "store": store, "push_batch": PUSH_BATCH})
    listed = [
        ONE_MERCHANT.format(
            name=f"m{number + 1:03}",
            url=wish.url,
            sid=f"demo_sid{number or ''}",
            calls_per_minute=calls_per_minute,
        )
        for number in range(merchants)
    ]
    path = wish.folder / "syncd.toml"
    path.write_text("".join([head, *listed, *more]))
    path.chmod(0o600)
    return path


def _named(wish: Wish) -> dict[str, object]:
    return {name: getattr(wish, name) for name in wish.__slots__}
