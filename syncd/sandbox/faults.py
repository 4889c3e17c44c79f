"""Which fault strikes which call: forced by a test, or drawn from a seeded profile.

A fault either leaves the party untouched ("not acted") or strikes after it did its work ("acted"):

    kind                       acted  what the caller sees
    lost_before                no     the connection is closed, nothing was done
    lost_after                 yes    the connection is closed, everything was done
    http_502_before / _after   no/yes a 502 with an HTML page
    html_200 / html_200_after  no/yes a login page with status 200
    truncated                  yes    the JSON text is cut in the middle
    empty                      yes    status 200 and no body
    hung / hung_before         yes/no no answer for `hang_for` seconds, then the connection is closed
    late_duplicate             yes    a good answer; a proxy executes the same request again a bit later
    delayed                    late   the connection is closed; the request is executed a bit later
    bom, gzip, text_html_type, slow_drip   yes   a good answer in an unusual dress
    status_4 _5 _99 _1064 _100 no     WDT: that status (100 with an unknown text)
    status_100_after           yes    WDT: status 100 with an unknown text although it was done
    rate, rate_concurrency     no     WDT: the pacing texts
    E9999, E9601               no     Nuonuo: that code
    E9999_after                yes    Nuonuo: E9999 although it was done
    http_500_before / _after   no/yes TOP: a 500 with an HTML page
    ban_app, ban_api, ban_app_api   no   TOP: code 7 begins, and lasts (docs/wire/top.md)
    code_10                    no     TOP: service currently unavailable
    15_isp_before / _after, 50_…    no/yes TOP: remote error with an isp. sub-code (a time-out, by switch)
    15_isv_… 15_unknown_… 15_bare_… no/yes TOP: with an isv. one, one of no known prefix, none at all; 50_… too
    15_refused_before, 50_…    no     TOP: isp.http-connection-refuse
    code_9999 / _after         no/yes Yuannian: a code nobody documented
    busy_72036                 no     Yuannian: WeChat is modifying the invoice
"""

import hashlib
import random
from collections import Counter
from dataclasses import dataclass, field

DRESSES = ("bom", "gzip", "text_html_type", "slow_drip")
TRANSPORT = (
    "lost_before", "lost_after", "http_502_before", "http_502_after", "html_200", "html_200_after",
    "truncated", "empty", "hung", "hung_before", "late_duplicate", "delayed", *DRESSES,
)  # fmt: skip
WDT_ONLY = (
    "status_4", "status_5", "status_99", "status_1064", "status_100", "status_100_after",
    "rate", "rate_concurrency",
)  # fmt: skip
NUONUO_ONLY = ("E9999", "E9999_after", "E9601")
TOP_BANS = ("ban_app", "ban_api", "ban_app_api")
TOP_ONLY = (
    "http_500_before", "http_500_after", *TOP_BANS, "code_10", "15_refused_before", "50_refused_before",
    *(f"{code}_{whose}_{when}" for code in (15, 50) for whose in ("isp", "isv", "unknown", "bare")
      for when in ("before", "after")),
)  # fmt: skip
YUANNIAN_ONLY = ("code_9999", "code_9999_after", "busy_72036")
NOT_ACTED = frozenset(
    {"lost_before", "http_502_before", "html_200", "hung_before", "delayed", "E9999", "E9601", "code_10", *TOP_BANS}
    | (set(WDT_ONLY) - {"status_100_after"})
    | {kind for kind in TOP_ONLY if kind.endswith("_before")}
    | {"code_9999", "busy_72036"}
)

SHARES = {"calm": 0.0, "rough": 0.12, "storm": 0.30}
RARE = {"hung": 0.15, "hung_before": 0.15, "slow_drip": 0.5}
"""Weights below 1 in the random profiles: these kinds cost wall-clock time."""

