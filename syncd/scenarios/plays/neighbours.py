"""Days on which somebody takes more than a share: budgets that are spent, and merchants that fill every queue."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from syncd.config import Settings, from_mapping
from syncd.domain.budget import Budget, Slowed
from syncd.sandbox import ARRIVING, HEALTHY, Mix, Sandbox
from syncd.sandbox.nuonuo.world import DEFAULT_APP_KEY
from syncd.sandbox.population import uscc
from syncd.sandbox.wdt.world import DEFAULT_APPSECRET
from syncd.scenarios.hands import Hands
from syncd.scenarios.scenario import ALWAYS, Scenario
from syncd.scenarios.world import World
from syncd.store.paces import slowed

#: Documents of the last minute: what somebody imports in one go.
FLOOD = Mix(hold=0.0, refuse=0.0, fresh=1.0, background=0.0, plant_one=False)
#: Documents that each quiet merchant has in a day.
ROWS_EACH = 5
#: Calls a minute that WDT allows a credential, as here everywhere.
PER_MINUTE = 50
#: Of which method WDT answers which call how, after letting so many pass.
STRIKES = (("search", "rate", 6), ("updateInvoice", "rate_concurrency", 3), ("search", "rate", 9))
#: Seconds after a rate answer in which nobody may call at all.
REST = 60.0


async def rate_storm(world: World) -> None:
    """WDT counts every call and means it; both parties say now and then that calls come too fast."""
    async with world.parties(calls_per_minute=PER_MINUTE):
        world.populate(HEALTHY)
        wdt, issuer = world.sandbox.wdt.faults, world.sandbox.nuonuo.faults
        for method, kind, skip in (
            ("search", "rate", 6),
            ("updateInvoice", "rate_concurrency", 3),
            ("search", "rate", 9),
        ):
            wdt.force(method, kind, skip=skip)
        for method in ("requestBillingNew", "queryInvoiceResult"):
            issuer.force(method, "E9601", times=3)
        small = {"poll": {"page_size": 10}, "write_back": {"batch": 4}}
        async with world.daemons(world.settings(wdt={"calls_per_minute": PER_MINUTE}, **small)):
            await world.pass_by(timedelta(minutes=15))
            found = await _slowed(world)
            world.seen["halved"] = int(found is not None and found.rate <= PER_MINUTE / 2)
            await world.settle(timedelta(hours=12))
            before = world.sandbox.wdt.calls.by_method.total()
            await world.pass_by(timedelta(minutes=25))
            world.figures["idle_calls"] = world.sandbox.wdt.calls.by_method.total() - before
            found = await _slowed(world)
            world.figures["calls_per_minute_in_the_end"] = Budget(PER_MINUTE, found).rate(world.clock.now())
    world.figures["called_while_resting"] = called_while_resting(world.sandbox)


def called_while_resting(sandbox: Sandbox) -> int:
    """Calls to WDT within a minute after it said that they come too fast, but for one each time that stood in line.

    A sleep takes the host no time here, so what stood in line may pass before the answer to the call ahead is noted.
    """
    calls = list(sandbox.wdt.calls)
    told = [call.at for call in calls if call.fault.startswith("rate")]
    return sum(max(0, sum(at < call.at < at + REST for call in calls) - 1) for at in told)


async def _slowed(world: World) -> Slowed | None:
    wdt = world.sandbox.describe()["wdt"]
    async with world.app.store.read() as tx:
        return await slowed(tx, "wdt", f"{wdt['sid']}/{wdt['key']}")


# -- noisy neighbours --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shop:
    """One merchant with a WDT account, a seller and an issuer account of its own."""

    name: str
    sid: str
    tax_no: str


@dataclass(slots=True)
class Day:
    """What the quiet merchants met: when each of their documents became visible, by (sid, number), in unix seconds."""

    visible_at: dict[tuple[str, str], float] = field(default_factory=dict)

    def waited(self, sandbox: Sandbox) -> list[float]:
        """Seconds from visible to 60, of those that got there."""
        documents = ((sandbox.wdt.documents[key], at) for key, at in self.visible_at.items())
        return sorted(document.modified - at for document, at in documents if document.status == 60)


async def noisy_neighbour(world: World) -> None:
    """One merchant has all the rows, one an issuer that is not there; the others work as on a day without them.

    The waits are of the day's own time, in which computing costs nothing; so `busy_ratio`, the processor's seconds for
    each second of the loud day (servers of the parties included), has to show that it could have been a real day.
    """
    many = max(8, min(200, world.rows // 40))
    vars(world.clock)["sleep"] = world.pauses.sleep
    async with world.parties(calls_per_minute=PER_MINUTE + 10):
        shops = [_open_shop(world.sandbox, number, world.rng) for number in range(many)]
        noisy, dead, *quiet = shops
        async with world.daemons(_settings(world, shops, dead)):
            hands = Hands(world)
            await hands.turn_for(timedelta(minutes=2))
            calm = await _a_day(world, hands, quiet)
            world.sandbox.populate(world.rows, FLOOD, sid=noisy.sid, seller={"payee_register_no": noisy.tax_no})
            world.sandbox.populate(40, ARRIVING, sid=dead.sid, seller={"payee_register_no": dead.tax_no})
            worked, began = time.process_time(), world.clock.world
            loud = await _a_day(world, hands, quiet)
            lasted = (world.clock.world - began).total_seconds()
            world.figures["busy_ratio"] = (time.process_time() - worked) / lasted
            world.seen["dead_issuer"] = world.onlooker.one("SELECT count(*) FROM lane WHERE merchant = ?", dead.name)
            world.seen["noise"] = world.onlooker.one("SELECT count(*) FROM invoice_order WHERE sid = ?", noisy.sid)
            await hands.let_go()
    _compare(world, calm.waited(world.sandbox), loud.waited(world.sandbox), 2 * len(calm.visible_at))


def _open_shop(sandbox: Sandbox, number: int, dice: random.Random) -> Shop:
    tax_no = uscc(random.Random(dice.random() + number))
    shop = Shop(f"m{number:03d}", f"sid{number:03d}", tax_no)
    sandbox.wdt.add_tenant(shop.sid, f"{shop.sid}-syncd", DEFAULT_APPSECRET)
    sandbox.nuonuo.add_seller(tax_no, [DEFAULT_APP_KEY])
    return shop


def _settings(world: World, shops: Sequence[Shop], dead: Shop) -> Settings:
    """Each shop at WDT and at the issuer under its own name; nobody listens where the dead one's issuer should be."""
    whole = world.settings_tree(schedule={"poll": "30s"})
    wdt, issuer = whole["merchants"][0]["wdt"], whole["issuers"]["main"]
    nowhere = {"url": "http://127.0.0.1:9/open/v1/services"}
    whole["merchants"] = [
        {
            "name": shop.name,
            "issuer": shop.name,
            "wdt": {**wdt, "sid": shop.sid, "key": f"{shop.sid}-syncd", "calls_per_minute": PER_MINUTE},
        }
        for shop in shops
    ]
    whole["issuers"] = {
        shop.name: {**issuer, "tax_no": shop.tax_no, "calls_per_minute": 600, **(nowhere if shop is dead else {})}
        for shop in shops
    }
    return from_mapping(whole)


