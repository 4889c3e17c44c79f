"""Which stages there are, the rules the settings give them, and who of them waits for whom in the engine."""

from __future__ import annotations

from collections.abc import Callable

from syncd.config import Settings
from syncd.parties import Parties
from syncd.stages.alibaba.run import Alibaba, AlibabaRules
from syncd.stages.applications.plan import ApplicationsRules
from syncd.stages.applications.run import Applications
from syncd.stages.collect.plan import CollectRules
from syncd.stages.collect.run import Collect
from syncd.stages.files.run import Files, FilesRules
from syncd.stages.poll.plan import PollRules
from syncd.stages.poll.run import Poll
from syncd.stages.push.plan import PushRules
from syncd.stages.push.run import Push
from syncd.stages.turn import Brake, Stage
from syncd.stages.wallet.run import Wallets
from syncd.stages.write_back.plan import WriteBackRules
from syncd.stages.write_back.run import WriteBacks
from syncd.store.store import Store

#: Places in the engine for groups of units that are less urgent than their stage: the past and the mirror.
PLACES = {"poll/backfill": 8, "poll/mirror": 16}


def group_of(stage: str, key: str) -> str:
    """Which units compete for places: each stage by itself, and in poll each feed."""
    return f"{stage}/{key.rpartition('/')[2]}" if stage == "poll" else stage


def stages_of(
    settings: Settings, store: Store, parties: Parties, brake: Brake, rng: Callable[[], float]
) -> tuple[Stage, ...]:
    """Every stage that some merchant has work for."""
    schedule, merchants = settings.schedule, parties.merchants
    wallets = (Wallets(store, merchants, brake),) if parties.wallets else ()
    return (
        Poll(
            store,
            merchants,
            PollRules(
                every=schedule.poll,
                mirror_every=schedule.mirror,
                settle=settings.poll.settle,
                step=settings.poll.step,
                page_size=settings.poll.page_size,
                start=settings.poll.start,
                max_read_age=settings.push.max_read_age,
            ),
            brake,
        ),
        Push(
            store,
            merchants,
            PushRules(
                red_wait=settings.push.red_wait,
                every=schedule.push,
                max_read_age=settings.push.max_read_age,
                batch=settings.push.batch,
                concurrency=settings.push.concurrency,
            ),
            brake,
        ),
        Collect(
            store, merchants, CollectRules(every=schedule.collect, most_batches=settings.collect.most_batches), brake
        ),
        WriteBacks(
            store,
            merchants,
            WriteBackRules(
                every=schedule.write_back,
                batch=settings.write_back.batch,
                look_after=settings.write_back.confirm_after,
                shows_within=settings.poll.settle / 2,
                most_reads=settings.write_back.most_reads,
            ),
            brake,
        ),
        *wallets,
        *(_centre_stages(settings, store, parties, brake, rng) if parties.centres else ()),
    )


def _centre_stages(
    settings: Settings, store: Store, parties: Parties, brake: Brake, rng: Callable[[], float]
) -> tuple[Stage, ...]:
    """What serves Alibaba's invoice centre."""
    schedule, merchants = settings.schedule, parties.merchants
    return (
        Files(store, merchants, FilesRules(every=schedule.collect), brake, rng),
        Alibaba(store, merchants, AlibabaRules(every=schedule.write_back), brake, rng),
        Applications(store, merchants, ApplicationsRules(every=schedule.poll), brake),
    )
