"""The fast reader of small answers says what the slow one says, or leaves it to it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.wire import strict_json
from syncd.wire.strict_json import Malformed, loads

TEXTS = st.text(alphabet='ab中"\\\x7f', max_size=3).map(lambda text: json.dumps(text, ensure_ascii=False))
ODD = ["NaN", "01", "1.", "-0", "-0.00", "1e3", "1E-41", "1e41", '"\\u0000"', '"\\ud800"', "9" * 19, "9" * 20, "1,", ""]
PLAIN = st.sampled_from(["null", "true", "1", "-5", "1.50", *ODD])


def objects(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    members = st.lists(st.tuples(st.sampled_from(['"a"', '"b"']), inner), max_size=3)
    return members.map(lambda found: "{" + ",".join(f"{name}:{value}" for name, value in found) + "}")


def arrays(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(inner, max_size=3).map(lambda found: "[" + ",".join(found) + "]")


BODIES = st.recursive(PLAIN | TEXTS, lambda inner: objects(inner) | arrays(inner), max_leaves=12)


def said(body: bytes) -> str:
    try:
        return repr(loads(body))
    except Malformed as refused:
        return refused.why


@given(BODIES)
@settings(max_examples=200, deadline=None)
def test_both_readers_agree(text: str) -> None:
    with pytest.MonkeyPatch.context() as slowly:
        slowly.setattr(strict_json, "_plain", lambda *_: strict_json._NOT_PLAIN)
        slow = said(text.encode())

    assert said(text.encode()) == slow


@pytest.mark.parametrize("depth", range(61, 68))
def test_they_agree_on_how_deep_is_too_deep(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = [b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth]
    fast = [said(body) for body in bodies]
    monkeypatch.setattr(strict_json, "_plain", lambda *_: strict_json._NOT_PLAIN)

    assert fast == [said(body) for body in bodies]


def test_an_ordinary_answer_is_read_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_json, "_text", lambda _: pytest.fail("read slowly"))

    assert loads('{"code":"E0000","result":[{"orderAmount":1.50,"名":"值"}]}'.encode())
