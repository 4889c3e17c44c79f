"""The wallet stage: the mirror, fresh looks for reds, and the card of a reversed invoice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from daemon_parts import Daemon, VirtualClock
from stage_parts import Open

from syncd.domain.lifecycle import State
from syncd.domain.wallet import CardRef, Holder
from syncd.sandbox import Sandbox
from syncd.sandbox.yuannian import YuannianWorld
from syncd.stages.wallet import run
from syncd.stages.wallet.keeping import keep_cards
from syncd.store.cards import CardView
from syncd.store.instance import Disarmed

NUMBER = "2633200000000000000{}"


class Desk:
    """A daemon with a wallet, and hands at the buyers'."""

    def __init__(self, daemon: Daemon, world: YuannianWorld) -> None:
        self.daemon, self.world = daemon, world
        self.store = daemon.app.store
        self.merchant = daemon.app.parties.merchants[0]

    async def import_card(self, card: Any, *, keep: bool = True, biz_code: str = "") -> CardView | None:
        """As `syncd wallet import` does it; without `keep` somebody else has imported it."""
        ref = CardRef(card.card_id, card.encrypt_code)
        assert self.merchant.wallet is not None
        found = await self.merchant.wallet.import_cards([ref], biz_code)
        if keep:
            await self.keep(found, {card.card_id: card.encrypt_code})
        return await self.card(card)

    async def keep(self, found: Any, codes: dict[str, str] | None, **more: Any) -> None:
        rules = self.merchant.wallet_rules
        assert rules is not None
        async with self.store.begin() as tx:
            await keep_cards(tx, self.merchant.sid, "m001", rules.seal, found, codes=codes, **more)

    async def card(self, card: Any) -> CardView | None:
        async with self.store.read() as tx:
            return await tx.cards.of_invoice("m001", card.number, card.code)

    async def want(self, *cards: Any) -> list[CardView]:
        """Ask for fresh looks, and give the stage one turn."""
        async with self.store.begin() as tx:
            for card in cards:
                found = await tx.cards.of_invoice("m001", card.number, card.code)
                assert found is not None
                await tx.cards.want_look(found)
        await self.daemon.turn("wallet")
        return [found for card in cards if (found := await self.card(card)) is not None]

    async def owe(self, card: Any) -> None:
        """Owe the card its CANCEL, as the issue of a red invoice does."""
        async with self.store.begin() as tx:
            (order,) = (await tx.board.orders())[:1]
            found = await tx.cards.of_invoice("m001", card.number, card.code)
            assert found is not None
            assert await tx.cancels.owe(order.id, order.merchant, found.id)
            await tx.units.wake("wallet", "m001")

    async def owed(self) -> int:
        async with self.store.read() as tx:
            return (await tx.board.debts()).get("wallet", 0)

    async def settle_up(self) -> None:
        """Let time pass until nothing is owed to any card."""

        async def nothing() -> bool:
            return await self.owed() == 0

        await self.daemon.until(nothing, timedelta(hours=1))

    async def told(self) -> list[tuple[str, Any]]:
        """What the history says of wallets."""
        async with self.store.read() as tx:
            (order,) = (await tx.board.orders())[:1]
            story = await tx.journal.of(order.id)
        return [(one.event, one.facts.get("why")) for one in story if one.event.startswith("wallet.")]

    def said(self, method: str = "status.update") -> int:
        """How many calls of this kind arrived."""
        return len(self.world.calls.of(method))


@pytest.fixture
def desk(sandbox: Sandbox, daemon: Open) -> Any:
    @asynccontextmanager
    async def opened(store: str = "", **settings: Any) -> AsyncIterator[Desk]:
        yuannian = {**sandbox.describe()["yuannian"], "timeout": "2s", **settings}
        sandbox.wdt.put_order({})
        calm = {"poll": "20m", "mirror": "1h", "push": "1m", "collect": "1m", "write_back": "1m"}
        async with daemon(store, yuannian=yuannian, schedule=calm) as running:
            await running.turn("poll", "pending")
            yield Desk(running, sandbox.yuannian)

    return opened


