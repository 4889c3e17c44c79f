"""The key under which an issuer remembers a submission: computed, never drawn.

A drawn key is lost with the store and the order is issued twice; a computed one finds its invoice again even after
the database was deleted. Nothing an operator edits goes into it, no clock, no host, no count of tries.
"""

from __future__ import annotations

import base64
import hashlib
import re

from syncd.domain.invoice import Colour, IssuerKey
from syncd.domain.order import OrderNo

#: May change only together with a migration that keeps old submissions on their old keys.
SCHEME = "syncd/1"
#: Up to this many characters of the order number stay readable in front of the tag (which keeps ≥ 30 bits).
_READABLE = 14
_PLAIN = re.compile(r"[A-Z0-9]+")


def issuer_key(
    *,
    sid: str,
    issuer_kind: str,
    seller_tax_no: str,
    order_no: OrderNo,
    colour: Colour,
    generation: int,
    length: int = 20,
) -> IssuerKey:
    """The key of one generation of one order, exactly `length` characters of [A-Z0-9].

    The sid is inside because an issuer's uniqueness is per seller tax number: two WDT accounts of one taxpayer
    both have FP…0001, and without the sid the second would adopt the first one's invoice.
    """
    scope = f"{SCHEME}|{sid}|{issuer_kind}|{seller_tax_no}|{order_no}|{colour}|{generation}"
    digest = hashlib.sha256(scope.encode()).digest()
    tag = base64.b32encode(digest[: -(-length // 8) * 5]).decode().rstrip("=")  # eight characters for each five bytes
    readable = len(order_no) <= min(_READABLE, length - 6) and _PLAIN.fullmatch(order_no) is not None
    return IssuerKey((order_no + tag)[:length] if readable else tag[:length])
