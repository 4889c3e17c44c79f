"""Result callbacks: a form posted to the order's callBackUrl until the other side says "0000".

They carry no signature (docs/wire/nuonuo.md), so anybody could send them; `forge` plays anybody.
"""

import asyncio
import json
from contextlib import suppress

import aiohttp

from syncd.sandbox.moment import Sleep
from syncd.sandbox.nuonuo.query import file_url
from syncd.sandbox.nuonuo.submission import DONE, FAILED, UNSEALED, Submission
from syncd.sandbox.nuonuo.world import NuonuoWorld

C_STATUS = {DONE: "1", FAILED: "2", UNSEALED: "3"}
LOOK_EVERY = 0.02
TIMEOUT = aiohttp.ClientTimeout(total=5)


class Callbacks:
    """Posts results as they come. `sent` counts every post, `accepted` lists the order numbers answered 0000."""

    def __init__(self, world: NuonuoWorld, sleep: Sleep) -> None:
        self.world = world
        self.sleep = sleep
        self.sent = 0
        self.accepted: list[str] = []
        self._waiting: dict[str, Submission] = {}
        self._awake = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._posts: set[asyncio.Task[None]] = set()
        world.on_result = self._moved

    def watch(self, submission: Submission) -> None:
        """Follow an order that asked for a callback, as long as something is still to happen to it."""
        if submission.order.text("callBackUrl") and submission.steps:
            self._waiting[submission.serial] = submission
            self._awake.set()

    async def run(self) -> None:
        """Keep the world moving while somebody waits for a callback."""
        while True:
            await self._awake.wait()
            self.world.settle()
            if not self._waiting:
                self._awake.clear()
                continue
            await self.sleep(LOOK_EVERY)
            await asyncio.sleep(0)

    def start(self) -> None:
        self._pump = asyncio.get_running_loop().create_task(self.run())

    async def stop(self) -> None:
        tasks = [*self._posts, *([self._pump] if self._pump else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def forge(self, url: str, order_no: str, c_status: str = "1") -> str:
        """Post a callback nobody asked for, and give the answer's text."""
        content = {"c_orderno": order_no, "c_fpqqlsh": "0" * 20, "c_status": c_status, "c_hjse": "0.00"}
        return await _post(url, order_no, content)

    def _moved(self, submission: Submission) -> None:
        if not submission.steps:
            self._waiting.pop(submission.serial, None)
        status = submission.status
        if status not in C_STATUS or submission.called_back == status:
            return
        if not submission.order.text("callBackUrl"):
            return
        submission.called_back = status
        with suppress(RuntimeError):  # the ledger may be read when no loop runs; then nobody is called
            task = asyncio.get_running_loop().create_task(self._tell(submission, status))
            self._posts.add(task)
            task.add_done_callback(self._posts.discard)

    async def _tell(self, submission: Submission, status: str) -> None:
        content = _content(self.world, submission, status)
        for _ in range(self.world.switches.callback_tries):
            self.sent += 1
            with suppress(aiohttp.ClientError, TimeoutError, ValueError):
                text = await _post(submission.order.text("callBackUrl"), submission.order.order_no, content)
                if json.loads(text).get("status") == "0000":
                    self.accepted.append(submission.order.order_no)
                    return
            await self.sleep(self.world.switches.callback_every)


async def _post(url: str, order_no: str, content: dict[str, str]) -> str:
    form = {"operater": "callback", "orderno": order_no, "content": json.dumps(content, ensure_ascii=False)}
    async with aiohttp.ClientSession(timeout=TIMEOUT) as client, client.post(url, data=form) as answer:
        return await answer.text()


def _content(world: NuonuoWorld, submission: Submission, status: str) -> dict[str, str]:
    content = {
        "c_orderno": submission.order.order_no,
        "c_fpqqlsh": submission.serial,
        "c_status": C_STATUS[status],
        "c_errorMessage": submission.fail_cause,
    }
    if not submission.invoices or status == FAILED:
        return content
    invoice = submission.invoices[0]
    digital = len(invoice.number) == 20
    return content | {
        "c_fpdm": invoice.code,
        "c_fphm": invoice.paper_number if digital else invoice.number,
        "allElectronicInvoiceNumber": invoice.number if digital else "",
        "c_kprq": str(int(invoice.issued_at * 1000)),
        "c_bhsje": f"{invoice.net:.2f}",
        "c_hjse": f"{invoice.tax:.2f}",
        "c_url": file_url(world, submission, invoice),
    }
