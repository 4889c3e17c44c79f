"""One event, one line, whatever it carries."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import warnings
from decimal import Decimal

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from log_stream import AT, logging_to

from syncd.watch import logs

HOSTILE = "a\nb\rc\x1b[31md\x00e\u2028f\u202eg\x7fh\x85i\u2066j\ud800k\U0001f9fel"


def test_a_line_is_one_json_object_that_begins_with_at_level_event() -> None:
    with logging_to() as written:
        structlog.get_logger().info("push.submitted", order_no="FP202611200001", attempt=3, took_ms=41)

    assert written.getvalue() == (
        b'{"at":"2026-11-20T01:02:03.456Z","level":"info","event":"push.submitted",'
        b'"order_no":"FP202611200001","attempt":3,"took_ms":41}\n'
    )


@pytest.mark.parametrize("key", ["text", "order_no", "event_text"])
def test_hostile_text_stays_one_ascii_line_and_is_read_back_whole(key: str) -> None:
    """F116: a name chosen by a buyer must not end the line, colour a terminal or turn the writing direction."""
    with logging_to() as written:
        structlog.get_logger().warning("row.quarantined", **{key: HOSTILE, HOSTILE: 1, "nested": {"x": [HOSTILE]}})

    line = written.getvalue()
    assert line.count(b"\n") == 1
    assert all(0x20 <= byte < 0x7F for byte in line[:-1])
    row = written.only()
    assert row[key] == HOSTILE.replace("\ud800", "\\ud800")
    assert row["nested"] == {"x": [row[key]]}


def test_the_same_text_breaks_a_line_without_the_escaping() -> None:
    """The control: the inputs above are dangerous to a renderer that lets them through."""
    line = structlog.processors.LogfmtRenderer()(
        None, "info", {"event": HOSTILE.replace("\ud800", "").replace("\n", "")}
    )

    assert "\x1b" in line
    assert "\u202e" in line


@given(st.dictionaries(st.text(max_size=8), st.text() | st.integers() | st.floats() | st.binary(), max_size=4))
@settings(max_examples=200, deadline=None)
def test_no_field_whatever_it_holds_breaks_a_line(fields: dict[str, object]) -> None:
    fields = {f"x{key}": value for key, value in fields.items()}

    with logging_to() as written:
        structlog.get_logger().info("row.quarantined", **fields)

    assert all(0x20 <= byte < 0x7F for byte in written.getvalue()[:-1])
    assert written.only()["event"] == "row.quarantined"


def test_characters_beyond_the_basic_plane_survive() -> None:
    with logging_to() as written:
        structlog.get_logger().info("x.said", text="发票 \U0001f9fe")

    assert b"\\ud83e\\uddfe" in written.getvalue()
    assert written.only()["text"] == "发票 \U0001f9fe"


def test_a_field_cannot_take_the_place_of_at_level_or_event() -> None:
    with logging_to() as written:
        structlog.get_logger().info("push.submitted", at="1970", level="none")

    row = written.only()
    assert (row["at"], row["level"], row["event"]) == ("2026-11-20T01:02:03.456Z", "info", "push.submitted")


def test_lines_below_the_level_are_not_written() -> None:
    with logging_to(level="warning") as written:
        structlog.get_logger().info("push.submitted")
        structlog.get_logger().warning("push.held")

    assert [row["event"] for row in written.rows()] == ["push.held"]


def test_a_logger_made_before_configuring_writes_to_the_configured_stream() -> None:
    log = structlog.get_logger()

    with logging_to() as first:
        log.info("a.said")
    with logging_to() as second:
        log.info("b.said")

    assert [first.only()["event"], second.only()["event"]] == ["a.said", "b.said"]


def test_context_and_odd_values_are_written_plainly() -> None:
    with logging_to() as written, structlog.contextvars.bound_contextvars(lane="m001/wdt"):
        structlog.get_logger().info(
            "x.said", amount=Decimal("1.10"), when=AT, huge=10**30, odd=object(), raw_rows=b"abc", error=OSError("no")
        )

    row = written.only()
    assert row["lane"] == "m001/wdt"
    assert (row["amount"], row["when"], row["odd"]) == ("1.10", AT.isoformat(), "<object>")
    assert (row["huge"], row["raw_rows"], row["error"]) == ("***", "<3 bytes>", "OSError: no")


def test_other_libraries_come_as_third_party_lines() -> None:
    with logging_to() as written:
        logging.getLogger("aiohttp.server").error("bad %s\n%s", "request", HOSTILE)
        logging.getLogger("some.library").warning("%d of %d", 1)

    first, second = written.rows()
    assert (first["event"], first["logger"], first["level"]) == ("third_party.logged", "aiohttp.server", "error")
    assert first["message"].startswith("bad request\na\nb")
    assert second["message"] == "%d of %d"


def test_third_party_chatter_stays_out_at_info_and_access_lines_always() -> None:
    with logging_to(level="info") as written:
        logging.getLogger("some.library").info("connected")
    with logging_to(level="debug") as verbose:
        logging.getLogger("some.library").info("connected")
        logging.getLogger("aiohttp.access").info("GET /?salt=x")
        logging.getLogger("apscheduler.scheduler").warning("skipped")

    assert written.rows() == []
    assert [row["logger"] for row in verbose.rows()] == ["some.library"]


def test_python_warnings_come_as_lines() -> None:
    with logging_to() as written, warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)

    row = written.only()
    assert row["logger"] == "py.warnings"
    assert "old ways" in row["message"]


async def test_what_asyncio_complains_about_comes_as_a_line() -> None:
    with logging_to() as written:
        asyncio.get_running_loop().call_exception_handler(
            {"message": "Task exception was never retrieved", "exception": ValueError("secret=canary")}
        )

    row = written.only()
    assert (row["logger"], row["level"]) == ("asyncio", "error")
    assert "never retrieved" in row["message"]
    assert "ValueError: secret=***" in row["exception"]


def test_an_exception_is_one_line_with_its_traceback() -> None:
    with logging_to() as written:
        try:
            raise ValueError("line one\nline two")
        except ValueError:
            structlog.get_logger().exception("task.crashed")

    assert written.getvalue().count(b"\n") == 1
    assert "test_logs.py" in written.only()["exception"]
    assert written.only()["level"] == "error"


def test_a_broken_stream_loses_lines_and_raises_nothing() -> None:
    """A closed terminal or a full disk behind standard error must not stop an invoice half way."""

    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    with logging_to() as written:
        logs.configure("json", "info", Full())
        structlog.get_logger().info("x.said")
        written.close()
        logs.configure("json", "info", written)
        structlog.get_logger().info("x.said")


def test_text_for_a_terminal_is_readable_and_cannot_be_forged() -> None:
    with logging_to("text") as written:
        log = structlog.get_logger()
        log.info("push.submitted", order_no="FP1", text=f"发票 {HOSTILE}", rows=[1, 2], ok=True)
        try:
            raise ValueError("x\n2026-11-20T00:00:00.000Z info     push.submitted order_no=forged \x1b[2J\u202e")
        except ValueError:
            log.exception("task.crashed")

    lines = written.getvalue().decode().split("\n")
    assert lines[0].startswith('2026-11-20T01:02:03.456Z info     push.submitted order_no=FP1 text="发票 a\\nb')
    assert lines[0].endswith("rows=[1,2] ok=true")
    assert lines[1].endswith("error    task.crashed")
    assert all(line.startswith("    ") for line in lines[2:-1])
    assert any("forged" in line for line in lines)
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("format", ["json", "text"])
def test_ten_thousand_hostile_lines_hold_ten_thousand_events_and_no_control_byte(format: str) -> None:
    kinds = ["\n", "\x1b]0;x\x07", "\x00", "\u2028", "\u202e", '"}\n{"event":"forged"}', "'", "\\", "}{", "\r\n"]

    with logging_to(format) as written:
        log = structlog.get_logger()
        for number in range(10_000):
            log.info("row.quarantined", number=number, text=kinds[number % 10] * 2, **{kinds[number % 7] + "k": 1})

    raw = written.getvalue()
    assert len(raw.splitlines()) == 10_000
    assert not [byte for byte in set(raw) if byte < 0x20 and byte != 0x0A]
    if format == "json":
        assert [json.loads(line)["number"] for line in raw.splitlines()] == list(range(10_000))
