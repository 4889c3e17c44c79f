"""Who is let in: parameters, account, signature, clock, rights and pacing, in that order."""

import hmac
import re
from collections.abc import Mapping

from syncd.sandbox.wdt.refusal import Refused, rate_text
from syncd.sandbox.wdt.sign import is_signed
from syncd.sandbox.wdt.tenant import UPDATE, Credential, Tenant
from syncd.sandbox.wdt.world import WdtWorld

REQUIRED = ("sid", "key", "salt", "method", "v", "timestamp", "sign")
TOLERANCE = 120
INT32 = 2**31
_INTEGER = re.compile(r"[+-]?\d+")


def admit(world: WdtWorld, query: Mapping[str, str], body: bytes, remote: str, *, crowded: bool) -> Tenant:
    """The tenant of a genuine call; `crowded` says that too many of its calls were already in flight.

    Raises: Refused with WDT's status and text. Source: docs/wire/wdt.md; the real order of checks is unknown.
    """
    for name in REQUIRED:
        if not query.get(name):
            raise Refused(1, "参数错误")
    tenant, credential = _account(world, query)
    if not hmac.compare_digest(credential.salt.encode(), query["salt"].encode()):
        raise Refused(1, "验证失败")
    if not is_signed(credential.secret, query, body):
        raise Refused(1, "验证失败")
    if query["v"] != "1.0":
        raise Refused(8, "版本错误")
    _check_clock(world, query["timestamp"])
    _check_rights(world, credential, query["method"], remote)
    _check_pace(world, tenant, credential, crowded=crowded)
    return tenant


def java_int(text: str) -> int:
    """An integer as the Java server parses it. Raises: Refused 1 with the leaked Java text."""
    if not _INTEGER.fullmatch(text) or not -INT32 <= int(text) < INT32:
        raise Refused(1, f'For input string: "{text}"')
    return int(text)


def _account(world: WdtWorld, query: Mapping[str, str]) -> tuple[Tenant, Credential]:
    tenant = world.tenants.get(query["sid"])
    if tenant is None:
        raise Refused(1, "sid is not exists")
    credential = tenant.credentials.get(query["key"])
    if credential is None:
        raise Refused(1, "app auth fail")
    return tenant, credential


def _check_clock(world: WdtWorld, text: str) -> None:
    if abs(java_int(text) - world.timestamp()) > TOLERANCE:
        raise Refused(7, "时间戳错误")


def _check_rights(world: WdtWorld, credential: Credential, method: str, remote: str) -> None:
    switches = world.switches
    if switches.allowed_ips is not None and remote not in switches.allowed_ips:
        raise Refused(6, "ip限制")
    if switches.dynamic_password:
        raise Refused(3, "需要动态口令")
    if method not in credential.methods:
        raise Refused(100, "权限不足")
    if method == UPDATE and switches.version() < (1, 5, 8, 0):
        raise Refused(100, f"The API used internal only: {method}")


def _check_pace(world: WdtWorld, tenant: Tenant, credential: Credential, *, crowded: bool) -> None:
    switches = world.switches
    if crowded:
        tenant.rate_refused += 1
        raise Refused(100, rate_text(switches.rate_comma, concurrent=True))
    if not credential.may_call(world.clock(), world.calls_per_minute, switches.rate_block_for):
        tenant.rate_refused += 1
        raise Refused(100, rate_text(switches.rate_comma))
