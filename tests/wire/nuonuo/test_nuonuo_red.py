"""Nuonuo's red confirmation forms: what is sent, what a form's state means, and that nothing is believed too early."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hands import HandClock
from nuonuo_parts import KEY, OTHER_KEY, SELLER, Gateway, Says, issuer, request, says

from syncd.domain.invoice import BlueRef, Colour, InvoiceRequest, Kind
from syncd.domain.money_guard import PrintedForm
from syncd.domain.outcome import (
    Agreed,
    AlreadyReversed,
    Duplicate,
    Failed,
    Issued,
    NotFound,
    Outcome,
    Processing,
    Stopped,
    Unknown,
)
from syncd.domain.ports import Channel, Class, Unfit
from syncd.wire.http import Http
from syncd.wire.issuers.nuonuo.client import NuonuoIssuer
from syncd.wire.issuers.nuonuo.codec import NuonuoOptions

BLUE = BlueRef("26112000000123456789")
OLD_BLUE = BlueRef("14869350", "012001800211")
RED_NUMBER = "26112000000987654321"


def red_request(blue: BlueRef | None = BLUE, **changes: Any) -> InvoiceRequest:
    return request(colour=Colour.RED, blue=blue, total=Decimal("-4.00"), **changes)


def form(status: str, **fields: Any) -> Says:
    """The answer to a question about one form."""
    entry = {"billId": KEY, "billStatus": status, "billNo": "33", "billUuid": "u1", "blueInvoiceLine": "pc", **fields}
    return says("E0000", "", {"total": 1, "list": [entry]})


def red_entry(status: str = "2", **fields: Any) -> Says:
    """The answer to a question about the red invoice."""
    entry = {
        "serialNo": "S1", "orderNo": KEY, "status": status, "invoiceType": "2", "orderAmount": "-4.00",
        "allElectronicInvoiceNumber": RED_NUMBER, "oldEleInvoiceNumber": BLUE.number, "pdfUrl": "http://x/1.pdf",
    }  # fmt: skip
    return says("E0000", "", [{**entry, **fields}])


async def asked(*answers: Says, **options: Any) -> tuple[Outcome, list[str]]:
    """What one key's outcome is after these answers, and the methods that were called."""
    http = Http("nuonuo", timeout=2)
    async with Gateway(*answers) as gateway:
        red = issuer(gateway.url, HandClock(), http, options=NuonuoOptions(**options)).red
        found = await red.ask([KEY])
        called = [heard.headers["method"].rpartition(".")[2] for heard in gateway.heard]
    await http.close()
    return found[KEY], called


def account(**options: Any) -> NuonuoIssuer:
    return issuer(
        "https://sdk.example.com/open/v1/services", HandClock(), Http("x"), options=NuonuoOptions(**options)
    )  # fmt: skip


# -- what is sent ------------------------------------------------------------------------------------------------------


async def test_the_red_channel_is_of_class_a_and_takes_a_new_key_for_a_dead_form() -> None:
    channel: Channel = account().red

    assert channel.profile.trust is Class.A
    assert not channel.profile.restartable
    assert channel.profile.lapses_after == 72 * 3600


async def test_a_form_names_the_digital_blue_and_no_line() -> None:
    body = json.loads(account(red_reason="2").red.render(red_request(), KEY))

    assert body == {
        "billId": KEY,
        "blueInvoiceLine": "pc",
        "applySource": "0",
        "blueElecInvoiceNumber": BLUE.number,
        "sellerTaxNo": SELLER,
        "sellerName": "百望",
        "buyerName": "个人",
        "redReason": "2",
        "orderNo": KEY,
    }


async def test_a_tax_control_blue_is_named_by_number_and_code() -> None:
    body = json.loads(account().red.render(red_request(OLD_BLUE, kind=Kind.E_NORMAL), KEY))

    assert (body["blueInvoiceLine"], body["blueInvoiceNumber"], body["blueInvoiceCode"]) == (
        "p",
        "14869350",
        "012001800211",
    )
    assert "blueElecInvoiceNumber" not in body


@pytest.mark.parametrize(
    ("blue", "kind", "code"),
    [
        (None, Kind.DIGITAL_NORMAL, "red_without_blue"),
        (OLD_BLUE, Kind.DIGITAL_NORMAL, "red_kind_mismatch"),
        (BLUE, Kind.E_NORMAL, "red_kind_mismatch"),
    ],
)
async def test_a_form_that_would_name_no_blue_of_its_kind_is_not_rendered(
    blue: BlueRef | None, kind: Kind, code: str
) -> None:
    with pytest.raises(Unfit) as refused:
        account().red.render(red_request(blue, kind=kind), KEY)

    assert refused.value.code == code