async def _a_day(world: World, hands: Hands, quiet: Sequence[Shop]) -> Day:
    """Five orders for each of the quiet shops, in the course of two minutes, and three more until all is told."""
    dice = random.Random(f"{world.seed}/day")
    coming = sorted((dice.uniform(0, 120), at % len(quiet)) for at in range(len(quiet) * ROWS_EACH))
    day, began = Day(), world.clock.world
    for offset, at in coming:
        await hands.turn_for(began + timedelta(seconds=offset) - world.clock.world)
        shop = quiet[at]
        (no,) = world.sandbox.populate(1, ARRIVING, sid=shop.sid, seller={"payee_register_no": shop.tax_no})
        day.visible_at[shop.sid, no] = world.clock()
    await hands.turn_for(timedelta(minutes=3))
    return day


def _compare(world: World, calm: Sequence[float], loud: Sequence[float], all_of_them: int) -> None:
    if not calm or not loud:
        calm, loud = [1.0], [math.inf]
    world.figures |= {
        "p95_calm_seconds": calm[int(len(calm) * 0.95)],
        "p95_noisy_seconds": loud[int(len(loud) * 0.95)],
        "p95_noisy_ratio": loud[int(len(loud) * 0.95)] / max(1.0, calm[int(len(calm) * 0.95)]),
        "neighbours_unserved": all_of_them - len(calm) - len(loud),
    }


SCENARIOS = (
    Scenario(
        name="rate-storm",
        zh="旺店通每分钟只许五十次并真的计数，双方还不时喊太快：不多调一次，预算减半后恢复，最终全部开出，无一写 85",
        en="WDT allows fifty calls a minute and counts, both parties say slow down: not a call too many, all is issued",
        play=rate_storm,
        must=f"{ALWAYS}, rate_refused=0, refused=0, unresolved=0, held=0, called_while_resting=0,"
        f" calls_per_minute_in_the_end={PER_MINUTE}, idle_calls<=200",
        sometimes=("halved", "wdt.rate", "wdt.rate_concurrency", "issuer.E9601"),
        faults=("F46", "F76"),
        rows=100,
    ),
    Scenario(
        name="noisy-neighbour",
        zh="一家商户有全部单据，一家开票平台不通：其余各家从可见到回传 60 的耗时不超过平日两倍，无一次超频",
        en="one merchant has all the rows and one a dead issuer: the others wait no longer than twice a calm day",
        play=noisy_neighbour,
        must="doubles=0, wrong=0, max_issued_per_order<=1, rate_refused=0, neighbours_unserved=0, p95_noisy_ratio<=2,"
        " p95_calm_seconds<=90, p95_noisy_seconds<=90, busy_ratio<=1",
        sometimes=("dead_issuer", "noise"),
        faults=("F56",),
        rows=300,
    ),
)
