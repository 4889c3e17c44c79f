import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from top_parts import NUMBER, OFD, PDF, discount, line, request, returned, vectors

from syncd.domain.centre import ApplyId, ApplyStatus, InvoiceUk
from syncd.domain.invoice import Colour, Kind
from syncd.domain.order import Party
from syncd.wire.top.codec import code_rule, update_params
from syncd.wire.top.sign import SignMethod, sign
from syncd.wire.top.upload import core_upload, detail_upload

OMIT = code_rule("omit")
A1 = ApplyId("13213123")
SPECIAL = Party(
    name="示例公司", tax_no="91120222079642398Y", address="某路", phone="1", bank_name="某行", bank_account="9"
)


def items(params) -> list[dict]:
    return json.loads(params["invoice_items"])


# -- changing a status -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("inputs", "expected"), vectors("invoice_code_equal"))
def test_codes_that_mean_none_are_one(inputs: dict, expected: dict):
    a, b = (InvoiceUk("12345678", inputs[name] or "").normal() for name in ("a", "b"))

    assert (a == b) is expected["equal"]


def test_the_invoices_of_an_update_are_one_text_in_snake_case():
    params = update_params(A1, ApplyStatus.SUCCESS, [InvoiceUk("12345678", "6666666666")], "", OMIT)

    assert params == {
        "apply_id": "13213123",
        "apply_status": "inv_success",
        "invoice_uks": '[{"invoice_no":"12345678","invoice_code":"6666666666"}]',
    }


@pytest.mark.parametrize(
    ("setting", "sent"),
    [
        ("omit", {"invoice_no": NUMBER}),
        ("empty", {"invoice_no": NUMBER, "invoice_code": ""}),
        ("invoice_no_prefix12", {"invoice_no": NUMBER, "invoice_code": NUMBER[:12]}),
        ("literal:000000000000", {"invoice_no": NUMBER, "invoice_code": "000000000000"}),
    ],
)
def test_a_fully_digital_invoice_has_no_code_and_a_setting_says_what_stands_for_it(setting: str, sent: dict):
    params = update_params(A1, ApplyStatus.SUCCESS, [InvoiceUk(NUMBER)], "", code_rule(setting))

    assert json.loads(params["invoice_uks"]) == [sent]


@pytest.mark.parametrize("setting", ["empty", "invoice_no_prefix12", "literal:x"])
def test_what_stands_for_a_code_stands_for_no_other_invoices(setting: str):
    rule = code_rule(setting)

    assert rule(InvoiceUk(NUMBER, "044001900111")) == "044001900111"
    assert rule(InvoiceUk("12345678")) is None


@pytest.mark.parametrize("setting", ["", "literal:", "code", "OMIT"])
def test_an_unknown_rule_for_codes_is_refused(setting: str):
    with pytest.raises(ValueError):
        code_rule(setting)


@pytest.mark.parametrize(
    ("status", "invoices", "message"),
    [
        (ApplyStatus.SUCCESS, [], ""),
        (ApplyStatus.PART, [], ""),
        (ApplyStatus.SUCCESS, [InvoiceUk(f"{n:08d}") for n in range(101)], ""),
        (ApplyStatus.SUCCESS, [InvoiceUk(" ")], ""),
        (ApplyStatus.FAILED, [], ""),
        (ApplyStatus.FAILED, [], "  "),
        (ApplyStatus.CANCELLED, [], ""),
    ],
)
def test_an_update_the_centre_could_not_take_is_refused_before_it_is_sent(status, invoices, message):
    with pytest.raises(ValueError):
        update_params(A1, status, invoices, message, OMIT)


def test_an_application_without_an_id_is_refused():
    with pytest.raises(ValueError):
        update_params(ApplyId(" "), ApplyStatus.CONFIRMED, [], "", OMIT)


# -- returning an invoice ----------------------------------------------------------------------------------------------


def test_the_upload_is_the_one_of_the_published_signature():
    """The parameters of the vector, taken out of what the codec makes, give the vector's own signature."""
    vector = next(p for p in vectors("top_sign") if p.id == "top-sign-v5-hmac-sha256")
    inputs, expected = vector.values
    params = core_upload(returned(), OMIT, as_part=False).params

    ours = {name: params.get(name, value) for name, value in inputs["params"].items()}

    system = {"method", "app_key", "session", "timestamp", "format", "v", "sign_method"}
    assert inputs["params"].keys() - params.keys() == system
    assert sign(inputs["secret"], ours, SignMethod.HMAC_SHA256) == expected["sign"]
    assert "payer_phone" not in params
    assert "invoice_code" not in params


