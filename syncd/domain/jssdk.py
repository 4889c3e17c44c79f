"""The signature WeChat's JS-SDK wants of a page (`wx.config`), computed here: nobody else needs to see the ticket.

Source: WeChat's JS-SDK documentation, whose published example is a test. `chooseInvoice` needs, besides this one, a
card signature made with another ticket, which is not here.
"""

from __future__ import annotations

from hashlib import sha1


def signature(ticket: str, noncestr: str, timestamp: int, url: str) -> str:
    """Forty lower-case hex digits over the raw values: nothing is percent-encoded, the page's `#…` is left out."""
    page = url.partition("#")[0]
    text = f"jsapi_ticket={ticket}&noncestr={noncestr}&timestamp={timestamp}&url={page}"
    return sha1(text.encode(), usedforsecurity=False).hexdigest()
