"""Who is let in, in this order: method, app key, version, timestamp, signature, session, permission, limits.

The order is an assumption (docs/wire/top.md); parameters and business come after it.
"""

import re

from syncd.sandbox.moment import parse_beijing
from syncd.sandbox.top.account import Account
from syncd.sandbox.top.envelope import Envelope, without_empty
from syncd.sandbox.top.methods import Method
from syncd.sandbox.top.refusal import Refused
from syncd.sandbox.top.sign import is_signed
from syncd.sandbox.top.world import TopWorld

_STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_EPOCH = re.compile(r"\d{13}")
_VERSION = re.compile(r"\d+\.\d+")


def known_method(envelope: Envelope, methods: dict[str, Method]) -> Method:
    """Raises: Refused 9, 21, 22 or 23."""
    if envelope.verb != "POST":
        raise Refused(9)
    if not envelope.method:
        raise Refused(21)
    if envelope.method not in methods:
        raise Refused(22)
    if envelope.get("format") not in ("", "xml", "json"):
        raise Refused(23)
    return methods[envelope.method]


def admit(world: TopWorld, envelope: Envelope, method: Method, remote: str) -> Account:
    """The account of a genuine call. Raises: Refused."""
    if not envelope.get("app_key"):
        raise Refused(28)
    account = world.accounts.get(envelope.get("app_key"))
    if account is None:
        raise Refused(29, "isv.appkey-not-exists")
    _check_version(envelope.get("v"))
    _check_stamp(world, envelope.get("timestamp"))
    _check_sign(world, envelope, account)
    _check_session(world, envelope, method, account)
    _check_rights(account, envelope.method, remote)
    world.check_limits(account, envelope.method)
    return account


def _check_version(version: str) -> None:
    if not version:
        raise Refused(32)
    if not _VERSION.fullmatch(version):
        raise Refused(33)
    if version != "2.0":
        raise Refused(34)


def _check_stamp(world: TopWorld, stamp: str) -> None:
    if not stamp:
        raise Refused(30)
    at: float | None = None
    if _STAMP.fullmatch(stamp):
        at = parse_beijing(stamp)
    elif world.switches.epoch_stamps and _EPOCH.fullmatch(stamp):
        at = int(stamp) / 1000
    if at is None or abs(at - world.now()) > world.switches.stamp_window:
        raise Refused(31)


def _check_sign(world: TopWorld, envelope: Envelope, account: Account) -> None:
    if not envelope.get("sign"):
        raise Refused(24)
    dropped = world.switches.empty_values == "dropped"
    texts = without_empty(envelope.texts) if dropped else envelope.texts
    if not is_signed(envelope.get("sign_method"), account.secret, texts, envelope.get("sign")):
        raise Refused(25)


def _check_session(world: TopWorld, envelope: Envelope, method: Method, account: Account) -> None:
    needed = world.switches.needs_session.get(envelope.method, method.needs_session)
    token = envelope.get("session")
    if not token:
        if needed:
            raise Refused(26)
        return
    if not needed and world.switches.stray_session == "ignored":
        return
    session = account.sessions.get(token)
    if session is None:
        elsewhere = any(token in other.sessions for other in world.accounts.values())
        raise Refused(27, "sessionkey-not-generated-by-server" if elsewhere else "invalid-sessionkey")
    if session.until <= world.now():
        raise Refused(27, "session-expired")


def _check_rights(account: Account, method: str, remote: str) -> None:
    if account.allowed_ips is not None and remote not in account.allowed_ips:
        raise Refused(11, "isv.permission-ip-whitelist-limit")
    if account.denied & {"*", method}:
        raise Refused(11, "isv.permission-api-package-limit")
