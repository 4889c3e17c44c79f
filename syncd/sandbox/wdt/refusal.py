"""How WDT says no: HTTP 200 with a status other than 0."""

from typing import Any

COMMAS = {"full": "，", "half": ","}


class Refused(Exception):
    """The whole call is refused with `status` and `message`; nothing was done."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message

    def as_json(self) -> dict[str, Any]:
        return {"status": self.status, "message": self.message}


def rate_text(comma: str, *, concurrent: bool = False) -> str:
    """The pacing text; the vendor prints it with either comma (docs/wire/wdt.md)."""
    what = "并发次数" if concurrent else "调用频率"
    return f"超过每分钟最大{what}限制{COMMAS[comma]}请稍后重试"
