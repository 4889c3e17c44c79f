"""Cards and pages out of the document's own samples, and out of what is worse than they are."""

from __future__ import annotations

import copy
import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yuannian_parts import VECTORS, golden

from syncd.domain.wallet import CardLine, CardRef, CardSearch, Reimburse
from syncd.wire.strict_json import Malformed, loads
from syncd.wire.yuannian import codec
from syncd.wire.yuannian.image import LARGEST, NoImage, decoded

IMPORT, H5, SEARCH = golden("import-reply"), golden("import-jsapi-reply"), golden("search-reply")
IMAGES = [one for one in VECTORS if one["kind"] == "yuannian_imagedata"]


def row() -> dict[str, Any]:
    found: dict[str, Any] = copy.deepcopy(IMPORT["data"][0])
    return found


@pytest.mark.parametrize("reply", [IMPORT, H5], ids=["2.1", "2.6"])
def test_the_sample_of_an_import_is_read(reply: dict[str, Any]) -> None:
    (card,) = codec.cards_in(reply["data"])

    assert (card.card_id, card.number, card.code) == ("pnAsy0p1ZYMEw6e8jLdsK-V2hnzI", "14869350", "012001800211")
    assert card.status is Reimburse.LOCK
    assert (card.gross, card.net, card.tax) == (Decimal("50.85"), Decimal("43.84"), Decimal("7.01"))
    assert card.billed_on == date(2018, 11, 9)
    assert card.seller_name == "天津瑞佳讯贸易有限公司"  # the platform's `payee`
    assert card.seller_tax_no == "91120222079642398Y"
    assert (card.title, card.trip_pdf_url, card.buyer_tax_no) == ("个人", "", "")


def test_the_unit_prices_of_the_samples_are_net_amounts_of_lines() -> None:
    for card in (*codec.cards_in(IMPORT["data"]), *codec.page_in(SEARCH["data"]).cards):
        assert sum(line.amount or 0 for line in card.lines) == card.net
        assert [line.quantity for line in card.lines] == [None, None]


def test_the_sample_of_a_search_is_read_with_its_repeated_row_and_its_wrong_dates() -> None:
    page = codec.page_in(SEARCH["data"])

    assert (page.page, page.total_pages, page.count) == (1, 1, 3)
    assert len({card.card_id for card in page.cards}) == 2
    assert [card.billed_on for card in page.cards] == [None, None, date(2018, 11, 19)]
    assert [card.status for card in page.cards] == [Reimburse.INIT] * 3
    assert {card.biz_code for card in page.cards} == {"201811101212001"}


def test_a_line_is_named_in_either_spelling() -> None:
    line = {"CommodityName": "甲", "quantity": "2", "unit": "只", "unitPrice": "-1.50"}
    shown = {**row(), "invoiceLineList": [line, {"commodityName": "乙", "unitPrice": None}, None]}

    assert codec.card(shown).lines == (
        CardLine("甲", Decimal(2), "只", Decimal("-1.50")),
        CardLine("乙", None, "", None),
        CardLine("", None, "", None),
    )


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1970-01-19", None),
        ("1970-01-01 08:00:00", None),
        ("2014-12-31", None),
        ("2015-01-01", date(2015, 1, 1)),
        ("2018-02-30", None),
        ("", None),
        ("20181109", None),
        ("２０１８-11-09", None),
        ("2018-11-09 10:00:00", date(2018, 11, 9)),
    ],
)
def test_a_date_the_platform_misread_is_no_date(text: str, day: date | None) -> None:
    assert codec.billed_on(text) == day


@pytest.mark.parametrize("data", [None, {}, [], ""])
def test_data_that_is_missing_null_or_empty_shows_no_card(data: object) -> None:
    assert codec.cards_in(data) == ()
    assert codec.page_in(data).cards == ()


def test_an_item_that_only_says_why_it_was_not_taken_is_no_card() -> None:
    taken = codec.cards_in([row(), {"cardId": "other", "errcode": 72031, "errmsg": "参数错误"}])

    assert [card.card_id for card in taken] == [row()["cardId"]]


@pytest.mark.parametrize("data", ["text", 7, {"a": 1}, [None], [{"invoiceNumber": "1"}], [[]]])
def test_data_of_another_shape_is_refused(data: object) -> None:
    with pytest.raises(codec.Unreadable):
        codec.cards_in(data)


