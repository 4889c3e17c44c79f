"""The state of the simulated TOP: accounts, bans, applications, uploads and messages."""

import math
import random
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from syncd.sandbox.calls import CallLog
from syncd.sandbox.faults import TOP_ONLY, TRANSPORT, Faults
from syncd.sandbox.moment import Clock
from syncd.sandbox.top.account import Account, Ban, BanKind, Session, over_limit
from syncd.sandbox.top.application import CANCELLED, CREATING, Application, Collected, InvoiceKey
from syncd.sandbox.top.switches import TopSwitches
from syncd.sandbox.top.uploads import Upload, UploadLedger

DEFAULT_APP_KEY = "12345678"
DEFAULT_SECRET = "demo_top_secret"
DEFAULT_SESSION = "demo_top_session"
DEFAULT_NICK = "demo_seller"

APPLY_TOPIC = "alibaba_invoice_Apply"
UPDATE_TOPIC = "alibaba_einvoice_ApplyUpdate"
FIRST_MESSAGE = 4_160_600_490_938_325_000
"""Message ids are longer than a double can hold."""

MORE_FIELDS = (
    "apply_mode", "create_inv_payee_info", "invoice_items", "invoice_memo", "normal_invoice_code", "normal_invoice_no",
    "payer_address", "payer_bank_account_id", "payer_bank_name", "payer_email", "payer_memo", "payer_phone",
    "payer_uid", "platform_biz_flag", "platform_user_id", "red_notice_no",
)  # fmt: skip
"""What prod.apply.get may show besides."""

Announce = Literal["Apply", "ApplyUpdate", ""]


@dataclass(slots=True)
class Message:
    """One message of a queue; `next_at` is when it is given (again), infinity once it is confirmed."""

    id: int
    topic: str
    content: dict[str, Any]
    at: float
    app_key: str
    seller_nick: str
    next_at: float
    delivered: int = 0

    @property
    def confirmed(self) -> bool:
        return math.isinf(self.next_at)


