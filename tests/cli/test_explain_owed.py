"""`explain` of an order that is finished at WDT, and for which somebody else is still owed something."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from cli_world import Place, Run
from orders_made import in_store, look_up, make

from syncd.domain.application import Standing, Stuck
from syncd.domain.lifecycle import State
from syncd.domain.trouble import Care, Verdict
from syncd.store.applications import FOR_A_FILE, NEVER, PARKED
from syncd.store.instants import to_ms
from syncd.store.store import Tx

HOURS = timedelta(hours=6)


@pytest.fixture
def no(run: Run) -> str:
    """A finished order, linked to application 13213123 at the centre."""
    found = str(json.loads(run("orders", "list", "--state", "DONE60", "--json").output)[0]["invoice_order_no"])
    assert run("link", found, "13213123").exit_code == 0
    return found


def change(place: Place, **columns: Any) -> None:
    """Where the application stands; `after` is the time until it is due."""

    async def set_it(tx: Tx) -> None:
        (seen,) = await tx.applications.find("13213123")
        after = columns.pop("after", None)
        if after is not None:
            columns["next_at"] = to_ms(tx.now + after)
        await tx.applications.wait(seen, **columns)

    in_store(place.store, set_it)


def ahead(run: Run, no: str) -> dict[str, Any]:
    return dict(json.loads(run("explain", no, "--json").output)["next"])


@pytest.mark.parametrize(
    ("columns", "zh", "en", "who"),
    [
        ({"after": HOURS, "answer": FOR_A_FILE}, "等待发票版式文件取回", "is being fetched", "system"),
        ({"after": HOURS, "answer": PARKED}, "处理时程序出错", "the program failed over it", "integrator"),
        ({"after": HOURS, "answer": "missing"}, "缺的发票已补传", "had time to collect it", "system"),
        ({"after": HOURS, "answer": "returning"}, "缺的发票已补传", "had time to collect it", "system"),
        ({"after": HOURS, "answer": "blank"}, "未说明缺什么", "not what it lacks", "system"),
        ({"after": HOURS, "tries": 3}, "连续 3 次", "the last 3 calls", "system"),
        ({"tries": 0}, "到时即办", "as soon as its time has come", "system"),
    ],
)
def test_an_application_that_is_not_ended_is_the_next_step_with_when_and_why(
    place: Place, run: Run, no: str, columns: dict[str, Any], zh: str, en: str, who: str
) -> None:
    change(place, **columns)

    chinese, english, told = run("explain", no, lang="zh").output, run("explain", no).output, ahead(run, no)

    assert "下一步：无" not in chinese
    assert "无需任何人" not in chinese
    assert "下一步：把结果告知阿里发票中台（申请 13213123）" in chinese
    assert zh in chinese
    assert en in english
    assert told["at"]
    assert told["who"] == who


def test_an_application_that_waits_for_other_orders_names_them(place: Place, run: Run, no: str) -> None:
    make(place.store, "Y1", State.PENDING, payer=look_up(place.store, no).payer_name)
    assert run("link", "Y1", "13213123").exit_code == 0
    change(place, next_at=NEVER)

    told = ahead(run, no)

    assert "Y1" in told["text"]
    assert no not in told["text"]
    assert told["at"] is None
    assert told["who"] == "system"


def test_a_held_application_is_a_persons_though_the_order_is_done(place: Place, run: Run, no: str) -> None:
    async def hold(tx: Tx) -> None:
        (seen,) = await tx.applications.find("13213123")
        await tx.applications.hold(seen, Stuck.UNKNOWN, {})

    in_store(place.store, hold)

    assert ahead(run, no)["who"] == "clerk"
    assert "财务人员" in run("explain", no, lang="zh").output


def test_behind_a_lane_that_needs_a_person_it_waits_for_that_person(place: Place, run: Run, no: str) -> None:
    verdict = Verdict(Care.PERSON, "top", "27", "invalid session: session-expired")
    in_store(place.store, lambda tx: tx.lanes.rest("m001", "top", verdict))

    told, zh = ahead(run, no), run("explain", no, lang="zh").output

    assert (told["who"], told["lane"]) == ("clerk", "m001/top")
    assert "商家授权（session）缺失、失效或过期" in zh


def test_an_application_that_was_told_leaves_nothing_to_do(place: Place, run: Run, no: str) -> None:
    async def done(tx: Tx) -> None:
        (seen,) = await tx.applications.find("13213123")
        await tx.applications.move(seen, Standing.DONE, next_at=NEVER)

    in_store(place.store, done)

    assert ahead(run, no)["who"] == "nobody"


@pytest.mark.parametrize(("tries", "said"), [(0, "微信卡包里的蓝票置为已冲红"), (2, "上次之后卡包仍未显示")])
def test_a_card_that_is_still_to_be_told_is_the_next_step(place: Place, run: Run, tries: int, said: str) -> None:
    found = str(json.loads(run("orders", "list", "--state", "DONE60", "--json").output)[0]["invoice_order_no"])

    async def owe(tx: Tx) -> None:
        (order,) = await tx.orders.by_no(found)
        assert await tx.cancels.owe(order.id, order.merchant, 7)
        (owed,) = await tx.cancels.due("m001", 5)
        for _ in range(tries):
            await tx.cancels.sending(owed.id, tx.now)
        await tx.cancels.again_at(owed.id, tx.now + HOURS)

    in_store(place.store, owe)
    told = ahead(run, found)

    assert (bool(told["at"]), told["who"]) == (True, "system")
    assert said in run("explain", found, lang="zh").output
