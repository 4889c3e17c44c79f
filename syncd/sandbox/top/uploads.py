"""The ledger of uploads: every invoice that was ever handed to the centre, and when it shows."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from syncd.sandbox.top.application import Application, Collected, InvoiceKey
from syncd.sandbox.top.switches import TopSwitches


@dataclass(slots=True)
class Upload:
    """One upload that came through the gate.

    `accepted`: the centre took it (or had it); `why_not` otherwise. `double`: the centre had taken the same invoice
    for the same application before and shows it, or is still collecting it. `replayed`: a proxy repeated the call,
    or delivered it late. `reaches` are the applications it counts for (several only by trade). `due_at`,
    `due_calls`: when it will be collected; `collected_at` when it was. All instants are unix seconds.
    """

    method: str
    apply_id: str
    number: str
    code: str
    at: float
    replayed: bool
    platform_tid: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    file_size: int = 0
    accepted: bool = False
    why_not: str = ""
    double: bool = False
    reaches: tuple[str, ...] = ()
    due_at: float | None = None
    due_calls: dict[str, int] = field(default_factory=dict)
    collected_at: float | None = None

    @property
    def key(self) -> InvoiceKey:
        return InvoiceKey(self.number, self.code).normal()

    @property
    def identity(self) -> tuple[str, InvoiceKey]:
        """The same for the same invoice to the same application (or trade)."""
        return self.apply_id or f"trade {self.platform_tid}", self.key

    def collected(self, stored_code: str) -> Collected:
        code = {"as_sent": self.code, "empty": "", "zeros": "0" * 12}[stored_code]
        names = {"amount": "invoice_amount", "sum_price": "sum_price", "sum_tax": "sum_tax",
                 "date": "invoice_date", "kind": "invoice_kind"}  # fmt: skip
        told = {name: self.texts.get(source, "") for name, source in names.items()}
        return Collected(self.number, code, self.collected_at or self.at, **told)

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


class UploadLedger:
    """All uploads, oldest first, and those still on their way into the collection."""

    def __init__(self) -> None:
        self.all: list[Upload] = []
        self._same: defaultdict[tuple[str, InvoiceKey], list[Upload]] = defaultdict(list)
        self._pending: list[Upload] = []

    def note(self, upload: Upload) -> None:
        """Keep it, and see whether it is a double: before anything is decided about it."""
        earlier = self._same[upload.identity]
        upload.double = any(one.due_at is not None for one in earlier)
        earlier.append(upload)
        self.all.append(upload)

    def take(self, upload: Upload, applications: dict[str, Application], switches: TopSwitches) -> None:
        """From now on it is being collected."""
        upload.due_at = upload.at + switches.collect_after
        reached = (applications[apply_id] for apply_id in upload.reaches)
        upload.due_calls = {one.apply_id: one.update_calls + switches.collect_calls for one in reached}
        self._pending.append(upload)

    def settle(self, now: float, applications: dict[str, Application], switches: TopSwitches) -> None:
        """Show what is due by time and by update calls."""
        for upload in [one for one in self._pending if _is_due(one, now, applications)]:
            self._pending.remove(upload)
            upload.collected_at = now
            for apply_id in upload.reaches:
                if not applications[apply_id].has(upload.key):
                    applications[apply_id].collected.append(upload.collected(switches.stored_code))

    # --- figures ---

    def double(self) -> int:
        """Uploads of an invoice the centre had already taken (what a proxy repeats does not count)."""
        return sum(upload.double and not upload.replayed for upload in self.all)

    def foreign(self, of: Collection[str]) -> int:
        """Uploads of an invoice whose number is not among those the merchant's issuer ever issued."""
        return sum(upload.number not in of for upload in self.all)

    def hasty(self, grace: float) -> int:
        """Uploads less than `grace` seconds after the centre said it took the same invoice."""
        return sum(
            _is_hasty(upload, same[:at], grace) for same in self._same.values() for at, upload in enumerate(same)
        )


def _is_hasty(upload: Upload, earlier: list[Upload], grace: float) -> bool:
    soon = (one.accepted and upload.at - one.at < grace for one in earlier)
    return not upload.replayed and any(soon)


def _is_due(upload: Upload, now: float, applications: dict[str, Application]) -> bool:
    calls = all(applications[apply_id].update_calls >= least for apply_id, least in upload.due_calls.items())
    return upload.due_at is not None and now >= upload.due_at and calls
