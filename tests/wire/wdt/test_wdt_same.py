"""A row that our own write-back has changed asks for the same; whatever an invoice is made of is looked at."""

from __future__ import annotations

import json
from typing import Any

import pytest

from syncd.domain.payload import payload_hash
from syncd.sandbox.wdt.sample import complete_row
from syncd.wire.wdt.order import decode_order
from syncd.wire.wdt.same import ask_the_same

ROW: dict[str, Any] = json.loads(json.dumps(complete_row({}, "FP202611200001", 1_763_000_000), default=str))


def raw(**cells: object) -> bytes:
    return json.dumps(ROW | cells, ensure_ascii=False).encode()


def others(value: object) -> list[object]:
    """Values of the same kind that are not this one."""
    match value:
        case bool():
            return [not value]
        case int() | float():
            return [value + 1]
        case str():
            return [value + "9", "7"]
        case _:
            return [[*value, *value]] if isinstance(value, list) else []


@pytest.mark.parametrize("name", sorted(ROW))
def test_rows_that_ask_for_another_invoice_are_never_called_the_same(name: str) -> None:
    for value in others(ROW[name]):
        try:
            asks_for_another = payload_hash(decode_order(raw(**{name: value}))) != payload_hash(decode_order(raw()))
        except ValueError:
            continue

        assert not (asks_for_another and ask_the_same(raw(), raw(**{name: value}))), name


@pytest.mark.parametrize("name", sorted(ROW["detail_list"][0]))
def test_a_line_that_is_another_is_never_called_the_same(name: str) -> None:
    line = ROW["detail_list"][0]

    for value in others(line[name]):
        assert not ask_the_same(raw(), raw(detail_list=[line | {name: value}]))


def test_what_our_write_back_changes_is_nothing_that_is_asked_for() -> None:
    told = {"status": 60, "invoice_no": "25332000000000000001", "file_url": "https://fp.example.com/1.pdf"}
    later = {"modified": "2026-11-20 10:00:00", "invoice_time": "2026-11-20 09:59:59", "error_info": ""}

    assert ask_the_same(raw(), raw(**told, **later))


def test_what_cannot_be_read_is_not_the_same() -> None:
    assert not ask_the_same(raw(), raw()[:-1])
    assert not ask_the_same(b"[]", b"[]")
