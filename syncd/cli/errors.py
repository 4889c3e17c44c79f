"""`syncd errors`: what the parties' messages mean, who owns them, and which ones nobody has classified."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from syncd.cli import options, output
from syncd.cli.frame import FAILED, FINE, Frame, group, here, leave
from syncd.cli.words import Lang, helper

if TYPE_CHECKING:
    from syncd.catalogue import Entry
    from syncd.catalogue.messages import Message

RUNBOOKS = "docs/runbooks/"


def register(app: typer.Typer, lang: Lang) -> None:
    """Add `syncd errors …`."""
    errors = group(app, "errors", lang)
    _register_check(errors, lang)
    _register_list(errors, lang)
    _register_explain(errors, lang)


def _register_check(errors: typer.Typer, lang: Lang) -> None:
    text = helper(lang)

    @errors.command("check", help=text("errors.check"))
    def command(
        ctx: typer.Context,
        files: list[str] = typer.Argument(metavar="FILE...", help=text("opt.messages")),
        as_json: bool = options.as_json(lang),
    ) -> None:
        leave(_check(here(ctx), files, as_json))


def _register_list(errors: typer.Typer, lang: Lang) -> None:
    text = helper(lang)

    @errors.command("list", help=text("errors.list"))
    def command(
        ctx: typer.Context,
        platform: str | None = typer.Option(None, "--platform", metavar="P", help=text("opt.platform")),
        as_json: bool = options.as_json(lang),
    ) -> None:
        _list(here(ctx), platform, as_json)


def _register_explain(errors: typer.Typer, lang: Lang) -> None:
    text = helper(lang)

    @errors.command("explain", help=text("errors.explain"))
    def command(
        ctx: typer.Context,
        platform: str = typer.Argument(metavar="PLATFORM", help=text("opt.platform")),
        code: str = typer.Argument(metavar="CODE", help=text("opt.code")),
        words: str = typer.Argument("", metavar="[TEXT]", help=text("opt.text")),
        as_json: bool = options.as_json(lang),
    ) -> None:
        leave(_explain(here(ctx), platform, code, words, as_json))


# -- check -------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Found:
    """A message that stood in the files, as it stood there first, and how often one of its kind did."""

    message: Message
    where: str
    entry: Entry | None
    count: int = 0


def _check(frame: Frame, files: Sequence[str], as_json: bool) -> int:
    from syncd.catalogue import find

    found: dict[tuple[str, str, str], Found] = {}
    for where, message in _messages(frame, files):
        if message.kind not in found:
            found[message.kind] = Found(message, where, find(message.platform, message.code, message.text))
        found[message.kind].count += 1
    messages = list(found.values())
    unlisted = [one for one in messages if one.entry is None]
    if as_json:
        output.show_json({"messages": [_facts(one) for one in messages], "unclassified": len(unlisted)})
    else:
        _print_found(frame, messages, unlisted)
    return FAILED if unlisted else FINE


def _messages(frame: Frame, files: Sequence[str]) -> Iterator[tuple[str, Message]]:
    """Every message with its place. Raises Unusable for a file that cannot be read as text."""
    for name in files:
        try:
            with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as file:
                for number, message in _in_file(file):
                    yield f"{name}:{number}", message
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise frame.unusable("errors.unreadable", file=name, why=why) from None


def _in_file(file: Iterable[bytes]) -> Iterator[tuple[int, Message]]:
    """The messages of one file with their line, or their place in its list if it is one JSON array."""
    from syncd.catalogue.messages import read_line, read_value

    for number, raw in enumerate(file, start=1):
        line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        if number == 1 and line.lstrip().startswith("["):
            listed = json.loads(line + b"".join(file).decode())
            yield from ((place, told) for place, one in enumerate(listed, start=1) if (told := read_value(one)))
            return
        message = read_line(line)
        if message is not None:
            yield number, message


def _facts(found: Found) -> dict[str, Any]:
    from syncd.catalogue import unlisted

    message = found.message
    entry = found.entry or unlisted()
    return {
        "platform": message.platform,
        "code": message.code,
        "text": message.text,
        "count": found.count,
        "where": found.where,
        "classified": found.entry is not None,
        **_entry_facts(entry),
        "rest_seconds": entry.rest(message.text),
    }


def _entry_facts(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "class": entry.care,
        "vendor_class": entry.vendor_class,
        "owner": entry.owner,
        "rest_seconds": entry.rest_for,
        "zh": entry.texts[0],
        "en": entry.texts[1],
        "zh_remedy": entry.remedies[0],
        "en_remedy": entry.remedies[1],
        "runbook": RUNBOOKS + entry.runbook,
    }


def _print_found(frame: Frame, messages: Sequence[Found], unlisted: Sequence[Found]) -> None:
    for one in messages:
        _print_one(frame, one)
    if not messages:
        print(frame.say("errors.none"))
        return
    print(frame.say("errors.checked", n=len(messages), unlisted=len(unlisted)))
    for one in unlisted:
        print(f"  {output.inert(f'{one.where}  {one.message}')}")


def _print_one(frame: Frame, found: Found) -> None:
    from syncd.catalogue import unlisted

    entry = found.entry or unlisted()
    times = f"  ×{found.count}" if found.count > 1 else ""
    print(output.inert(f"{found.message}{times}"))
    for line in _said(frame, entry, entry.rest(found.message.text)):
        print(f"  {output.inert(line)}")
    print()


def _said(frame: Frame, entry: Entry, rest_for: float | None) -> list[str]:
    """The entry for people: class and owner, what it means in both languages, what to do, and where to read on."""
    from datetime import timedelta

    from syncd.catalogue.names import CARES, OWNERS

    column = 0 if frame.lang == "zh" else 1
    rest = frame.say("errors.rest", span=output.span(timedelta(seconds=rest_for), frame.say)) if rest_for else ""
    care, owner = CARES[entry.care][column], OWNERS[entry.owner][column]
    return [
        frame.say("errors.class", care=care, owner=owner, rest=rest, id=entry.id),
        entry.texts[column],
        entry.texts[1 - column],
        frame.say("errors.remedy", text=entry.remedies[column]),
        frame.say("errors.runbook", file=RUNBOOKS + entry.runbook),
    ]


# -- list and explain --------------------------------------------------------------------------------------------------


def _list(frame: Frame, platform: str | None, as_json: bool) -> None:
    from syncd.catalogue import PLATFORMS, WIRE, entries
    from syncd.catalogue.names import CARES, OWNERS

    wanted = (*PLATFORMS, WIRE) if platform is None else (_platform(frame, platform),)
    listed = [entry for name in wanted for entry in entries(name)]
    if as_json:
        output.show_json([{**_listed(entry), **_entry_facts(entry)} for entry in listed])
        return
    column = 0 if frame.lang == "zh" else 1
    output.table(
        [frame.say(f"column.{name}") for name in ("entry", "codes", "class", "owner", "meaning")],
        [
            [
                entry.id,
                " ".join(entry.codes) or frame.say("errors.any_code"),
                CARES[entry.care][column],
                OWNERS[entry.owner][column],
                entry.texts[column],
            ]
            for entry in listed
        ],
    )


def _listed(entry: Entry) -> dict[str, Any]:
    return {
        "platform": entry.platform,
        "codes": list(entry.codes),
        "pattern": entry.pattern.pattern if entry.pattern else None,
    }


def _explain(frame: Frame, platform: str, code: str, words: str, as_json: bool) -> int:
    from syncd.catalogue import find
    from syncd.catalogue.messages import Message

    message = Message(_platform(frame, platform), code.strip(), words.strip())
    found = Found(message, "-", find(message.platform, message.code, message.text), 1)
    if as_json:
        output.show_json(_facts(found))
    else:
        _print_one(frame, found)
    return FINE if found.entry is not None else FAILED


def _platform(frame: Frame, name: str) -> str:
    """A platform of the catalogue. Raises Unusable, naming them all."""
    from syncd.catalogue import PLATFORMS, WIRE

    known = (*PLATFORMS, WIRE)
    if name.lower() not in known:
        near = frame.nearest(name.lower(), known)
        raise frame.unusable("errors.unknown_platform", name=name, known=", ".join(known), near=near)
    return name.lower()