# -- the mirror --------------------------------------------------------------------------------------------------------


async def test_cards_that_somebody_imported_come_into_the_mirror_once(desk: Any, clock: VirtualClock) -> None:
    """Pages are read to their end, and the platform lists imports, not cards."""
    async with desk() as here:
        await here.daemon.turn("wallet")
        cards = [here.world.put_card(NUMBER.format(at), openid="o1") for at in range(5)]
        clock.advance(60)
        for card in (*cards, *cards):
            await here.import_card(card, keep=False, biz_code=card.number)
        here.daemon.app.stages["wallet"]._merchants["m001"] = _paged(here, 3)
        clock.advance(1800)
        await here.daemon.turn("wallet")

        async with here.store.read() as tx:
            mirror = await tx.cards.all()

    assert sorted(one.number for one in mirror) == [NUMBER.format(at) for at in range(5)]
    assert {one.looked_at for one in mirror} == {None}


def _paged(here: Desk, size: int) -> Any:
    from dataclasses import replace

    assert here.merchant.wallet_rules is not None
    return replace(here.merchant, wallet_rules=replace(here.merchant.wallet_rules, page_size=size))


async def test_whose_card_it_is_is_sealed_and_not_forgotten_over_a_search(
    desk: Any, sandbox: Sandbox, clock: VirtualClock
) -> None:
    async with desk() as here:
        card = here.world.put_card(NUMBER.format(1), openid="demo_openid", title="某某公司", buyer_tax_no="T9")
        clock.advance(60)
        await here.import_card(card)
        clock.advance(1800)
        await here.daemon.turn("wallet")
        found = await here.card(card)
        rules = here.merchant.wallet_rules
        written = b"".join(path.read_bytes() for path in here.store.path.parent.glob("syncd.db*"))

    assert rules.seal.opened(card.card_id, found.sealed) == Holder(
        card.encrypt_code, "demo_openid", "某某公司", "T9", rules.seal.opened(card.card_id, found.sealed).pdf_url
    )
    for text in (card.encrypt_code, "demo_openid", "某某公司"):
        assert text.encode() not in written


async def test_a_restart_reads_on_from_where_the_feed_was(desk: Any, clock: VirtualClock) -> None:
    async with desk() as here:
        await here.daemon.turn("wallet")
        clock.advance(3600)
        late = here.world.put_card(NUMBER.format(1))
        await here.import_card(late, keep=False)
        clock.advance(3600)
    async with desk() as here:
        await here.daemon.turn("wallet")

        assert await here.card(late) is not None


# -- fresh looks -------------------------------------------------------------------------------------------------------


async def test_a_look_shows_what_the_buyers_employer_did_a_moment_ago(desk: Any) -> None:
    async with desk() as here:
        cards = [here.world.put_card(NUMBER.format(at), openid=f"o{at}") for at in range(3)]
        for card in cards:
            await here.import_card(card)
        imports = here.said("import")
        here.world.set_status(cards[1].card_id, "LOCK", by="employer")
        here.world.set_status(cards[2].card_id, "CLOSURE", by="employer")

        found = await here.want(*cards)

        assert [one.status.name for one in found if one.status] == ["INIT", "LOCK", "CLOSURE"]
        assert all(one.looked_at is not None and one.wanted_at is None for one in found)
        assert here.said("import") == imports + 1  # one call for all of them


