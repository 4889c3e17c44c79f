"""Each channel takes a message once; one that takes none is tried again, later and later, and logged once."""

from __future__ import annotations

from channels import Notebook
from structlog.testing import capture_logs

from syncd.watch.alert_channels import Note
from syncd.watch.alert_post import Post

NOTE = Note("one", "of them")


class Hours:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_message_that_one_channel_took_reaches_the_other_when_it_can_and_the_first_no_more() -> None:
    good, bad, hours = Notebook(), Notebook(deaf=True), Hours()
    post = Post([bad, good], hours)

    assert await post.deliver("k", NOTE)
    bad.deaf = False
    hours.now = 31.0
    await post.flush()

    assert (good.titles, bad.titles) == (["one"], ["one"])


async def test_a_channel_that_takes_nothing_is_asked_seldom_and_logged_once() -> None:
    bad, hours = Notebook(deaf=True), Hours()
    post = Post([bad], hours)

    with capture_logs() as logs:
        for second in range(0, 7200, 15):
            hours.now = second
            assert not await post.deliver("k", NOTE)
        bad.deaf = False
        hours.now = 9000
        assert await post.deliver("k", NOTE)

    assert bad.asked < 20
    assert [line["event"] for line in logs] == ["alerts.failed", "alerts.recovered"]
    assert bad.titles == ["one"]


async def test_a_message_nobody_took_and_nobody_wants_any_more_is_never_delivered() -> None:
    bad, hours = Notebook(deaf=True), Hours()
    post = Post([bad], hours)
    await post.deliver("old", NOTE)

    post.withdraw({"new"})
    bad.deaf = False
    hours.now = 60
    await post.deliver("new", Note("two", ""))

    assert bad.titles == ["two"]


async def test_a_message_that_one_channel_took_is_not_withdrawn_from_the_others() -> None:
    good, bad, hours = Notebook(), Notebook(deaf=True), Hours()
    post = Post([good, bad], hours)
    await post.deliver("k", NOTE)

    post.withdraw(set())
    bad.deaf = False
    hours.now = 60
    await post.flush()

    assert bad.titles == ["one"]


async def test_a_channel_dead_for_days_keeps_the_latest_twenty() -> None:
    bad, good, hours = Notebook(deaf=True), Notebook(), Hours()
    post = Post([bad, good], hours)
    for number in range(50):
        await post.deliver(number, Note(str(number), ""))

    bad.deaf = False
    hours.now = 5000
    await post.flush()

    assert bad.titles == [str(number) for number in range(30, 50)]
    assert len(good.titles) == 50
