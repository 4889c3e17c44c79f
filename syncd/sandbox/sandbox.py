"""The whole sandbox: the parties as HTTP servers on 127.0.0.1, and a control server beside them."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from aiohttp import web

from syncd.sandbox.control import control_app
from syncd.sandbox.mix import DEMO, Mix
from syncd.sandbox.moment import Sleep
from syncd.sandbox.nuonuo.server import PATH as NUONUO_PATH
from syncd.sandbox.nuonuo.server import TOKEN_PATH, NuonuoServer
from syncd.sandbox.nuonuo.world import DEFAULT_APP_KEY, DEFAULT_APP_SECRET, DEFAULT_SELLER, DEFAULT_TOKEN, NuonuoWorld
from syncd.sandbox.population import populate
from syncd.sandbox.tally import counts, most_per_document, red_before_blue, red_over_blue, wrong_amounts
from syncd.sandbox.top.server import PATH as TOP_PATH
from syncd.sandbox.top.server import TopServer
from syncd.sandbox.top.world import DEFAULT_APP_KEY as TOP_APP_KEY
from syncd.sandbox.top.world import DEFAULT_SECRET as TOP_SECRET
from syncd.sandbox.top.world import DEFAULT_SESSION as TOP_SESSION
from syncd.sandbox.top.world import TopWorld
from syncd.sandbox.wdt.document import Row
from syncd.sandbox.wdt.rows import served_row
from syncd.sandbox.wdt.server import PATH as WDT_PATH
from syncd.sandbox.wdt.server import WdtServer
from syncd.sandbox.wdt.world import DEFAULT_APPSECRET, DEFAULT_KEY, DEFAULT_SID, WdtWorld
from syncd.sandbox.yuannian.server import TOKEN_PATH as YUANNIAN_TOKEN_PATH
from syncd.sandbox.yuannian.server import YuannianServer
from syncd.sandbox.yuannian.world import DEFAULT_APP_ID, YuannianWorld
from syncd.sandbox.yuannian.world import DEFAULT_SECRET as YUANNIAN_SECRET

LOOPBACK = "127.0.0.1"
PATIENCE = 0.2
"""Seconds a stopping server waits for its handlers; hung answers are ended before."""


@dataclass(slots=True)
class SandboxOptions:
    """How to build a sandbox; ports 0 mean any free one.

    `clock` gives unix seconds, `sleep` waits seconds: both may be faked. `issue_delay` (seconds) is drawn per
    order by `seed`; status 21 shows in its last third. `faults` is a random profile for all parties.
    """

    seed: int = 1
    clock: Callable[[], float] = time.time
    sleep: Sleep = asyncio.sleep
    wdt_port: int = 0
    nuonuo_port: int = 0
    top_port: int = 0
    yuannian_port: int = 0
    control_port: int = 0
    calls_per_minute: int = 60
    issue_delay: tuple[float, float] = (0.05, 0.4)
    file_delay: float = 0.0
    faults: str = "calm"


@dataclass(slots=True)
class _Site:
    """One running server."""

    runner: web.AppRunner
    port: int

    @property
    def root(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"


class Sandbox:
    """Runs WDT, Nuonuo, TOP, Yuannian and the control server in the current event loop.

    The worlds exist before `start()`, so that they can be filled first; the addresses only after it.
    """

    def __init__(self, options: SandboxOptions | None = None) -> None:
        self.options = options = options or SandboxOptions()
        self.rng = random.Random(options.seed)
        self.wdt = WdtWorld(options.clock, random.Random(self.rng.random()), options.calls_per_minute)
        nuonuo_rng = random.Random(self.rng.random())
        self.nuonuo = NuonuoWorld(options.clock, nuonuo_rng, options.issue_delay)
        self.nuonuo.switches.file_delay = options.file_delay
        self.top = TopWorld(options.clock, random.Random(f"{options.seed}/top"))
        self.yuannian = YuannianWorld(options.clock, random.Random(f"{options.seed}/yuannian"))
        self.use_faults(options.faults)
        self.wdt_server: WdtServer | None = None
        self.nuonuo_server: NuonuoServer | None = None
        self.top_server: TopServer | None = None
        self.yuannian_server: YuannianServer | None = None
        self._sites: dict[str, _Site] = {}

    # --- running ---

    async def __aenter__(self) -> "Sandbox":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Open all ports. Raises: OSError when one is taken (and closes the others)."""
        options = self.options
        self.wdt_server = WdtServer(self.wdt, options.sleep)
        self.nuonuo_server = NuonuoServer(self.nuonuo, options.sleep)
        self.top_server = TopServer(self.top, options.sleep)
        self.yuannian_server = YuannianServer(self.yuannian, options.sleep)
        try:
            await self._open("wdt", self.wdt_server.app(), options.wdt_port)
            await self._open("nuonuo", self.nuonuo_server.app(), options.nuonuo_port)
            await self._open("top", self.top_server.app(), options.top_port)
            await self._open("yuannian", self.yuannian_server.app(), options.yuannian_port)
            await self._open("control", control_app(self), options.control_port)
        except BaseException:
            await self.stop()
            raise
        self.nuonuo.files_root = self._sites["nuonuo"].root
        self.nuonuo_server.callbacks.start()

    async def stop(self) -> None:
        """End hung answers and pending replays, then close all ports."""
        for server in self.servers():
            await server.delivery.stop()
        if self.nuonuo_server is not None:
            await self.nuonuo_server.callbacks.stop()
        sites, self._sites = self._sites, {}
        await asyncio.gather(*(site.runner.cleanup() for site in sites.values()))

    def servers(self) -> list[WdtServer | NuonuoServer | TopServer | YuannianServer]:
        """The parties that were started."""
        started = (self.wdt_server, self.nuonuo_server, self.top_server, self.yuannian_server)
        return [server for server in started if server is not None]

    async def _open(self, name: str, app: web.Application, port: int) -> None:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=PATIENCE)
        await runner.setup()
        site = web.TCPSite(runner, LOOPBACK, port)
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._sites[name] = _Site(runner, int(runner.addresses[0][1]))

    # --- addresses ---

    @property
    def wdt_url(self) -> str:
        return self._sites["wdt"].root + WDT_PATH

    @property
    def nuonuo_url(self) -> str:
        return self._sites["nuonuo"].root + NUONUO_PATH

    @property
    def top_url(self) -> str:
        return self._sites["top"].root + TOP_PATH

    @property
    def yuannian_url(self) -> str:
        """The root; the seven paths begin below it."""
        return self._sites["yuannian"].root

    @property
    def yuannian_token_url(self) -> str:
        return self._sites["yuannian"].root + YUANNIAN_TOKEN_PATH

    @property
    def token_url(self) -> str:
        return self._sites["nuonuo"].root + TOKEN_PATH

    @property
    def control_url(self) -> str:
        return self._sites["control"].root

    def describe(self) -> dict[str, Any]:
        """Addresses and made-up credentials, enough to write a settings file."""
        return {
            "control_url": self.control_url,
            "wdt": {
                "url": self.wdt_url,
                "sid": DEFAULT_SID,
                "key": DEFAULT_KEY,
                "secret": DEFAULT_APPSECRET,
                "client_version": self.wdt.switches.client_version,
                "calls_per_minute": self.wdt.calls_per_minute,
            },
            "nuonuo": {
                "kind": "nuonuo",
                "url": self.nuonuo_url,
                "token_url": self.token_url,
                "app_key": DEFAULT_APP_KEY,
                "app_secret": DEFAULT_APP_SECRET,
                "token": DEFAULT_TOKEN,
                "tax_no": DEFAULT_SELLER,
            },
            "top": {"url": self.top_url, "app_key": TOP_APP_KEY, "secret": TOP_SECRET, "session": TOP_SESSION},
            "yuannian": {
                "url": self.yuannian_url,
                "app_id": DEFAULT_APP_ID,
                "token": self.yuannian.token,
                "secret": YUANNIAN_SECRET,
                "sign_template": self.yuannian.switches.sign_template,
            },
        }

    # --- content and verdict ---

    def populate(self, rows: int, mix: Mix = DEMO, *, sid: str = DEFAULT_SID, seller: Row | None = None) -> list[str]:
        """Fill WDT with `rows` documents at 45 (plus background); their numbers. Same seed, same rows."""
        return populate(self.wdt, rows, mix, random.Random(self.rng.random()), sid=sid, seller=seller)

    def use_faults(self, profile: str) -> None:
        """calm, rough or storm, for all parties."""
        self.wdt.faults.use(profile)
        self.nuonuo.faults.use(profile)
        self.top.faults.use(profile)
        self.yuannian.faults.use(profile)

    def link(self, order_no: str, wdt_order_no: str) -> None:
        """Tell `counts` which document a key at the issuer stands for."""
        self.nuonuo.link(order_no, wdt_order_no)

    def counts(self) -> dict[str, int]:
        """read, issued, written_back, wrong, refused, held, doubles, lost: from both ledgers only."""
        return counts(self.wdt, self.nuonuo.ledger, self.nuonuo.links)

    def most_invoices_per_document(self) -> int:
        """The most legal invoices that any one document's content has led to; 0 when none was issued."""
        return most_per_document(self.wdt, self.nuonuo.ledger, self.nuonuo.links)

    def wrong_amounts(self) -> int:
        """Submissions whose legal invoices are of another amount than their document ever asked for."""
        return wrong_amounts(self.wdt.documents.values(), self.nuonuo.ledger)

    def red_before_blue(self) -> int:
        """Red invoices whose blue one neither was issued before them nor is declared (`nuonuo.declare_blue`)."""
        return red_before_blue(self.nuonuo.ledger, self.nuonuo.outside_blues)

    def red_over_blue(self) -> int:
        """Blue invoices that red ones together reverse by more than their total."""
        return red_over_blue(self.nuonuo.ledger, self.nuonuo.outside_blues)

    def rate_refused(self) -> int:
        """Calls that WDT refused for their number."""
        return sum(tenant.rate_refused for tenant in self.wdt.tenants.values())

    def shown_rows(self) -> dict[tuple[str, str], bytes]:
        """The row of every document that search shows now, byte for byte as it is served, by (sid, no)."""
        self.wdt.catch_up()
        shelves, switches = self.wdt.shelves, self.wdt.switches
        return {
            key: served_row(document, switches)
            for key, document in self.wdt.documents.items()
            if document.shown and shelves[document.sid].visible(document, switches)
        }
