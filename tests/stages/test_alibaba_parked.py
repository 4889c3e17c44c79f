"""An application over which the program fails is left alone for hours, and says that this is why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from centre_parts import alibaba, application, applied, ends, linked
from stage_parts import Open

from syncd.domain.lifecycle import State
from syncd.sandbox import Sandbox
from syncd.settled import SOON
from syncd.stages.alibaba import plan
from syncd.store.applications import PARKED


def _fails(*_: Any) -> Any:
    raise ZeroDivisionError


async def test_a_defect_is_noted_as_what_an_application_waits_for(
    sandbox: Sandbox, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    no = sandbox.wdt.put_order({})
    applied(sandbox, "A1", no)
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.comes_to(no, State.DONE60)
        await linked(d, "A1", no)
        with monkeypatch.context() as broken:
            broken.setattr(plan, "next_step", _fails)
            for _ in range(3):
                with pytest.raises(ZeroDivisionError):
                    await d.turn("alibaba")
        seen, once = await application(d, "A1"), await d.app.settled(soon=SOON)
        assert seen.next_at is not None
        waits_for = seen.next_at - d.clock.now()
        done = await ends(d, "A1")

    assert (seen.answer, waits_for > timedelta(hours=5)) == (PARKED, True)
    assert (once.done, once.later) == (True, 1)
    assert done.answer == "done"


async def test_what_goes_wrong_afterwards_is_no_defect_any_more(
    sandbox: Sandbox, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    no = sandbox.wdt.put_order({})
    applied(sandbox, "A1", no)
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.comes_to(no, State.DONE60)
        await linked(d, "A1", no)
        with monkeypatch.context() as broken:
            broken.setattr(plan, "next_step", _fails)
            for _ in range(3):
                with pytest.raises(ZeroDivisionError):
                    await d.turn("alibaba")
        sandbox.top.faults.force("prod.apply.get", "http_500_before")
        d.clock.world += timedelta(hours=7)
        await d.turn("alibaba")

        assert (await application(d, "A1")).answer == ""