class TopWorld:
    """What exists at Alibaba. Everything moves by `clock`; `skew` (seconds) moves TOP's own against the others'.

    `complaints` holds what a careful caller never does: a parameter sent twice, empty, or unknown to the method.
    `rate_refused` counts calls answered 7. `reused_stamps` counts calls with a (timestamp, sign) pair that was
    already there a second or more ago: a retry that was not signed anew; `repeated_stamps` counts all repetitions,
    equal calls within one second too.
    """

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self.clock = clock
        self.rng = rng
        self.skew = 0.0
        self.switches = TopSwitches()
        self.faults = Faults(TRANSPORT + TOP_ONLY, random.Random(rng.random()))
        self.calls = CallLog()
        self.accounts: dict[str, Account] = {}
        self.bans: list[Ban] = []
        self.messages: list[Message] = []
        self.complaints: list[str] = []
        self.upload_modes: dict[str, str] = {}
        self.rate_refused = self.reused_stamps = self.repeated_stamps = 0
        self._stamps: dict[tuple[str, str], float] = {}
        self._applications: dict[str, Application] = {}
        self._ledger = UploadLedger()
        self._requests: Counter[str] = Counter()
        self._request_seed = f"{rng.randrange(36**6):x}"
        self._next_apply_id = rng.randrange(10**7, 9 * 10**7)
        self.add_account(DEFAULT_APP_KEY, DEFAULT_SECRET, DEFAULT_SESSION)

    def now(self) -> float:
        """Unix seconds on TOP's own clock."""
        return self.clock() + self.skew

    def next_request_id(self) -> str:
        self._requests["all"] += 1
        return f"{self._request_seed}{self._requests['all']:06x}"

    # --- accounts ---

    def add_account(self, app_key: str, secret: str, *sessions: str, seller_nick: str = DEFAULT_NICK) -> Account:
        """An application with the sessions of one seller (further ones: `add_session`)."""
        account = self.accounts[app_key] = Account(app_key, secret)
        for token in sessions:
            self.add_session(token, app_key=app_key, seller_nick=seller_nick)
        return account

    def add_session(self, token: str, *, app_key: str = DEFAULT_APP_KEY, seller_nick: str = DEFAULT_NICK) -> Session:
        session = self.accounts[app_key].sessions[token] = Session(token, seller_nick)
        return session

    def expire_session(self, token: str = DEFAULT_SESSION, *, app_key: str = DEFAULT_APP_KEY) -> None:
        """From now on it is answered 27. Raises: KeyError when there is no such session."""
        self.accounts[app_key].sessions[token].until = self.now()

    def deny(self, method: str = "*", *, app_key: str = DEFAULT_APP_KEY) -> None:
        """Take the right to call a method away: code 11."""
        self.accounts[app_key].denied.add(method)

    def allow(self, method: str = "*", *, app_key: str = DEFAULT_APP_KEY) -> None:
        self.accounts[app_key].denied.discard(method)

    # --- limits ---

    def ban(self, kind: BanKind, seconds: float, *, app_key: str = "*", method: str = "*") -> Ban:
        """Answer 7 for so many seconds: to an application, on a method, or to an application on a method."""
        ban = Ban(kind, self.now() + seconds, app_key, method)
        self.bans.append(ban)
        return ban

    def check_limits(self, account: Account, method: str) -> None:
        """Raises: Refused 7. A call during a ban prolongs nothing but is counted."""
        now, switches = self.now(), self.switches
        self.bans = [ban for ban in self.bans if ban.until > now]
        ban = next((ban for ban in self.bans if ban.concerns(account.app_key, method)), None)
        if ban is None:
            ban = over_limit(account, method, now, switches.per_second, switches.per_day)
            self.bans += [ban] if ban else []
        if ban is not None:
            self.rate_refused += 1
            raise ban.refusal(now, switches.ban_text)

    def note_stamp(self, timestamp: str, sign: str) -> None:
        """Count a (timestamp, sign) pair that was there before."""
        if not sign:
            return
        now, pair = self.now(), (timestamp, sign)
        if pair in self._stamps:
            self.repeated_stamps += 1
            self.reused_stamps += now - self._stamps[pair] >= 1
        self._stamps.setdefault(pair, now)

    # --- applications ---

    @property
    def applications(self) -> dict[str, Application]:
        """By apply_id, with what is collected until now."""
        self.settle()
        return self._applications

    def settle(self) -> None:
        """Show the uploads that are due."""
        self._ledger.settle(self.now(), self._applications, self.switches)

    def put_application(
        self, apply_id: str = "", *, amount: str | Decimal = "113.00", payer_name: str = "个人",
        payer_register_no: str = "", payee_register_no: str = "", tid: str = "", platform_code: str = "TM",
        business_type: int = 0, invoice_kind: int = 0, invoice_type: str = "blue", announce: Announce = "Apply",
        app_key: str = DEFAULT_APP_KEY, seller_nick: str = DEFAULT_NICK, **more: Any,
    ) -> Application:  # fmt: skip
        """A buyer applies. An empty `apply_id` is drawn; an empty `tid` is made from it.

        `announce` names the message it is told by: gen. A's alibaba_invoice_Apply, gen. B's
        alibaba_einvoice_ApplyUpdate, or "" for none. `more` are further fields of prod.apply.get (payer_address, …).
        Raises: ValueError when the id is taken, KeyError when the application key is not known.
        """
        if unknown := set(more) - set(MORE_FIELDS):
            raise ValueError(f"unknown field {min(unknown)!r}; known: {', '.join(MORE_FIELDS)}")
        apply_id = apply_id or self._draw_apply_id()
        if apply_id in self._applications:
            raise ValueError(f"application {apply_id} exists already")
        now = self.now()
        made = self._applications[apply_id] = Application(
            apply_id, self.accounts[app_key].app_key, Decimal(amount), payer_name, payer_register_no,
            payee_register_no, platform_code, tid or f"T{apply_id}", business_type, invoice_kind, invoice_type,
            created=now, modified=now, more=more, seller_nick=seller_nick, history=[(now, "applying", "buyer")],
        )  # fmt: skip
        if announce:
            self.announce(made, announce)
        return made

    def cancel(self, apply_id: str, *, named: bool = False) -> None:
        """The buyer withdraws. The message names the trade alone; `named` gives it the apply_id too.

        Raises: KeyError for an unknown id, ValueError when the application is finished.
        """
        application = self.applications[apply_id]
        if application.final:
            raise ValueError(f"application {apply_id} is finished: {application.status}")
        application.move(CANCELLED, self.now(), "buyer")
        self.announce(application, "Apply", trigger="buyer_cancel", apply_id=apply_id if named else "")

    def set_status(self, apply_id: str, status: str, message: str = "", *, final: bool | None = None) -> None:
        """Move an application to any status, as another channel would; `final` None goes by the status."""
        application = self.applications[apply_id]
        application.move(status, self.now(), "platform", message, final=final)
        if self.switches.announce_updates:
            self.announce(application, "ApplyUpdate")

    def collect(self, apply_id: str, number: str, code: str = "") -> None:
        """The centre gets an invoice by another way than an upload."""
        self.applications[apply_id].collected.append(Collected(number, code, self.now()))

    def demand(self, apply_id: str, number: str, code: str = "") -> None:
        """Let the centre miss an invoice that nobody here has issued, until it is uploaded."""
        self.applications[apply_id].demanded.append(InvoiceKey(number, code))

    def by_trade(self, tid: str, app_key: str) -> list[Application]:
        return [one for one in self.applications.values() if (one.platform_tid, one.app_key) == (tid, app_key)]

    def shown_status(self, application: Application) -> str:
        return self.switches.creating_spelling if application.status == CREATING else application.status

    def _draw_apply_id(self) -> str:
        while (drawn := str(self._next_apply_id)) in self._applications:
            self._next_apply_id += 1
        return drawn

    # --- messages ---

    def announce(
        self, application: Application, kind: Announce, *, trigger: str = "buyer_payed", apply_id: str | None = None
    ) -> Message:
        """Queue a message about an application, as it is now."""
        told = application.apply_id if apply_id is None else apply_id
        if kind == "Apply":
            return self.put_message(APPLY_TOPIC, application.app_key, {
                "apply_id": told,
                "platform_code": application.platform_code,
                "platform_tid": application.platform_tid,
                "business_type": str(application.business_type),
                "seller_nick": application.seller_nick,
                "trigger_status": trigger,
            }, application.seller_nick)  # fmt: skip
        return self.put_message(UPDATE_TOPIC, application.app_key, {
            "apply_id": told,
            "apply_status": self.shown_status(application),
            "is_finally": str(application.final).lower(),
            "outer_id": f"O{application.apply_id}",
            "platform_code": application.platform_code,
        }, application.seller_nick)  # fmt: skip

    def put_message(
        self, topic: str, app_key: str, content: dict[str, Any], seller_nick: str = DEFAULT_NICK
    ) -> Message:
        """Queue any message, such as one of a topic the caller does not know."""
        now = self.now()
        message = Message(FIRST_MESSAGE + len(self.messages) + 1, topic, content, now, app_key, seller_nick, now)
        self.messages.append(message)
        return message

    # --- uploads ---

    @property
    def uploads(self) -> list[Upload]:
        """Every upload that came through the gate, oldest first."""
        self.settle()
        return self._ledger.all

    def note_upload(self, upload: Upload) -> None:
        self.settle()
        self._ledger.note(upload)

    def take_upload(self, upload: Upload) -> None:
        self._ledger.take(upload, self._applications, self.switches)
        self.settle()

    def uploads_double(self) -> int:
        """Uploads of an invoice the centre already had for that application, or was collecting."""
        return self._ledger.double()

    def uploads_foreign(self, of: Collection[str]) -> int:
        """Uploads of invoices that are not among the issued numbers `of`."""
        return self._ledger.foreign(of)

    def uploads_hasty(self, grace: float = 120.0) -> int:
        """Uploads less than `grace` seconds after an accepted one of the same invoice."""
        return self._ledger.hasty(grace)
