"""What a simulated party remembers of the calls it received: the last ones whole, all of them counted."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

KEPT_CALLS = 2000
KEPT_BODY = 20_000


@dataclass(slots=True)
class Call:
    """One request as it arrived, and how it was answered.

    `answer` is "ok" or the vendor's code ("100", "E9106"); `fault` is the fault that struck it, or "".
    `at` is unix seconds of the party's clock. `body` is cut at 20,000 characters.
    """

    method: str
    params: dict[str, str]
    body: str
    at: float
    answer: str = ""
    fault: str = ""
    text: str = ""

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class CallLog:
    """A bounded list of calls plus counters over all of them, by method and by (method, answer)."""

    recent: deque[Call] = field(default_factory=lambda: deque(maxlen=KEPT_CALLS))
    by_method: Counter[str] = field(default_factory=Counter)
    by_answer: Counter[tuple[str, str]] = field(default_factory=Counter)

    def arrived(self, call: Call) -> None:
        call.body = call.body[:KEPT_BODY]
        self.recent.append(call)
        self.by_method[call.method] += 1

    def answered(self, call: Call, answer: str, text: str = "") -> None:
        call.answer, call.text = answer, text
        self.by_answer[call.method, answer] += 1

    def of(self, method: str) -> list[Call]:
        """The remembered calls of one method, oldest first; the last word of its dotted name will do."""
        return [call for call in self.recent if call.method == method or call.method.endswith("." + method)]

    def clear(self) -> None:
        self.recent.clear()
        self.by_method.clear()
        self.by_answer.clear()

    def __iter__(self) -> Iterator[Call]:
        return iter(self.recent)

    def __len__(self) -> int:
        return len(self.recent)

    def __getitem__(self, index: int) -> Call:
        return self.recent[index]
