from __future__ import annotations

import ast
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from orders import SELLER, line, order_of

from syncd.domain import mapping, money
from syncd.domain.mapping import MappingOptions, Unfitness, to_request
from syncd.domain.unfit_texts import FIELD_TEXTS, UNFIT_TEXTS, say, unfit

OPTIONS = MappingOptions(tax_no=SELLER)


def _codes_in_source() -> dict[str, set[str]]:
    """Every hold code written in the domain, with the facts given to it; `*_differs` codes stand in tables."""
    found: dict[str, set[str]] = {}
    for path in Path(mapping.__file__).parent.glob("*.py"):
        if path.name in ("unfit_texts.py", "hold_texts.py", "code_texts.py", "red_texts.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="unfit"), args=[ast.Constant(value=str(code))], keywords=facts):
                    found.setdefault(code, set()).update(fact.arg or "" for fact in facts)
                case ast.Constant(value=str(code)) if code.endswith("_differs"):
                    found.setdefault(code, {"given"} if code == "seller_differs" else {"expected", "given"})
    return found


def test_every_code_in_use_has_a_text_in_both_languages_that_its_facts_fill() -> None:
    used = _codes_in_source()

    assert set(used) == set(UNFIT_TEXTS)
    for code, facts in used.items():
        values = {name: f"<{name}>" for name in facts}
        for text in UNFIT_TEXTS[code]:
            said = text.format(**values)
            assert all(f"<{name}>" in said for name in facts if name != "field"), code
            assert text == text.strip()


def test_a_place_is_said_in_the_readers_words() -> None:
    header, detail_line = unfit("amount_missing", field="sum_tax"), unfit("amount_missing", field="detail_list.2.tax")

    assert say(header) == "实际合计税额没有填写。"
    assert say(detail_line) == "第 2 行税额没有填写。"
    assert say(detail_line, "en") == "The tax of line 2 is missing."


def test_the_two_figures_that_disagree_are_said() -> None:
    order = replace(order_of(line()), invoice_amount=Decimal("113.01"))
    found = to_request(order, OPTIONS)
    assert isinstance(found, Unfitness)

    assert say(found) == "开票金额不符：合计金额加合计税额应为 113.00，单据写的是 113.01。"


def test_every_header_text_that_is_printed_has_a_name_for_people() -> None:
    named = {field for field, _ in mapping._texts(order_of(line()))} | set(money.Totals.__dataclass_fields__)

    assert named <= set(FIELD_TEXTS)
