"""Options and arguments that several commands share, with their help in the caller's language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer

from syncd.cli.troubles import Unusable
from syncd.cli.words import Lang, helper, speaker


def as_json(lang: Lang) -> Any:
    """--json"""
    return typer.Option(False, "--json", help=helper(lang)("opt.json"))


def merchant(lang: Lang) -> Any:
    """--merchant M"""
    return typer.Option(None, "--merchant", metavar="M", help=helper(lang)("opt.merchant"))


def yes(lang: Lang) -> Any:
    """--yes"""
    return typer.Option(False, "--yes", "-y", help=helper(lang)("opt.yes"))


def reason(lang: Lang, *, required: bool) -> Any:
    """--reason TEXT"""
    return typer.Option(... if required else "", "--reason", metavar="TEXT", help=helper(lang)("opt.reason"))


def number(lang: Lang) -> Any:
    """NO"""
    return typer.Argument(metavar="NO", help=helper(lang)("opt.no"))


def numbers(lang: Lang) -> Any:
    """NO…"""
    return typer.Argument(metavar="NO...", help=helper(lang)("opt.nos"))


def within(lang: Lang, name: str, low: float, high: float | None = None) -> Callable[[float | None], float | None]:
    """For `callback=`: a number outside of low..high is refused, in the caller's language. Raises Unusable."""

    def check(given: float | None) -> float | None:
        if given is None or low <= given <= (given if high is None else high):
            return given
        limits = {"name": name, "low": f"{low:g}", "given": f"{given:g}"}
        key = "option.least" if high is None else "option.between"
        raise Unusable(speaker(lang)(key, **limits, high=high))

    return check