def test_a_discount_line_has_neither_unit_nor_quantity_nor_price():
    upload = core_upload(returned(request=request(lines=(line(property=2), discount()))), OMIT, as_part=False)

    first, second = items(upload.params)
    assert (first["row_type"], second["row_type"]) == (2, 1)
    assert {"unit", "quantity", "price"} & second.keys() == set()
    assert (second["sum_price"], second["amount"]) == ("-10.00", "-11.30")
    assert upload.params["invoice_amount"] == "101.70"


@pytest.mark.parametrize(
    ("kind", "core", "detail"),
    [
        (Kind.PAPER_NORMAL, "1", "1"),
        (Kind.E_NORMAL, "0", "0"),
        (Kind.PAPER_SPECIAL, "2", "2"),
        (Kind.DIGITAL_NORMAL, "0", "4"),
        (Kind.DIGITAL_SPECIAL, "0", "5"),
        (Kind.E_SPECIAL, "0", "3"),
    ],
)
def test_each_legal_kind_has_its_number_at_each_interface(kind: Kind, core: str, detail: str):
    one = returned(request=request(kind=kind, buyer=SPECIAL), platform_code="TM", platform_tid="T1")

    assert core_upload(one, OMIT, as_part=False).params["invoice_kind"] == core
    assert detail_upload(one, OMIT).params["invoice_kind"] == detail


def test_only_kinds_that_print_them_carry_a_buyers_address_and_bank():
    ordinary = core_upload(returned(request=request(buyer=SPECIAL)), OMIT, as_part=False).params
    special = core_upload(returned(request=request(buyer=SPECIAL, kind=Kind.E_SPECIAL)), OMIT, as_part=False).params

    assert {"payer_address", "payer_phone", "payer_bank_name"} & ordinary.keys() == set()
    assert special["payer_bank_account_id"] == "9"


def test_a_red_invoice_is_negative_and_names_its_blue_one():
    red = line(num=Decimal(2), net=Decimal("-100.00"), tax=Decimal("-13.00"), gross=Decimal("-113.00"))
    asked = request(colour=Colour.RED, lines=(red,))
    one = returned(request=asked, blue=InvoiceUk("12345678", "044001900111"), invoice={"total": Decimal("113.00")})

    params = core_upload(one, OMIT, as_part=False).params

    assert (params["invoice_type"], params["invoice_amount"], params["sum_tax"]) == ("red", "-113.00", "-13.00")
    assert (params["normal_invoice_no"], params["normal_invoice_code"]) == ("12345678", "044001900111")
    assert (items(params)[0]["quantity"], items(params)[0]["price"]) == ("-2", "50.00")


def test_a_file_travels_as_text_or_as_a_part():
    as_text, as_part = (core_upload(returned(file=OFD), OMIT, as_part=mode) for mode in (False, True))

    assert (as_text.params["invoice_file_type"], as_text.file) == ("OFD", None)
    assert "invoice_file_content" not in as_part.params
    assert as_part.file is not None
    assert (as_part.file.name, as_part.file.content) == ("invoice_file_data", OFD.content)


def test_the_interface_by_trade_has_no_place_for_an_ofd_file():
    of_trade = {"platform_code": "TM", "platform_tid": "T1"}

    assert detail_upload(returned(file=OFD, **of_trade), OMIT).file is None
    assert detail_upload(returned(file=PDF, **of_trade), OMIT).file is not None


def test_paper_needs_no_file():
    assert core_upload(returned(request=request(kind=Kind.PAPER_NORMAL), file=None), OMIT, as_part=False).file is None


@pytest.mark.parametrize(
    ("price", "sent"),
    [("50", "50.00"), ("49.5", "49.50"), ("33.33333333", "33.333333"), ("0.125", "0.125")],
)
def test_a_price_has_two_to_six_decimals(price: str, sent: str):
    num, net = Decimal(1), Decimal(price).quantize(Decimal("0.01"))
    one = line(num=num, price=Decimal(price), net=net, tax=Decimal("0.00"), gross=net, rate=Decimal(0))

    params = core_upload(returned(request=request(lines=(one,))), OMIT, as_part=False).params

    assert items(params)[0]["price"] == sent


