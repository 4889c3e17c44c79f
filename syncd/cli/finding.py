"""Finding the order a person means, and who that person is."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

from syncd.cli.frame import Frame

if TYPE_CHECKING:
    from syncd.store.orders import OrderView, WholeOrder
    from syncd.store.store import Tx


async def find(tx: Tx, frame: Frame, no: str, merchant: str | None) -> WholeOrder:
    """The one order of this number. Raises Unusable: unknown (with near numbers), or known to several merchants."""
    from syncd.store.dossier import Dossier

    found = await tx.orders.by_no(no.strip(), merchant)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(sorted(order.merchant for order in found))
        raise frame.unusable("order.ambiguous", no=no, merchants=names)
    near = await Dossier(tx.connection).near(no.strip())
    hint = " " + frame.say("did_you_mean", words=", ".join(near)) if near else ""
    raise frame.unusable("order.unknown", no=no, near=hint)


async def typed(tx: Tx, order: OrderView) -> str:
    """How a command means this order and no other: other merchants may have one of its number."""
    namesakes = len(await tx.orders.by_no(order.no)) > 1
    return f"{order.no} --merchant {order.merchant}" if namesakes else str(order.no)


def operator() -> str:
    """Who types: the account of this process, and the person behind sudo where it says so."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # an account of a container without a name
        name = f"uid {os.getuid()}"
    behind = os.environ.get("SUDO_USER", "")
    return f"{name} (sudo {behind})" if behind and behind != name else name
