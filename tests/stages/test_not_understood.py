"""What nobody has classified, and what contradicts itself, ends with a person and not in a second request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from daemon_parts import Daemon
from stage_parts import Open, submits

from syncd.domain import release as rules
from syncd.domain.hold_texts import sentence
from syncd.domain.lifecycle import Hold, Phase, State
from syncd.domain.order import OrderNo, UpdateAnswer, WriteBack
from syncd.domain.outcome import Duplicate, Outcome, Unknown
from syncd.domain.trouble import Care, InDoubt, Verdict
from syncd.sandbox import Sandbox

ODD = Verdict(Care.UNCLASSIFIED, "nuonuo", "E9777", "尊敬的用户，购方 91310115MA1K39423D 电话 13800138000 有误")


def answers(d: Daemon, monkeypatch: pytest.MonkeyPatch, outcome: Outcome, *, then_send: bool = False) -> list[str]:
    """The issuer says this to submissions, having created nothing; the keys that were submitted."""
    issuer = d.app.stages["push"]._merchants["m001"].issuer  # type: ignore[attr-defined]
    submit, keys = issuer.submit, []

    async def odd(key: str, body: bytes) -> Outcome:
        keys.append(key)
        return await submit(key, body) if then_send else outcome  # type: ignore[no-any-return]

    monkeypatch.setattr(issuer, "submit", odd)
    return keys


async def test_an_answer_nobody_has_classified_is_asked_about_and_then_held_and_never_sent_again(
    sandbox: Sandbox, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words are kept for people without the numbers in them, and counted."""
    no = sandbox.wdt.put_order({}, expect="hold")
    async with daemon() as d:
        keys = answers(d, monkeypatch, Unknown("code E9777", unclassified=ODD))
        await d.comes_to(no, State.INTENT)
        assert (await d.order(no)).phase is Phase.UNCLASSIFIED
        held = await d.comes_to(no, State.HOLD, within=timedelta(hours=1))
        story = await d.story(no)
        async with d.app.store.read() as tx:
            counted = await tx.unclassified.by_platform()

    assert len(keys) == 1
    assert held.hold is Hold.POISON_ROW
    assert held.hold_facts["code"] == "unclassified_answer"
    assert (held.hold_facts["platform"], held.hold_facts["answer"]) == ("nuonuo", "E9777")
    assert "E9777" in sentence(Hold.POISON_ROW, held.hold_facts, "en")
    assert counted == {"nuonuo": 1}
    told = held.hold_facts["text"] + "".join(str(entry.facts) for entry in story)
    assert "有误" in told
    assert "91310115MA1K39423D" not in told
    assert "13800138000" not in told


