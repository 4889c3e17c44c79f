"""How TOP says no: HTTP 200 with an `error_response` (docs/wire/top.md)."""

MSG = {
    7: "App Call Limited",
    9: "Http Action Not Allowed",
    10: "Service Currently Unavailable",
    11: "Insufficient ISV Permissions",
    15: "Remote service error",
    21: "Missing Method",
    22: "Invalid Method",
    23: "Invalid Format",
    24: "Missing Signature",
    25: "Invalid Signature",
    26: "Missing Session",
    27: "Invalid Session",
    28: "Missing App Key",
    29: "Invalid App Key",
    30: "Missing Timestamp",
    31: "Invalid Timestamp",
    32: "Missing Version",
    33: "Invalid Version",
    34: "Unsupported Version",
    40: "Missing Required Arguments",
    41: "Invalid Arguments",
    50: "Remote service error",
}


class Refused(Exception):
    """The call is refused with a code; an empty `sub_code` or `sub_msg` is left out of the answer."""

    def __init__(self, code: int, sub_code: str = "", sub_msg: str = "") -> None:
        super().__init__(f"{code} {sub_code} {sub_msg}".strip())
        self.code = code
        self.sub_code = sub_code
        self.sub_msg = sub_msg

    @property
    def text(self) -> str:
        return " ".join(part for part in (self.sub_code or MSG[self.code], self.sub_msg) if part)


class BusinessRefused(Exception):
    """The backend said no; the gateway wraps it as 15 or 50 (switch `business_code`)."""

    def __init__(self, sub_code: str, sub_msg: str) -> None:
        super().__init__(f"{sub_code} {sub_msg}")
        self.sub_code = sub_code
        self.sub_msg = sub_msg


def missing(name: str) -> Refused:
    return Refused(40, "isv.missing-parameter", f"缺少必要参数: {name}")


def invalid(name: str, why: str) -> Refused:
    return Refused(41, "isv.invalid-parameter", f"非法参数: {name} {why}")


def unknown_application(apply_id: str) -> BusinessRefused:
    return BusinessRefused(f"isv.invoice-apply-not-exist:{apply_id}", "发票申请不存在")