async def test_more_cards_than_one_turn_looks_at_are_looked_at_by_the_next(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reds behind them wait for minutes only, and then go without a look."""
    monkeypatch.setattr(run, "MOST_AT_ONCE", 2)
    async with desk() as here:
        cards = [here.world.put_card(NUMBER.format(at), openid=f"o{at}") for at in range(5)]
        for card in cards:
            await here.import_card(card)
        await here.want(*cards)

        await here.daemon.pass_by(10)

        assert [(await here.card(card)).wanted_at for card in cards] == [None] * 5


@pytest.mark.parametrize("unknown", ["item", "missing", "refuse"])
async def test_one_card_that_is_gone_is_missed_and_spoils_no_other(desk: Any, unknown: Any) -> None:
    async with desk() as here:
        cards = [here.world.put_card(NUMBER.format(at)) for at in range(2)]
        for card in cards:
            await here.import_card(card)
        here.world.switches.unknown_card = unknown
        del here.world.cards[cards[0].card_id]

        gone, there = await here.want(*cards)

        assert gone.missed_at is not None
        assert there.missed_at is None
        assert there.looked_at == there.seen_at


async def test_a_card_that_only_the_search_showed_tells_when_it_speaks_against_the_red(desk: Any) -> None:
    """Without its code it cannot be imported again, and what the search says of "not locked" may be old."""
    async with desk() as here:
        here.world.switches.search_status = "live"
        free, locked = (here.world.put_card(NUMBER.format(at)) for at in range(2))
        for card in (free, locked):
            await here.import_card(card, keep=False)
        found = (await here.merchant.wallet.search(_all())).cards
        await here.keep(found, None)
        here.world.set_status(locked.card_id, "LOCK", by="employer")

        unsure, telling = await here.want(free, locked)

        assert (unsure.missed_why, unsure.missed_at is not None) == ("search_only", True)
        assert (telling.status_text, telling.missed_at) == ("INVOICE_REIMBURSE_LOCK", None)


def _all() -> Any:
    from syncd.domain.wallet import CardSearch

    return CardSearch()


async def test_where_an_import_cannot_be_repeated_the_search_is_asked(desk: Any) -> None:
    async with desk() as here:
        here.world.switches.search_status = "live"
        card = here.world.put_card(NUMBER.format(1))
        await here.import_card(card)
        here.world.switches.reimport = "refuse"
        here.world.set_status(card.card_id, "CLOSURE", by="employer")

        (found,) = await here.want(card)

        assert (found.status_text, found.wanted_at) == ("INVOICE_REIMBURSE_CLOSURE", None)


async def test_under_another_secret_what_was_sealed_is_nobodys(desk: Any) -> None:
    """The secret was changed: the cards must be imported again; until then they are unknown, and hold nobody up."""
    async with desk() as here:
        card = here.world.put_card(NUMBER.format(1))
        await here.import_card(card)
        async with here.store.begin() as tx:
            await tx.connection.exec_driver_sql("UPDATE card SET sealed = x'00'")

        (found,) = await here.want(card)

        assert found.missed_why == "search_only"


async def test_cards_of_our_own_official_account_are_looked_at_through_it(
    desk: Any, sandbox: Sandbox, tmp_path: Any
) -> None:
    file = tmp_path / "access"
    async with desk(access_token_file=str(file)) as here:
        here.world.add_access_token("demo_access", "shop")
        card = here.world.put_card(NUMBER.format(1), openid="o1")
        ref = CardRef(card.card_id, card.encrypt_code)
        found = await here.merchant.wallet.import_cards([ref], access_token="demo_access")
        await here.keep(found, {card.card_id: card.encrypt_code}, own_account=True)

        (without,) = await here.want(card)
        file.write_text("demo_access\n")
        (with_token,) = await here.want(card)

        assert without.missed_why == "no_access_token"
        assert with_token.missed_at is None
        assert here.said("import.jsapi") == 2


# -- the platform is down ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("down", ["cut", "502"])
async def test_whoever_waits_for_a_look_is_answered_though_the_platform_is_down(
    desk: Any, clock: VirtualClock, down: Any
) -> None:
    async with desk() as here:
        card = here.world.put_card(NUMBER.format(1))
        await here.import_card(card)
        here.world.switches.down = down
        for _ in range(8):
            (found,) = await here.want(card)
            assert found.wanted_at is None
            assert found.missed_at == clock.now()
            clock.advance(10)

        async with here.store.read() as tx:
            (resting,) = [one for one in await tx.lanes.all() if one.state == "resting"]
        here.world.switches.down = ""
        clock.advance(900)
        await here.daemon.turn("wallet")
        (found,) = await here.want(card)

    assert resting.name == "m001/yuannian"
    assert found.missed_at is None


async def test_a_paused_lane_calls_nobody_and_answers_at_once(desk: Any) -> None:
    async with desk() as here:
        card = here.world.put_card(NUMBER.format(1))
        await here.import_card(card)
        calls = here.world.calls.by_method.total()
        async with here.store.begin() as tx:
            await tx.lanes.pause("m001", "yuannian", "by hand", None)

        (found,) = await here.want(card)

        assert (found.missed_why, here.world.calls.by_method.total()) == ("lane", calls)


async def test_refused_credentials_rest_this_lane_and_no_other(desk: Any, clock: VirtualClock) -> None:
    async with desk() as here:
        await here.daemon.turn("wallet")
        clock.advance(1800)
        here.world.expire_token(here.world.token)
        await here.daemon.turn("wallet")

        async with here.store.read() as tx:
            resting = [one.name for one in await tx.lanes.all() if one.state == "resting"]
        await here.daemon.settle()
        (order,) = (await here.daemon.orders()).values()

    assert resting == ["m001/yuannian"]
    assert order.state is State.DONE60


async def test_without_a_signature_the_part_is_off_and_issuing_goes_on(desk: Any) -> None:
    async with desk(sign_template="") as here:
        await here.daemon.settle()
        (order,) = (await here.daemon.orders()).values()

        assert "wallet" not in here.daemon.app.stages
        assert "sign_template" in here.daemon.app.parties.wallets_off["m001"]
        assert order.state is State.DONE60


# -- the card of a reversed invoice ------------------------------------------------------------------------------------


async def test_the_card_of_a_reversed_invoice_is_set_to_cancel_and_seen_to_be(desk: Any) -> None:
    async with desk(allow_cancel=True) as here:
        here.world.switches.allow_cancel = True
        card = here.world.put_card(NUMBER.format(1), openid="o1")
        await here.import_card(card)
        await here.owe(card)
        await here.daemon.turn("wallet")
        await here.daemon.turn("wallet")

        assert card.status == "INVOICE_REIMBURSE_CANCEL"
        assert (await here.owed(), here.said(), await here.told()) == (0, 1, [("wallet.cancelled", None)])


@pytest.mark.parametrize("lost", ["lost_after", "lost_before", "http_502_after", "html_200_after"])
async def test_a_lost_answer_leads_to_a_look_and_never_to_blind_repetition(desk: Any, lost: str) -> None:
    async with desk(allow_cancel=True) as here:
        here.world.switches.allow_cancel = True
        card = here.world.put_card(NUMBER.format(1), openid="o1")
        await here.import_card(card)
        await here.owe(card)
        here.world.faults.force("status.update", lost)
        await here.settle_up()

        assert (card.status, await here.owed()) == ("INVOICE_REIMBURSE_CANCEL", 0)
        assert len(here.world.changes_of(card.card_id)) == 1
        assert here.said() == (1 if lost != "lost_before" else 2)


@pytest.mark.parametrize(
    ("status", "allowed", "why", "said"),
    [
        ("CLOSURE", True, "closure", 0),
        ("INIT", False, "72024", 1),
        ("LOCK", True, "72023", 1),
    ],
)
async def test_a_card_that_does_not_take_it_is_left_and_people_are_told(
    desk: Any, status: str, allowed: bool, why: str, said: int
) -> None:
    """Once; it is never a reason to hold anything."""
    async with desk(allow_cancel=True) as here:
        here.world.switches.allow_cancel = allowed
        card = here.world.put_card(NUMBER.format(1), openid="o1", status=status)
        await here.import_card(card)
        await here.owe(card)
        await here.daemon.turn("wallet")
        await here.daemon.turn("wallet")

        assert (await here.owed(), here.said()) == (0, said)
        assert await here.told() == [("wallet.cancel_stopped", why)]
        assert card.status == f"INVOICE_REIMBURSE_{status}"
        assert not any(one.hold for one in (await here.daemon.orders()).values())


async def test_a_card_that_says_so_already_is_not_told_again(desk: Any) -> None:
    async with desk(allow_cancel=True) as here:
        card = here.world.put_card(NUMBER.format(1), openid="o1", status="CANCEL")
        await here.import_card(card)
        await here.owe(card)
        await here.daemon.turn("wallet")

        assert (await here.owed(), here.said(), await here.told()) == (0, 0, [("wallet.cancelled", None)])


async def test_a_card_being_modified_is_told_a_little_later(desk: Any) -> None:
    async with desk(allow_cancel=True) as here:
        here.world.switches.allow_cancel = here.world.switches.busy_first = True
        card = here.world.put_card(NUMBER.format(1), openid="o1")
        await here.import_card(card)
        await here.owe(card)
        await here.settle_up()

        assert (card.status, await here.owed()) == ("INVOICE_REIMBURSE_CANCEL", 0)


async def test_a_card_being_modified_keeps_no_other_waiting(desk: Any) -> None:
    async with desk(allow_cancel=True) as here:
        here.world.switches.allow_cancel = here.world.switches.busy_first = True
        for at in range(3):
            card = here.world.put_card(NUMBER.format(at), openid=f"o{at}")
            await here.import_card(card)
            await here.owe(card)

        await here.daemon.turn("wallet")

        assert here.said() == 3


async def test_an_outage_delays_what_is_owed_to_a_card_and_nothing_else(desk: Any) -> None:
    async with desk(allow_cancel=True) as here:
        here.world.switches.allow_cancel, here.world.switches.down = True, "cut"
        card = here.world.put_card(NUMBER.format(1), openid="o1")
        here.world.switches.down = ""
        await here.import_card(card)
        here.world.switches.down = "cut"
        await here.owe(card)
        await here.daemon.settle()
        (order,) = (await here.daemon.orders()).values()
        still = await here.owed()
        here.world.switches.down = ""
        await here.settle_up()

        assert (order.state, still) == (State.DONE60, 1)
        assert (card.status, await here.owed()) == ("INVOICE_REIMBURSE_CANCEL", 0)


async def test_a_card_nobody_gave_us_the_code_of_is_left_and_told(desk: Any) -> None:
    async with desk(allow_cancel=True) as here:
        card = here.world.put_card(NUMBER.format(1), openid="o1")
        await here.import_card(card, keep=False)
        await here.daemon.turn("wallet")
        found = (await here.merchant.wallet.search(_all())).cards
        await here.keep(found, None)
        await here.owe(card)
        await here.daemon.turn("wallet")

        assert (await here.owed(), await here.told()) == (0, [("wallet.cancel_stopped", "no_code")])


async def test_a_disarmed_store_tells_no_card_anything(desk: Any) -> None:
    """A copy can never fire; what is owed waits."""
    async with desk(allow_cancel=True) as here:
        here.world.switches.allow_cancel = True
        card = here.world.put_card(NUMBER.format(1), openid="o1")
        await here.import_card(card)
        await here.owe(card)
        async with here.store.begin() as tx:
            found = await tx.cards.of_invoice("m001", card.number)
            assert found is not None
            await tx.cards.want_look(found)
            await tx.instance.disarm("by_operator")
        imports = here.said("import")
        for _ in range(2):
            await here.daemon.turn("wallet")
            here.daemon.clock.advance(timedelta(hours=1))

        assert (await here.owed(), here.said(), here.said("import")) == (1, 0, imports)  # an import may lock it
        answered = await here.card(card)
        assert answered is not None
        assert (answered.wanted_at, answered.missed_why) == (None, "disarmed")
        assert here.said("search") > 0  # it goes on reading
        with pytest.raises(Disarmed):
            async with here.store.begin(outward=True):
                raise AssertionError("a disarmed store has opened the way out")
