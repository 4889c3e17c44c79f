"""What the command line says, in Chinese and in English, and how it chooses between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

from syncd.cli.words_alerts import ALERTS
from syncd.cli.words_arming import ARMING
from syncd.cli.words_errors import ERRORS
from syncd.cli.words_help import HELP
from syncd.cli.words_link import LINK
from syncd.cli.words_main import MAIN
from syncd.cli.words_move import MOVE
from syncd.cli.words_said import SAID
from syncd.cli.words_sim import SIM
from syncd.cli.words_status import STATUS
from syncd.cli.words_story import STORY
from syncd.cli.words_wallet import WALLET

Lang = Literal["zh", "en"]

#: Key → (Chinese, English), with the same format fields in both.
CATALOGUE: Mapping[str, tuple[str, str]] = {
    **ALERTS,
    **ARMING,
    **HELP,
    **ERRORS,
    **LINK,
    **MAIN,
    **MOVE,
    **SAID,
    **SIM,
    **STATUS,
    **STORY,
    **WALLET,
}


class Say(Protocol):
    """Looks a sentence up and fills it in."""

    def __call__(self, key: str, /, **fields: object) -> str: ...


def speaker(lang: Lang) -> Say:
    """The catalogue in one language. Raises KeyError for a key or field that does not exist: a defect."""
    column = 0 if lang == "zh" else 1

    def say(key: str, /, **fields: object) -> str:
        text = CATALOGUE[key][column]
        return text.format(**fields) if fields else text

    return say


def helper(lang: Lang) -> Callable[[str], str]:
    """The help texts in one language, with square brackets safe from Typer's markup."""
    say = speaker(lang)
    return lambda key: say(f"help.{key}").replace("[", "\\[")


def language(args: Sequence[str], env: Mapping[str, str]) -> Lang:
    """--lang, else $SYNCD_LANG, else a Chinese locale means Chinese, else English."""
    asked = _asked(args) or env.get("SYNCD_LANG", "")
    if asked in ("zh", "en"):
        return "zh" if asked == "zh" else "en"
    locale = env.get("LC_ALL") or env.get("LC_MESSAGES") or env.get("LANG") or ""
    return "zh" if locale.lower().startswith("zh") else "en"


def _asked(args: Sequence[str]) -> str:
    for position, arg in enumerate(args):
        if arg == "--":
            break
        if arg == "--lang":
            return args[position + 1] if position + 1 < len(args) else ""
        if arg.startswith("--lang="):
            return arg.removeprefix("--lang=")
    return ""
