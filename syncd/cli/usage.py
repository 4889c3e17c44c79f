"""What Typer says to a mistyped command, in Chinese. In English it speaks for itself."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from typer import TyperException

from syncd.cli.words import Lang

#: What Typer says → how it is said in Chinese; what is not listed stays as it is.
_PATTERNS: Sequence[tuple[str, str]] = (
    (r"Missing argument '(.+)'\.", r"缺少参数 \1。"),
    (r"Missing option '(.+)'\.", r"缺少选项 \1。"),
    (r"Missing parameter: (.+)", r"缺少参数 \1。"),
    (r"Missing command\.", r"缺少命令。"),
    (r"No such option: (\S+) \(Possible options: (.+)\)", r"没有选项 \1，是否指 \2？"),
    (r"No such option: (\S+)", r"没有选项 \1。"),
    (r"No such command '(.+)'\. Did you mean (.+)\?", r"没有命令 \1，是否指 \2？"),
    (r"No such command '(.+)'\.", r"没有命令 \1。"),
    (r"Option '(.+)' requires an argument\.", r"选项 \1 需要一个值。"),
    (r"Option '(.+)' does not take a value\.", r"选项 \1 不带值。"),
    (r"Got unexpected extra argument\(s\) \((.+)\)", r"多余的参数：\1。"),
    (r"Invalid value for '?(.+?)'?: (?:Value error, )?'(.*)' is not one of (.+)\.", r"\1 不能是 \2，可用：\3。"),
    (r"Invalid value for '(.+?)': Input should be a valid (?:number|integer).*", r"\1 应为数字。"),
    (r"Invalid value for '(.+?)': Input should be greater than or equal to (.+)", r"\1 不能小于 \2。"),
    (r"Invalid value for '(.+?)': Input should be less than or equal to (.+)", r"\1 不能大于 \2。"),
    (r"Invalid value for '(.+?)': Input should be greater than (.+)", r"\1 应大于 \2。"),
    (r"Invalid value for '(.+?)': Input should be less than (.+)", r"\1 应小于 \2。"),
    (r"Invalid value for '(.+?)': (.+)", r"\1 的值无效：\2"),
)


def in_chinese(message: str) -> str:
    """A message of Typer's own in Chinese; any other as it is."""
    for pattern, said in _PATTERNS:
        found = re.fullmatch(pattern, message, re.DOTALL)
        if found is not None:
            return found.expand(said)
    return message


@contextmanager
def told_in(lang: Lang) -> Iterator[None]:
    """A mistyped command that is found out inside is told in `lang`, and ends the process with its exit code."""
    try:
        yield
    except TyperException as mistyped:
        if lang == "en":
            raise
        _told(mistyped)
        sys.exit(mistyped.exit_code)


def _told(error: Any) -> None:
    """As Typer's own: how it is used, where help is, and what was wrong."""
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text
    from typer import rich_utils

    if type(error).__name__ == "NoArgsIsHelpError":  # its message is the help that was shown
        return
    console = Console(file=sys.stderr, highlight=False)
    context = getattr(error, "ctx", None)
    if context is not None:
        usage = str(context.get_usage()).removeprefix("Usage:").strip()
        console.print(Text(f"用法：{usage}"))
        console.print(Text(f"帮助：{context.command_path} {context.help_option_names[0]}"))
    said = Text(in_chinese(error.format_message()))
    console.print(Panel(said, title=rich_utils.ERRORS_PANEL_TITLE, title_align="left"))
