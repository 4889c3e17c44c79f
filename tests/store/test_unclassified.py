"""Messages nobody has classified are counted, and the count outlives the process."""

from __future__ import annotations

import pytest
from daemon_parts import VirtualClock
from store_parts import at, url_of

from syncd.domain.trouble import Care, Verdict
from syncd.store.store import Store
from syncd.store.unclassified import LONGEST, MOST_KEPT, OTHERS


def said(text: str, code: str = "E9777", platform: str = "nuonuo") -> Verdict:
    return Verdict(Care.UNCLASSIFIED, platform, code, text)


async def seen(store: Store, *verdicts: Verdict) -> None:
    for verdict in verdicts:
        async with store.begin() as tx:
            await tx.unclassified.seen(verdict)


async def test_the_same_words_about_two_orders_are_one_message_seen_twice(store: Store, clock: VirtualClock) -> None:
    await seen(store, said("单据FP202611200017状态不对"))
    clock.advance(60)
    await seen(store, said("单据FP202611200018状态不对"))

    async with store.read() as tx:
        (one,) = await tx.unclassified.all()

    assert (one.platform, one.code, one.text, one.count) == ("nuonuo", "E9777", "单据#状态不对", 2)
    assert (one.first_at, one.last_at) == (at(0), at(60))


async def test_messages_differ_by_platform_code_and_words(store: Store) -> None:
    await seen(store, said("a"), said("b"), said("a", code="E9778"), said("a", platform="wdt"), said("a"))

    async with store.read() as tx:
        assert {(one.platform, one.code, one.text): one.count for one in await tx.unclassified.all()} == {
            ("nuonuo", "E9777", "a"): 2,
            ("nuonuo", "E9777", "b"): 1,
            ("nuonuo", "E9778", "a"): 1,
            ("wdt", "E9777", "a"): 1,
        }
        assert await tx.unclassified.by_platform() == {"nuonuo": 4, "wdt": 1}


async def test_the_latest_comes_first(store: Store, clock: VirtualClock) -> None:
    await seen(store, said("old"))
    clock.advance(1)
    await seen(store, said("new"))

    async with store.read() as tx:
        assert [one.text for one in await tx.unclassified.all()] == ["new", "old"]


async def test_several_at_once_are_counted_as_several(store: Store) -> None:
    async with store.begin() as tx:
        await tx.unclassified.seen(said("a"), times=3)
        await tx.unclassified.seen(said("a"), times=2)

    async with store.read() as tx:
        assert (await tx.unclassified.all())[0].count == 5


async def test_a_party_that_says_something_new_each_time_fills_nobodys_disk(store: Store) -> None:
    async with store.begin() as tx:
        for number in range(MOST_KEPT + 30):
            await tx.unclassified.seen(said("x" * 1000, code=f"C{number}"))

    async with store.read() as tx:
        kept = await tx.unclassified.all()
        assert await tx.unclassified.by_platform() == {"nuonuo": MOST_KEPT + 30}

    assert len(kept) == MOST_KEPT + 1
    assert max(len(one.text) for one in kept) == LONGEST
    assert {one.count for one in kept if one.text == OTHERS} == {30}


async def test_what_was_rolled_back_was_not_said(store: Store) -> None:
    with pytest.raises(RuntimeError):
        async with store.begin() as tx:
            await tx.unclassified.seen(said("a"))
            raise RuntimeError

    async with store.read() as tx:
        assert await tx.unclassified.all() == []


async def test_the_count_survives_a_restart(store: Store, clock: VirtualClock) -> None:
    await seen(store, said("a"))
    await store.close()

    async with Store.at(url_of(store), clock) as again:
        await seen(again, said("a"))
        async with again.read() as tx:
            assert (await tx.unclassified.all())[0].count == 2