OFF_BY_DEFAULT = frozenset(
    {"rate", "rate_concurrency", "ban_app", *YUANNIAN_ONLY}
    | {kind for kind in TOP_ONLY if kind.split("_")[1] in ("isv", "unknown", "bare")}
)
"""Never drawn: a client must rest for minutes or hours after a pacing text, which would stall a demo, and must wait
for a person after an error of unknown meaning. Force them."""


@dataclass(slots=True)
class Forced:
    """A fault a test asked for: strikes the next `times` calls of `method` after letting `skip` pass."""

    method: str
    kind: str
    times: int
    skip: int = 0

    def concerns(self, method: str) -> bool:
        return self.method in ("*", method) or method.endswith("." + self.method)


@dataclass(slots=True)
class Faults:
    """The fault plan of one party.

    `happened` counts every fault that really struck, by kind; `happened_to` by (method, kind).
    `hang_for` is how long `hung` keeps silent (seconds); the random profiles set it to 3.
    `replay_after` is when a proxy repeats or finally delivers a request (seconds); with
    `hold_replays` it waits until the server's `replay()` is awaited.
    """

    kinds: tuple[str, ...]
    rng: random.Random
    hang_for: float = 30.0
    replay_after: float = 0.05
    hold_replays: bool = False
    drip_every: float = 0.01
    share: float = 0.0
    weights: dict[str, float] = field(default_factory=dict)
    only_methods: frozenset[str] | None = None
    profile: str = "calm"
    forced: list[Forced] = field(default_factory=list)
    seen: Counter[tuple[str, bytes]] = field(default_factory=Counter)
    _seed: float = -1.0
    happened: Counter[str] = field(default_factory=Counter)
    happened_to: Counter[tuple[str, str]] = field(default_factory=Counter)

    def force(self, method: str, kind: str, times: int = 1, skip: int = 0) -> None:
        """Let `kind` strike the next `times` calls of `method` ("*" = any; the last word of a name will do).

        Raises: ValueError for a kind this party does not know.
        """
        if kind not in self.kinds:
            raise ValueError(f"unknown fault kind {kind!r}; known: {', '.join(self.kinds)}")
        self.forced.append(Forced(method, kind, times, skip))

    def use(self, profile: str) -> None:
        """Switch to a random profile: calm, rough (12 % of calls) or storm (30 %)."""
        if profile not in SHARES:
            raise ValueError(f"unknown fault profile {profile!r}; known: {', '.join(SHARES)}")
        self.profile, self.share = profile, SHARES[profile]
        if self.share:
            self.hang_for = 3.0
        self.weights = {kind: RARE.get(kind, 1.0) for kind in self.kinds if kind not in OFF_BY_DEFAULT}

    def calm(self) -> None:
        """Switch the random profile off; forced faults stay."""
        self.use("calm")

    def strike(self, method: str, body: bytes = b"") -> str:
        """The kind of fault that hits this call, or ""; forced ones come first.

        A drawn one depends on the seed, on what is asked and how often it was, not on who came before: the same
        day can be played again although its calls come in another order.
        """
        return self._take_forced(method) or self._draw(method, body)

    def count(self, method: str, kind: str) -> None:
        self.happened[kind] += 1
        self.happened_to[method, kind] += 1

    def _take_forced(self, method: str) -> str:
        for plan in self.forced:
            if not plan.concerns(method):
                continue
            if plan.skip > 0:
                plan.skip -= 1
                continue
            plan.times -= 1
            if plan.times <= 0:
                self.forced.remove(plan)
            return plan.kind
        return ""

    def _draw(self, method: str, body: bytes) -> str:
        if not self.share or (self.only_methods is not None and method not in self.only_methods):
            return ""
        if self._seed < 0:
            self._seed = self.rng.random()
        asked = (method, hashlib.sha256(body).digest()[:12])
        self.seen[asked] += 1
        dice = random.Random(f"{self._seed}/{method}/{asked[1].hex()}/{self.seen[asked]}")
        if dice.random() >= self.share:
            return ""
        return dice.choices(list(self.weights), list(self.weights.values()))[0]
