"""Who may call: a seller account with its interface accounts, shops and granted methods."""

from collections import deque
from dataclasses import dataclass, field

from syncd.sandbox.wdt.sign import split_appsecret

SEARCH = "finance.invoice.InvoiceOrder.search"
UPDATE = "finance.invoice.InvoiceOrder.updateInvoice"
NOW = "system.Core.now"
METHODS = frozenset({SEARCH, UPDATE, NOW})
RATE_WINDOW = 60.0


@dataclass(slots=True)
class Credential:
    """One interface account (key) of a tenant, with its pacing counters.

    `calls` are the instants (unix seconds) of the calls let through in the last minute; `blocked_until`
    is when a credential that hit the limit is heard again.
    """

    key: str
    secret: str
    salt: str
    methods: set[str] = field(default_factory=lambda: set(METHODS))
    calls: deque[float] = field(default_factory=deque)
    blocked_until: float = 0.0

    def may_call(self, now: float, per_minute: int, block_for: float) -> bool:
        """Count a call, unless the minute is full or the credential is still blocked (no early recovery)."""
        if now < self.blocked_until:
            return False
        while self.calls and self.calls[0] <= now - RATE_WINDOW:
            self.calls.popleft()
        if per_minute and len(self.calls) >= per_minute:
            self.blocked_until = now + block_for
            self.calls.clear()
            return False
        self.calls.append(now)
        return True


@dataclass(slots=True)
class Tenant:
    """A seller account (sid). `shops` are the granted shop numbers; None grants all.

    `rate_refused` counts the calls turned away for their number.
    """

    sid: str
    credentials: dict[str, Credential] = field(default_factory=dict)
    shops: set[str] | None = None
    rate_refused: int = 0

    def add_key(self, key: str, appsecret: str) -> Credential:
        secret, salt = split_appsecret(appsecret)
        self.credentials[key] = Credential(key, secret, salt)
        return self.credentials[key]

    def sees(self, shop_no: str) -> bool:
        return self.shops is None or shop_no in self.shops