def test_the_mark_of_a_rate_of_nothing_says_why_and_stands_nowhere_else():
    exempt = line(rate=Decimal(0), tax=Decimal("0.00"), gross=Decimal("100.00"), zero_rate="exempt")
    params = core_upload(
        returned(request=request(lines=(exempt, line(zero_rate="exempt")))), OMIT, as_part=False
    ).params

    assert [one.get("zero_rate_flag") for one in items(params)] == ["1", None]


CENT = Decimal("0.01")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"request": request(total=Decimal("113.01"))}, "invoice_amount"),
        ({"request": request(lines=(line(gross=Decimal("113.01")),))}, "amount"),
        ({"request": request(net=Decimal("99.99"), tax=Decimal("13.01"))}, "sum_price"),
        ({"request": request(lines=(line(net=Decimal("100.001"), gross=Decimal("113.001")),))}, "sum_price"),
        ({"request": request(lines=(line(price=Decimal(51)),))}, "price"),
        ({"request": request(lines=(line(price=Decimal(0)),))}, "price"),
        ({"request": request(lines=(line(num=Decimal("1.9999999"), price=Decimal("50.0000025")),))}, "quantity"),
        ({"request": request(lines=())}, "invoice_items"),
        ({"request": request(lines=(line(),) * 101)}, "invoice_items"),
        ({"request": request(colour=Colour.RED)}, "invoice_amount"),
        ({"invoice": {"total": Decimal("113.00") + CENT}}, "invoice_amount"),
        ({"invoice": {"tax": Decimal("13.00") + CENT}}, "sum_tax"),
        ({"invoice": {"colour": Colour.RED}}, "invoice_type"),
        ({"invoice": {"issued_at": None}}, "invoice_date"),
        ({"invoice": {"number": ""}}, "invoice_no"),
        ({"file": None}, "invoice_file"),
        ({"apply_id": ApplyId("")}, "apply_id"),
    ],
)
def test_what_does_not_add_up_is_refused_by_name_and_never_repaired(change: dict, named: str):
    with pytest.raises(ValueError, match=named):
        core_upload(returned(**change), OMIT, as_part=False)


def test_a_red_invoice_without_its_blue_one_is_refused():
    red = line(net=Decimal("-100.00"), tax=Decimal("-13.00"), gross=Decimal("-113.00"))

    with pytest.raises(ValueError, match="normal_invoice_no"):
        core_upload(returned(request=request(colour=Colour.RED, lines=(red,))), OMIT, as_part=False)


@pytest.mark.parametrize("missing", ["platform_code", "platform_tid"])
def test_the_interface_by_trade_needs_the_trade(missing: str):
    trade = {"platform_code": "TM", "platform_tid": "T1", missing: ""}

    with pytest.raises(ValueError, match=missing):
        detail_upload(returned(**trade), OMIT)


def test_the_interface_by_trade_takes_two_hundred_lines_and_their_kind_as_text():
    many = request(lines=(line(),) * 200)

    params = detail_upload(returned(request=many, platform_code="TM", platform_tid="T1"), OMIT).params

    assert items(params)[0]["row_type"] == "0"
    with pytest.raises(ValueError):
        detail_upload(returned(request=request(lines=(line(),) * 201), platform_code="TM", platform_tid="T1"), OMIT)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 10**8), st.integers(0, 10**7)), min_size=1, max_size=5))
def test_the_amounts_that_are_sent_are_the_requests_to_the_cent(figures: list[tuple[int, int]]):
    lines = tuple(
        line(num=None, price=None, net=Decimal(net) / 100, tax=Decimal(tax) / 100, gross=Decimal(net + tax) / 100)
        for net, tax in figures
    )

    params = core_upload(returned(request=request(lines=lines)), OMIT, as_part=False).params

    assert sum(Decimal(one["amount"]) for one in items(params)) == Decimal(params["invoice_amount"])
    assert Decimal(params["sum_price"]) + Decimal(params["sum_tax"]) == Decimal(params["invoice_amount"])
    assert all(len(one["sum_price"].partition(".")[2]) == 2 for one in items(params))