def test_a_status_nobody_knows_keeps_its_word() -> None:
    card = codec.card({**row(), "reimburseStatus": "INVOICE_REIMBURSE_LENT"})

    assert (card.status, card.status_text) == (None, "INVOICE_REIMBURSE_LENT")


def test_amounts_that_are_no_amounts_are_none_and_hostile_names_stay_texts() -> None:
    hostile = "<script>alert(1)</script>\u202e" + "x" * 5000
    card = codec.card({**row(), "amountTax": "NaN", "totalTax": "1e999", "totalAmount": "１２", "title": hostile})

    assert (card.gross, card.tax, card.net) == (None, None, None)
    assert card.title.startswith("<script>")
    assert len(card.title) == 2000


def test_numbers_are_taken_as_exactly_as_texts() -> None:
    told = loads(json.dumps({**row(), "amountTax": 50.85, "invoiceNumber": 14869350}).encode())

    card = codec.card(told)

    assert (card.gross, card.number) == (Decimal("50.85"), "14869350")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(data=json_values, changed=st.sampled_from(sorted(IMPORT["data"][0])))
@settings(max_examples=200, deadline=None)
def test_whatever_stands_in_an_answer_is_read_or_refused_by_name(data: Any, changed: str) -> None:
    for reader in (codec.cards_in, codec.page_in, codec.image_in, codec.signature_in):
        for told in (data, [{**row(), changed: data}], {"invoiceList": [{**row(), changed: data}]}):
            try:
                reader(told)
            except (codec.Unreadable, NoImage):
                continue


# -- requests ----------------------------------------------------------------------------------------------------------


def test_the_requests_of_the_document_are_the_ones_that_are_made() -> None:
    wanted = golden("import-request")["body"]
    cards = [CardRef(one["cardId"], one["encryptCode"]) for one in wanted["invoiceList"]]
    openid = golden("status-update-request")["body"]["openid"]
    sign = golden("jsapi-sign-request")["body"]

    assert codec.import_body(cards, "", "") == wanted
    assert codec.import_body(cards, "", "at") == {**wanted, "accessToken": "at"}
    assert codec.status_body(openid, Reimburse.LOCK, cards, "") == golden("status-update-request")["body"]
    assert codec.status_body(openid, Reimburse.LOCK, cards, "at") == {
        **golden("status-update-jsapi-request")["body"],
        "accessToken": "at",
    }
    assert codec.qrcode_body(100, 100, "201811101212001") == golden("qrcode-request")["body"]
    assert codec.sign_body(sign["noncestr"], sign["jsapiTicket"], int(sign["timestamp"]), sign["url"] + "#x") == sign


def test_a_search_leaves_out_what_it_does_not_ask_for() -> None:
    assert codec.search_body(CardSearch(tax_nos=("T1",))) == {"taxNos": [{"taxNo": "T1"}]}
    assert codec.search_body(CardSearch()) == {}


# -- the picture -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", IMAGES, ids=[one["id"] for one in IMAGES])
def test_a_picture_is_percent_encoded_base64_and_a_plus_is_a_plus(vector: dict[str, dict[str, str]]) -> None:
    assert decoded(vector["inputs"]["image_data"]).hex() == vector["expected"]["bytes_hex"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("PGh0bWw%2B", "kind"),
        ("iVBORw0KGgo%ZZ*not base64*", "base64"),
        ("iVBO Rw0KGgo=", "base64"),
        ("%ff%fe", "base64"),
        ("图片", "base64"),
        ("A" * (LARGEST * 4 + 1), "too_large"),
        ("A" * (LARGEST * 2), "too_large"),
    ],
    ids=lambda one: one[:12],
)
def test_what_is_no_picture_is_refused(text: str, why: str) -> None:
    with pytest.raises(NoImage) as refused:
        decoded(text)

    assert refused.value.why == why


def test_a_jpeg_is_a_picture_too() -> None:
    assert decoded("%2F9j%2FAAA%3D") == b"\xff\xd8\xff\x00\x00"


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_text_breaks_the_decoder(text: str) -> None:
    try:
        decoded(text)
    except NoImage:
        pass


def test_a_body_that_is_no_json_is_not_read() -> None:
    with pytest.raises(Malformed):
        loads(b"<html>")