@pytest.mark.parametrize("blue", [BLUE, OLD_BLUE])
async def test_what_is_rendered_is_read_back_for_the_money_guard(blue: BlueRef) -> None:
    kind = Kind.DIGITAL_NORMAL if blue is BLUE else Kind.E_NORMAL
    red = account().red

    assert red.printed(red.render(red_request(blue, kind=kind), KEY)) == PrintedForm(blue, SELLER, in_full=True)


@pytest.mark.parametrize(
    "change",
    [{"detail": []}, {"detail": [{"taxExcludedAmount": "-1.00"}]}, {"invoiceDetail": []}, {"somethingNew": "1"}],
)
async def test_a_form_with_anything_else_in_it_is_no_full_reversal(change: dict[str, Any]) -> None:
    red = account().red
    body = {**json.loads(red.render(red_request(), KEY)), **change}

    assert not red.printed(json.dumps(body).encode()).in_full


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"billId":"x"}', b'{"order":{"orderNo":"x"}}'])
async def test_bytes_that_are_no_form_are_told_as_such(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"form|names"):
        account().red.printed(body)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (says("E0000", "", "FP1"), Processing("")),
        (says("E9106", "x"), Duplicate()),
        (says("E9103", "x"), AlreadyReversed("E9103", "x")),
        (says("E9999", "x"), Unknown("code E9999")),
        (Says(then="reset"), Unknown("reset")),
    ],
)
async def test_what_the_answer_to_a_form_amounts_to(answer: Says, outcome: Outcome) -> None:
    http = Http("nuonuo", timeout=2)
    async with Gateway(answer) as gateway:
        said = await issuer(gateway.url, HandClock(), http).red.submit(KEY, b"{}")
        assert len(gateway.heard) == 1
    await http.close()

    assert type(said) is type(outcome)
    if not isinstance(outcome, Unknown):
        assert said == outcome


# -- what a state means ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["05", "07", "08", "09", "10", "12", "16"])
async def test_a_form_that_ended_is_failed_with_words(status: str) -> None:
    outcome, _ = await asked(form(status))

    assert isinstance(outcome, Failed)
    assert outcome.code == status
    assert outcome.text


async def test_the_reason_of_a_failed_application_is_the_bureaus_own() -> None:
    outcome, _ = await asked(form("16", billMessage="蓝票状态异常"))

    assert outcome == Failed("16", "蓝票状态异常")


@pytest.mark.parametrize("status", ["03", "06", "11", "13"])
async def test_a_form_that_only_a_person_can_move_is_stopped(status: str) -> None:
    outcome, _ = await asked(form(status))

    assert isinstance(outcome, Stopped)
    assert outcome.code == f"red_form_{status}"


async def test_a_form_that_waits_says_for_whom() -> None:
    assert (await asked(form("02")))[0] == Processing(for_buyer=True)
    assert (await asked(form("15")))[0] == Processing()


@pytest.mark.parametrize("status", ["14", "99", "", None])
async def test_an_unknown_state_is_told_and_is_no_failure(status: Any) -> None:
    outcome, _ = await asked(form(status))

    assert isinstance(outcome, Processing)
    assert outcome.unclassified is not None


@pytest.mark.parametrize(
    "answer",
    [says("E0000", "", {"total": 0, "list": []}), says("E0000", "", {"total": 0, "list": None}), says("E9500", "none")],
)
async def test_no_form_is_not_found(answer: Says) -> None:
    assert (await asked(answer))[0] == NotFound()


@pytest.mark.parametrize(
    "answer",
    [
        form("05", billId=OTHER_KEY),
        form("05", billId=KEY.lower()),
        says("E0000", "", "ok"),
        says("E0000", "", None),
        says("E4000", "identity"),
        says("E0000", "", {"total": 1, "list": [{"billId": KEY, "billStatus": s} for s in ("05", "04")]}),
    ],
)
async def test_an_answer_about_something_else_is_nobodys_word_on_the_form(answer: Says) -> None:
    assert isinstance((await asked(answer))[0], Unknown)


# -- the red invoice of an agreed form ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["01", "04"])
async def test_an_agreed_form_is_not_the_end(status: str) -> None:
    outcome, called = await asked(form(status), says("E9500"))

    assert outcome == Processing()
    assert called == ["queryInvoiceRedConfirm", "queryInvoiceResult"]


async def test_the_red_is_issued_when_its_own_number_is_known() -> None:
    outcome, _ = await asked(form("01", invoiceSerialNum="S1"), red_entry())

    assert isinstance(outcome, Issued)
    invoice = outcome.invoice
    assert (invoice.number, invoice.colour, invoice.blue) == (RED_NUMBER, Colour.RED, BLUE.number)
    assert invoice.total == Decimal("-4.00")


async def test_a_form_without_a_serial_is_found_by_our_key() -> None:
    outcome, _ = await asked(form("04"), red_entry())

    assert isinstance(outcome, Issued)


async def test_another_ones_invoice_is_not_this_forms() -> None:
    outcome, _ = await asked(form("04", invoiceSerialNum="S1"), red_entry(serialNo="S2"))

    assert outcome == Processing(exists=True)


