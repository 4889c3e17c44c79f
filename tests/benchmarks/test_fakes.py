"""The fakes are fast, not wrong: what they leave out is checks, never an effect."""

import random
from datetime import datetime
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from benchmarks.fakes.http import Request
from benchmarks.fakes.nuonuo import Nuonuo
from benchmarks.fakes.rows import Rows, name_of, number_of
from benchmarks.fakes.wdt import Wdt
from benchmarks.peers.shared import parties
from benchmarks.report import Measure

ROWS = Rows(25)


@pytest.fixture
def wdt() -> Wdt:
    return Wdt(ROWS, 1.0, 0, ROWS.count)


def search(wdt: Wdt, start: int, end: int, page_no: int = 0, size: int = 100, **more: object) -> tuple[int, list[Any]]:
    body = parties.search_body(beijing(start), beijing(end), **more)
    query = {"method": parties.SEARCH, "page_no": str(page_no), "page_size": str(size), "calc_total": "1"}
    data = msgspec.json.decode(wdt(Request("/openapi", query, {}, body))[1])["data"]
    return data["total_count"], data["order"]


def write_back(wdt: Wdt, *numbers: int) -> Any:
    body = parties.update_body([(name_of(number), f"25{number}", "") for number in numbers])
    return msgspec.json.decode(wdt(Request("/openapi", {"method": parties.UPDATE}, {}, body))[1])


def beijing(unix: int) -> str:
    return datetime.fromtimestamp(unix, parties.BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def names(rows: list[Any]) -> list[str]:
    return [row["invoice_order_no"] for row in rows]


def test_pages_of_any_windows_show_every_order_once(wdt: Wdt) -> None:
    dice = random.Random(1)
    edges = sorted({wdt.start - 5, wdt.end + 5, *(dice.randrange(wdt.start, wdt.end) for _ in range(7))})

    seen: list[str] = []
    for start, end in pairwise(edges):
        total, _ = search(wdt, start, end)
        for page_no in range(-(-total // 4)):
            seen += names(search(wdt, start, end, page_no, 4)[1])

    assert seen == [name_of(number) for number in range(ROWS.count)]


def test_sellers_share_the_orders_out() -> None:
    first, second = Wdt(ROWS, 1.0, 0, 13), Wdt(ROWS, 1.0, 13, 12)

    shown = [names(search(one, one.start, one.end + 1)[1]) for one in (first, second)]

    assert [len(one) for one in shown] == [13, 12]
    assert shown[0] + shown[1] == [name_of(number) for number in range(ROWS.count)]
    assert write_back(first, 20)["data"]["error_info"] == {name_of(20): "发票不存在!"}


def test_what_was_written_back_leaves_the_work_list_and_shows_its_number(wdt: Wdt) -> None:
    write_back(wdt, 3, 4)
    write_back(wdt, 3)

    waiting = names(search(wdt, wdt.start, wdt.end + 5000)[1])
    total, everything = search(wdt, wdt.start, wdt.end + 5000, mode=1)

    assert name_of(3) not in waiting
    assert len(waiting) == ROWS.count - 2
    assert total == ROWS.count
    assert sorted(names(everything)) == [name_of(number) for number in range(ROWS.count)]
    assert [(row["status"], row["invoice_no"]) for row in everything[-2:]] == [(60, "253"), (60, "254")]
    assert wdt.repeated == 1


def test_a_document_nobody_has_is_refused_by_name(wdt: Wdt) -> None:
    answer = write_back(wdt, 99)

    assert answer["data"]["error_info"] == {name_of(99): "发票不存在!"}


def test_an_order_is_known_by_its_goods_whatever_key_it_comes_under() -> None:
    nuonuo = Nuonuo()
    row = msgspec.json.decode(ROWS.row(7))

    for key in ("a", "b", "b"):
        submit(nuonuo, parties.submit_body({**row}, key))

    assert number_of(row["detail_list"][0]["item_name"]) == 7
    assert nuonuo.doubles == 1


def test_an_invoice_is_of_the_amounts_that_were_asked_for() -> None:
    nuonuo = Nuonuo()
    row = msgspec.json.decode(ROWS.row(8))
    amount = row["invoice_amount"]

    submit(nuonuo, parties.submit_body(row, "a"))
    asked = parties.ask_body(["a", "nobody's"])
    answer = msgspec.json.decode(nuonuo(Request("/", {}, {"method": parties.ASK}, asked))[1])

    assert [(one["orderNo"], one["status"]) for one in answer["result"]] == [("a", "2")]
    assert answer["result"][0]["orderAmount"] == f"{amount:.2f}"


def submit(nuonuo: Nuonuo, body: bytes) -> None:
    nuonuo(Request("/", {}, {"method": parties.SUBMIT}, body))


def test_every_row_is_another_order_of_the_same_length_about() -> None:
    rows = [msgspec.json.decode(ROWS.row(number)) for number in range(ROWS.count)]

    assert len({row["invoice_order_no"] for row in rows}) == ROWS.count
    assert len({row["detail_list"][0]["item_name"] for row in rows}) == ROWS.count
    assert all(1000 < len(ROWS.row(number)) < 6000 for number in range(ROWS.count))


MEASURES = (
    (Measure("at least", 0.59, 0.6), False),
    (Measure("at least", 0.6, 0.6), True),
    (Measure("at most", 121, 120, "<="), False),
    (Measure("only told", 7), None),
)


@pytest.mark.parametrize(("measure", "passed"), MEASURES)
def test_an_aim_is_met_or_missed_and_nothing_between(measure: Measure, passed: bool | None) -> None:
    assert measure.passed is passed
