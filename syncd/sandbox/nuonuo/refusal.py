"""How Nuonuo says no: HTTP 200 with a code other than E0000."""


class Refused(Exception):
    """The call is refused with a code and a text; nothing was created."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text


def missing(field: str) -> Refused:
    return Refused("E4000", f"私有参数[{field}]缺失")


def invalid(field: str, why: str) -> Refused:
    return Refused("E4000", f"私有参数[{field}]不正确：{why}")