async def test_an_unclassified_answer_beside_an_invoice_is_no_obstacle_to_it(
    sandbox: Sandbox, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    no = sandbox.wdt.put_order({})
    async with daemon() as d:
        issuer = d.app.stages["push"]._merchants["m001"].issuer  # type: ignore[attr-defined]
        submit = issuer.submit

        async def taken(key: str, body: bytes) -> Outcome:
            await submit(key, body)
            return Unknown("code E9777", unclassified=ODD)

        monkeypatch.setattr(issuer, "submit", taken)
        done = await d.comes_to(no, State.DONE60)

    assert done.refusal is None
    assert len(sandbox.nuonuo.ledger) == 1


async def test_a_released_one_is_asked_about_again_before_it_goes_once_more_and_is_never_reported_as_refused(
    sandbox: Sandbox, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    no = sandbox.wdt.put_order({})
    async with daemon() as d:
        with monkeypatch.context() as patch:
            answers(d, patch, Unknown("code E9777", unclassified=ODD))
            held = await d.comes_to(no, State.HOLD, within=timedelta(hours=1))
        standing = rules.Standing(held.state, held.phase, 45, held.hold, held.held_from, held.held_phase)
        change = rules.release(standing, d.clock.now())
        assert isinstance(change, rules.Change)
        assert change.event is not None
        async with d.app.store.begin() as tx:
            columns = {name: int(value.timestamp() * 1000) if name == "next_at" else value  # type: ignore[union-attr]
                       for name, value in change.columns.items()}  # fmt: skip
            await tx.orders.move(held, change.event, **columns)
        assert (await d.order(no)).refusal is None
        assert submits(sandbox) == 0

        await d.comes_to(no, State.DONE60, within=timedelta(hours=1))

    assert sandbox.counts()["refused"] == 0
    assert len(sandbox.nuonuo.by_key) == 1


async def test_an_issuer_that_calls_a_key_known_and_cannot_find_it_is_for_a_person_after_twenty_rounds(
    sandbox: Sandbox, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    no = sandbox.wdt.put_order({}, expect="hold")
    async with daemon(issuer={"settle": "30s"}) as d:
        keys = answers(d, monkeypatch, Duplicate())
        held = await d.comes_to(no, State.HOLD, within=timedelta(days=2))

    assert len(keys) == 20
    assert (held.hold, held.hold_facts["code"]) == (Hold.CLASS_B_NOT_FOUND, "duplicate_not_found")


# -- the write-back --------------------------------------------------------------------------------------------------

STRANGE = Verdict(Care.UNCLASSIFIED, "wdt", "100", "单据 91310115MA1K39423D 状态奇怪")


def erp_of(d: Daemon) -> Any:
    return d.app.stages["write_back"]._merchants["m001"].erp  # type: ignore[attr-defined]


async def test_a_write_back_refused_in_words_nobody_has_classified_is_read_back_and_held(
    sandbox: Sandbox, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    no, fine = sandbox.wdt.put_order({}, expect="hold"), sandbox.wdt.put_order({})
    async with daemon() as d:
        update, said = erp_of(d).update, []

        async def strange(documents: Sequence[WriteBack]) -> UpdateAnswer:
            said.extend(document.order_no for document in documents if document.order_no == no)
            answer = await update([document for document in documents if document.order_no != no])
            refused = {OrderNo(no): STRANGE.text} if any(one.order_no == no for one in documents) else {}
            return UpdateAnswer({**answer.refused, **refused}, dict.fromkeys(refused, STRANGE))

        monkeypatch.setattr(erp_of(d), "update", strange)
        held = await d.comes_to(no, State.HOLD)
        await d.comes_to(fine, State.DONE60)
        story = await d.story(no)
        async with d.app.store.read() as tx:
            counted = await tx.unclassified.by_platform()

    assert said == [no]
    assert (held.hold, held.hold_facts["code"]) == (Hold.POISON_ROW, "write_back_refused")
    assert counted == {"wdt": 1}
    assert "状态奇怪" in str([entry.facts for entry in story])
    assert "91310115MA1K39423D" not in str([entry.facts for entry in story])


async def test_one_that_was_applied_all_the_same_is_paid(
    sandbox: Sandbox, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    no = sandbox.wdt.put_order({})
    async with daemon() as d:
        update = erp_of(d).update

        async def applied(documents: Sequence[WriteBack]) -> UpdateAnswer:
            await update(documents)
            return UpdateAnswer({OrderNo(no): STRANGE.text}, {OrderNo(no): STRANGE})

        monkeypatch.setattr(erp_of(d), "update", applied)
        await d.comes_to(no, State.DONE60)


async def test_a_document_that_makes_the_whole_call_strange_is_found_and_held_without_the_others(
    sandbox: Sandbox, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Halved after each reading back; held when it was alone in the call twice."""
    numbers = [sandbox.wdt.put_order({}, expect="hold" if at == 2 else "issue") for at in range(5)]
    bad = numbers[2]
    async with daemon() as d:
        update, alone = erp_of(d).update, []

        async def strange(documents: Sequence[WriteBack]) -> UpdateAnswer:
            if any(document.order_no == bad for document in documents):
                alone.append(len(documents) == 1)
                raise InDoubt(STRANGE)
            return await update(documents)  # type: ignore[no-any-return]

        monkeypatch.setattr(erp_of(d), "update", strange)
        held = await d.comes_to(bad, State.HOLD)
        for no in numbers:
            if no != bad:
                await d.comes_to(no, State.DONE60)

    assert held.hold_facts["code"] == "write_back_refused"
    assert alone.count(True) == 2
    assert len(alone) <= 5


async def test_one_strange_answer_to_a_whole_call_holds_nobody(
    sandbox: Sandbox, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    no = sandbox.wdt.put_order({})
    async with daemon() as d:
        update, answers = erp_of(d).update, [InDoubt(STRANGE)]

        async def once(documents: Sequence[WriteBack]) -> UpdateAnswer:
            if answers:
                raise answers.pop()
            return await update(documents)  # type: ignore[no-any-return]

        monkeypatch.setattr(erp_of(d), "update", once)
        await d.comes_to(no, State.DONE60)
