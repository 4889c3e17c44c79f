"""docs/errors.md: the whole catalogue for people, made from its data."""

from __future__ import annotations

from collections.abc import Mapping

from syncd.catalogue import PLATFORMS, WIRE, entries, unlisted
from syncd.catalogue.entry import Entry
from syncd.catalogue.names import CARES, OWNERS

_INTRODUCTION = """# Errors · 错误目录

This page is generated: `python -m syncd.catalogue > docs/errors.md`. 本页由程序生成。

What the parties' messages mean, who acts, and what to do now. The data are `syncd/catalogue/*.toml`; the first entry
that matches a message is its meaning. `syncd errors check FILE` looks messages up, `syncd errors explain PLATFORM CODE
TEXT` a single one. A message in no entry is *unclassified*: nothing is ever sent again because of it, `syncd status`
shows it, and [unclassified](runbooks/unclassified.md) says what to do. 目录之外的消息一律“未归类”：绝不因此重发。

"""

_TITLES: Mapping[str, str] = {
    "wdt": "WDT 旺店通",
    "nuonuo": "Nuonuo 诺诺",
    "top": "TOP 淘宝开放平台",
    "yuannian": "Yuannian 元年",
    WIRE: "In place of a party's answer · 对方没有答复时",
}

_HEAD = """| id | codes, text | class | owner | meaning · 含义 | what to do · 怎么办 | runbook |
|---|---|---|---|---|---|---|
"""


def render() -> str:
    """The whole page."""
    classes = "".join(f"| `{care}` | {zh} | {en} |\n" for care, (zh, en) in CARES.items())
    owners = "".join(f"| `{owner}` | {zh} | {en} |\n" for owner, (zh, en) in OWNERS.items())
    parts = [
        _INTRODUCTION,
        "## Classes · 类别\n\n| class | 类别 | meaning |\n|---|---|---|\n",
        classes,
        "\n## Owners · 责任人\n\n| owner | 责任人 | who |\n|---|---|---|\n",
        owners,
        *(_section(platform) for platform in (*PLATFORMS, WIRE)),
        "\n## Unclassified · 未归类\n\n",
        _HEAD,
        _row(unlisted()),
    ]
    return "".join(parts)


def _section(platform: str) -> str:
    return f"\n## {_TITLES[platform]}\n\n{_HEAD}" + "".join(_row(entry) for entry in entries(platform))


def _row(entry: Entry) -> str:
    rest = f", {entry.rest_for:g} s" if entry.rest_for else ""
    cells = (
        f"`{entry.id}`",
        _messages(entry),
        f"{entry.care}{rest}",
        entry.owner,
        f"{entry.texts[0]}<br>{entry.texts[1]}",
        f"{entry.remedies[0]}<br>{entry.remedies[1]}",
        f"[{entry.runbook.removesuffix('.md')}](runbooks/{entry.runbook})",
    )
    return "| " + " | ".join(cells) + " |\n"


def _messages(entry: Entry) -> str:
    """Codes and pattern as they are; a bar would end the cell."""
    codes = " ".join(f"`{code}`" for code in entry.codes)
    pattern = f"`{entry.pattern.pattern}`".replace("|", "\\|") if entry.pattern else ""
    return " ".join(part for part in (codes, pattern) if part) or "–"
