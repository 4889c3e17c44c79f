"""Serve the fakes on one free port of 127.0.0.1 until the process is ended; its address is the first line printed.

    python -m benchmarks.fakes [--orders N] [--days D] [--delay-ms MS]

Paths: /openapi (WDT), /open/v1/services and /accessToken (Nuonuo), /ledger (what came in and what it led to), and
/reset?orders=&days=&delay_ms=&sellers= (begin anew; what is left out stays as it was, `sellers` is 1). The orders are
shared out among the sellers demo_sid, demo_sid1, demo_sid2 …; any other sid has none.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping

import msgspec

from benchmarks.fakes.http import Connection, Request, Traffic
from benchmarks.fakes.nuonuo import TOKEN, Nuonuo
from benchmarks.fakes.rows import Rows
from benchmarks.fakes.wdt import Wdt

OK = b'{"ok":true}'


class World:
    """Both parties, the traffic they saw, and how they are begun anew."""

    def __init__(self, orders: int, days: float, delay: float) -> None:
        self.days = days
        self.sellers = 1
        self.traffic = Traffic(delay)
        self.rows = Rows(orders)
        self._begin()

    def _begin(self) -> None:
        share = -(-self.rows.count // self.sellers)
        self.wdt = {
            f"demo_sid{seller or ''}": Wdt(self.rows, self.days, at, max(0, min(share, self.rows.count - at)))
            for seller, at in enumerate(range(0, share * self.sellers, share or 1))
        }
        self.nobody = Wdt(self.rows, self.days, 0, 0)
        self.nuonuo = Nuonuo()

    def __call__(self, request: Request) -> tuple[str, bytes]:
        """One request of anybody."""
        match request.path:
            case "/openapi":
                return self.wdt.get(request.query.get("sid", ""), self.nobody)(request)
            case "/open/v1/services":
                return self.nuonuo(request)
            case "/accessToken":
                return "token", TOKEN
            case "/ledger":
                return "", msgspec.json.encode(self.ledger())
            case "/reset":
                self.reset(request.query)
                return "", OK
        return "", b'{"error":"no such path"}'

    def reset(self, wish: Mapping[str, str]) -> None:
        """Begin anew, with the orders changed just before now."""
        traffic = self.traffic
        traffic.delay = float(wish.get("delay_ms", traffic.delay * 1000)) / 1000
        traffic.calls.clear()
        traffic.most.clear()
        traffic.first_at = traffic.last_at = 0.0
        self.rows.count = int(wish.get("orders", self.rows.count))
        self.days = float(wish.get("days", self.days))
        self.sellers = int(wish.get("sellers", 1))
        self._begin()

    def ledger(self) -> dict[str, object]:
        """What came in since the beginning, and what it led to."""
        legal = {one.invoice_no: one.number for one in self.nuonuo.legal.values()}
        written = {number: no for wdt in self.wdt.values() for number, (_, _, no) in wdt.written.items()}
        wrong = sum(legal.get(no) != number for number, no in written.items())
        return {
            "calls": dict(self.traffic.calls),
            "most_in_flight": dict(self.traffic.most),
            "first_at": self.traffic.first_at,
            "last_at": self.traffic.last_at,
            "issued": len(self.nuonuo.of),
            "doubles": self.nuonuo.doubles,
            "written_back": len(written),
            "wrong": wrong,
            "repeated": sum(wdt.repeated for wdt in self.wdt.values()),
        }


async def serve(world: World) -> None:
    """Print the address, then answer until the process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(world, world.traffic), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--days", type=float, default=25.0)
    parser.add_argument("--delay-ms", type=float, default=0.0)
    wish = parser.parse_args()
    asyncio.run(serve(World(wish.orders, wish.days, wish.delay_ms / 1000)))


if __name__ == "__main__":
    main()
