"""One admitted call as a method reads it: parameters with the refusals TOP has for bad ones (40, 41)."""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from syncd.sandbox.top.account import Account
from syncd.sandbox.top.refusal import invalid, missing

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """`replayed`: a proxy repeats it, or delivers it late; its caller knows nothing of that."""

    method: str
    account: Account
    texts: dict[str, str]
    files: dict[str, bytes]
    replayed: bool = False

    def get(self, name: str) -> str:
        return self.texts.get(name, "")

    def needed(self, *names: str) -> None:
        """Raises: Refused 40 for the first parameter that is absent."""
        for name in names:
            if not self.get(name):
                raise missing(name)

    def choice(self, name: str, known: Collection[str]) -> str:
        if self.get(name) not in known:
            raise invalid(name, f"取值应为 {'/'.join(known)}")
        return self.get(name)

    def fits(self, name: str, pattern: str, why: str) -> None:
        """Raises: Refused 41 when the parameter is given and is not of that shape."""
        if self.get(name) and not re.fullmatch(pattern, self.get(name)):
            raise invalid(name, why)

    def objects(self, name: str, most: int, keys: Collection[str]) -> list[Json]:
        """A JSON array of objects with snake_case keys."""
        parsed = _json(name, self.get(name))
        if not isinstance(parsed, list) or not all(isinstance(item, dict) for item in parsed):
            raise invalid(name, "应为对象数组")
        if len(parsed) > most:
            raise invalid(name, f"最大列表长度: {most}")
        for item in parsed:
            _check_keys(name, item, keys)
        return parsed

    def object(self, name: str, keys: Collection[str]) -> Json:
        """One JSON object with snake_case keys."""
        parsed = _json(name, self.get(name))
        if not isinstance(parsed, dict):
            raise invalid(name, "应为对象")
        _check_keys(name, parsed, keys)
        return parsed


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise invalid(name, "不是合法的JSON") from None


def _check_keys(name: str, item: Json, keys: Collection[str]) -> None:
    for key in item:
        if key not in keys:
            raise invalid(name, f"没有字段 {key}")
