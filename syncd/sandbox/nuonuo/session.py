"""The drawer's session at the tax bureau and the credit line (docs/wire/nuonuo.md)."""

from typing import Any

from syncd.sandbox.moment import beijing_day, beijing_text
from syncd.sandbox.nuonuo.order import Json
from syncd.sandbox.nuonuo.refusal import Refused, missing
from syncd.sandbox.nuonuo.world import QUOTA, NuonuoWorld, Seller

MOST_PER_DAY = 20
QR_EVERY = 60
REFRESH_EVERY = 30


def certification_status(world: NuonuoWorld, seller: Seller, body: Json) -> dict[str, Any]:
    """queryType 2: login state 0/1; 1: identity 1 done, 2 needed; 0: refresh (limited)."""
    kind = _query_type(body)
    if kind == "0":
        _limit(world, seller, "certification", REFRESH_EVERY)
        return {}
    if kind == "1":
        return {"certificationStatus": "2" if seller.login == "identity_needed" else "1"}
    return {"loginStatus": "0" if seller.login == "logged_out" else "1"}


def credit_line(world: NuonuoWorld, seller: Seller, body: Json) -> dict[str, Any]:
    """queryType 1: the stored figures, without tax; 0: refresh (limited)."""
    if _query_type(body) == "0":
        _limit(world, seller, "credit", REFRESH_EVERY)
        return {}
    world.settle()
    return {
        "availableCreditLine": f"{seller.quota:.2f}",
        "usedCreditLine": f"{QUOTA - seller.quota:.2f}",
        "totalCreditLine": f"{QUOTA:.2f}",
        "amountUpdateTime": beijing_text(world.now()),
        "requestStatus": "1",
    }


def qr_code(world: NuonuoWorld, seller: Seller, body: Json) -> dict[str, Any]:
    """A code for the drawer's phone: 0 and 2 ask the bureau for a new one (limited), 1 and 3 give the stored one."""
    if _query_type(body) in ("0", "2"):
        _limit(world, seller, "qr", QR_EVERY)
        return {}
    return {
        "status": "1",
        "qrCode": f"qrcode_id={int(world.now()):x}&areaPrefix=3300",
        "qrCodeType": "4",
        "authId": "auth-1",
        "endTime": beijing_text(world.now() + 300),
    }


def verify_complete(world: NuonuoWorld, seller: Seller, body: Json) -> dict[str, Any]:
    """The drawer scanned the code: from now on the session is fine (queryType 1 and 3 only report)."""
    if _query_type(body) in ("0", "2"):
        world.settle()
        seller.login = "ok"
        return {}
    return {"status": "1" if seller.login == "ok" else "0"}


def _query_type(body: Json) -> str:
    kind = str(body.get("queryType") or "")
    if not kind:
        raise missing("queryType")
    return kind


def _limit(world: NuonuoWorld, seller: Seller, what: str, every: int) -> None:
    """At most once per `every` seconds and twenty times a Beijing day."""
    now = world.now()
    today = [at for at in seller.asked.get(what, []) if beijing_day(at) == beijing_day(now)]
    if len(today) >= MOST_PER_DAY or (today and now - today[-1] < every):
        raise Refused("E9999", "操作过于频繁，请稍后再试")
    seller.asked[what] = [*today, now]
