"""How Yuannian says no: a code other than 1000. Only 1000 is documented; every other code here is made up."""

BAD_REQUEST, BAD_TOKEN, BAD_SIGN, BAD_APP, BUSINESS, BUSY = 1001, 1002, 1003, 1004, 2001, 9999

WECHAT_TEXTS = {
    40001: "access_token无效或已过期",
    72023: "发票已被其他公众号锁定",
    72024: "发票状态错误，不允许变更",
    72025: "wx_invoice_token无效",
    72031: "参数错误",
    72036: "发票正在被修改，请稍后再试",
    72037: "存在发票不属于该用户",
    72039: "发票未锁定，请先锁定",
}
"""WeChat's own codes, which come through in the message."""


class Refused(Exception):
    """The call is refused with a code and a message; nothing was done. `status` is that of HTTP."""

    def __init__(self, code: int, message: str, status: int = 200) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.status = status


class ByWechat(Refused):
    """WeChat refused behind Yuannian, with a code of its own."""

    def __init__(self, errcode: int) -> None:
        super().__init__(BUSINESS, f"{errcode}: {WECHAT_TEXTS[errcode]}")
        self.errcode = errcode


def missing(field: str) -> Refused:
    return Refused(BAD_REQUEST, f"参数[{field}]不能为空")


def invalid(field: str, why: str) -> Refused:
    return Refused(BAD_REQUEST, f"参数[{field}]不正确：{why}")