@pytest.mark.parametrize("text", ["税号错误", "开票员未登录电子税务局"])
async def test_a_red_that_failed_under_a_standing_form_is_a_persons(text: str) -> None:
    """The form is alive: a second one would be a second reversal."""
    answer = red_entry("22", failCause=text, allElectronicInvoiceNumber="")

    assert (await asked(form("04", invoiceSerialNum="S1"), answer))[0] == Stopped("red_not_issued", text)


@pytest.mark.parametrize("names", [{"invoiceSerialNum": "S1"}, {"redInvoiceNumber": RED_NUMBER}])
@pytest.mark.parametrize("status", ["09", "10", "16", "11", "99"])
async def test_the_red_that_a_form_names_is_found_however_the_form_ended(status: str, names: dict[str, str]) -> None:
    outcome, called = await asked(form(status, **names), red_entry())

    assert isinstance(outcome, Issued)
    assert outcome.invoice.number == RED_NUMBER
    assert called == ["queryInvoiceRedConfirm", "queryInvoiceResult"]


@pytest.mark.parametrize("names", [{"invoiceSerialNum": "S1"}, {"redInvoiceNumber": RED_NUMBER}])
async def test_an_ended_form_whose_red_is_not_found_is_a_persons_and_no_failure(names: dict[str, str]) -> None:
    """An 85 would free the way for a second red invoice beside the one it names."""
    gone, _ = await asked(form("09", **names), says("E9500"))
    silent, _ = await asked(form("09", **names), Says(status=502))

    assert gone == Stopped("red_form_ended", "09 红字确认单确认后被撤销")
    assert isinstance(silent, Unknown)


async def test_an_agreed_form_waits_to_be_told_only_where_the_settings_say_so() -> None:
    assert (await asked(form("04"), says("E9500"), red_by_itself=False))[0] == Agreed()
    assert (await asked(form("04", redInvoiceNumber=RED_NUMBER), says("E9500"), red_by_itself=False))[0] == Processing(
        exists=True
    )


async def test_a_form_is_fetched_from_the_bureau_before_its_waiting_is_believed_for_long() -> None:
    http, clock = Http("nuonuo", timeout=2), HandClock()
    async with Gateway(form("02"), form("02"), says("E0000"), form("05")) as gateway:
        red = issuer(gateway.url, clock, http).red
        first = await red.ask([KEY])
        clock.move(301)
        then = await red.ask([KEY])
        called = [heard.headers["method"].rpartition(".")[2] for heard in gateway.heard]
        refreshed = json.loads(gateway.heard[2].body)
    await http.close()

    assert first[KEY] == Processing(for_buyer=True)
    assert isinstance(then[KEY], Failed)
    assert called == [
        "queryInvoiceRedConfirm", "queryInvoiceRedConfirm", "refreshInvoiceRedConfirm", "queryInvoiceRedConfirm",
    ]  # fmt: skip
    assert refreshed == {"identity": "0", "billUuid": "u1"}


async def test_telling_it_to_make_the_red_names_our_key_and_the_form() -> None:
    http = Http("nuonuo", timeout=2)
    answers = (form("04", blueElecInvoiceNumber=BLUE.number), says("E0000", "", {"invoiceSerialNum": "S1"}))
    async with Gateway(*answers) as gateway:
        said = await issuer(gateway.url, HandClock(), http).red.revive(KEY, "")
        body = json.loads(gateway.heard[-1].body)
    await http.close()

    assert said == Processing("S1")
    assert body == {
        "orderNo": KEY, "taxNum": SELLER, "elecInvoiceNumber": BLUE.number, "billNo": "33", "billUuid": "u1",
        "invoiceLine": "pc",
    }  # fmt: skip


@pytest.mark.parametrize("answer", [form("02"), form("08"), form("04", invoiceSerialNum="S1"), says("E9601", "busy")])
async def test_a_form_that_is_not_agreed_or_has_its_red_is_not_told_again(answer: Says) -> None:
    http = Http("nuonuo", timeout=2)
    async with Gateway(answer) as gateway:
        said = await issuer(gateway.url, HandClock(), http).red.revive(KEY, "")
        assert len(gateway.heard) == 1
    await http.close()

    assert isinstance(said, Processing | Unknown)


async def test_after_two_silences_the_other_forms_wait_for_the_next_look() -> None:
    http = Http("nuonuo", timeout=2)
    keys = [type(KEY)(f"FP20261120000{n}ABCDEF") for n in range(5)]
    async with Gateway(Says(status=502)) as gateway:
        found = await issuer(gateway.url, HandClock(), http).red.ask(keys)
        assert len(gateway.heard) == 2
    await http.close()

    assert set(found) == set(keys)
    assert all(isinstance(outcome, Unknown) for outcome in found.values())
