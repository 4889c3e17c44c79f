"""`syncd wallet qrcode`, `search`: what Yuannian shows, without keeping it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from syncd.cli import files, output
from syncd.cli.frame import Frame
from syncd.cli.wallet_account import account, card_cells, card_facts, card_headers

if TYPE_CHECKING:
    from syncd.domain.wallet import CardSearch, QrImage


async def ask_qrcode(frame: Frame, merchant: str | None, size: tuple[int, int], content: str) -> QrImage:
    """Have a QR code made."""
    async with account(frame, merchant) as here:
        return await here.wallet.qrcode(*size, content)


def keep_qrcode(frame: Frame, found: QrImage, out: Path, as_json: bool) -> None:
    """Write the picture to `out`. Raises Unusable."""
    files.write(frame, out, found.image)
    if as_json:
        output.show_json({"file": str(out), "content": found.content, "bytes": len(found.image)})
    else:
        told = frame.say("wallet.qr", file=out, bytes=len(found.image), content=found.content or "-")
        print(output.inert(told))


async def search(frame: Frame, merchant: str | None, query: CardSearch, as_json: bool) -> None:
    """One page, each card of one document once: the platform counts imports, not cards."""
    async with account(frame, merchant) as here:
        page = await here.wallet.search(query)
    cards = list({(one.card_id, one.biz_code): one for one in page.cards}.values())
    if as_json:
        rows = [card_facts(one, here.name) for one in cards]
        output.show_json({"page": page.page, "total_pages": page.total_pages, "count": page.count, "cards": rows})
        return
    if cards:
        output.table(card_headers(frame), [card_cells(frame, one) for one in cards])
    else:
        print(frame.say("wallet.nothing"))
    print(frame.say("wallet.page", page=page.page, pages=page.total_pages, count=page.count))
