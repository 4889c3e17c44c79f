"""One account against a faithful Nuonuo: what the profile promises, and the ends that an order can come to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from hands import HandClock, Shelf
from nuonuo_parts import KEY, OTHER_KEY, SELLER, TOKEN, company, fetched_token, issuer, line, request
from structlog.testing import capture_logs

from syncd.domain.invoice import Colour, Expected, InvoiceRequest, IssuerKey, Kind
from syncd.domain.order import Party
from syncd.domain.outcome import (
    Blocked,
    Duplicate,
    Failed,
    Issued,
    NotFound,
    Outcome,
    Processing,
    Refused,
    SealFailed,
    Split,
    Unknown,
    Voided,
)
from syncd.domain.ports import Class, Issuer, IssuerProfile, Unfit
from syncd.domain.trouble import Care
from syncd.sandbox import Sandbox, SandboxOptions
from syncd.wire.http import Http
from syncd.wire.issuers.nuonuo.client import NuonuoIssuer
from syncd.wire.issuers.nuonuo.codec import NuonuoOptions
from syncd.wire.issuers.nuonuo.token import StaticToken


@pytest.fixture
async def sandbox(clock: HandClock) -> AsyncIterator[Sandbox]:
    """Every order takes nine seconds of the clock in the test's hand; the last three of them show 21."""
    async with Sandbox(SandboxOptions(seed=1, clock=clock.unix, issue_delay=(9.0, 9.0))) as running:
        yield running


@pytest.fixture
def nuonuo(sandbox: Sandbox, clock: HandClock, http: Http) -> NuonuoIssuer:
    return issuer(sandbox.nuonuo_url, clock, http)


async def sent(nuonuo: NuonuoIssuer, key: IssuerKey = KEY, wanted: InvoiceRequest | None = None) -> Outcome:
    return await nuonuo.submit(key, nuonuo.render(wanted or request(), key))


async def asked(nuonuo: NuonuoIssuer, key: IssuerKey = KEY) -> Outcome:
    return (await nuonuo.ask([key]))[key]


def bought_by(name: str) -> InvoiceRequest:
    """The simulated bureau reads an order's ending from the name of its buyer."""
    return request(buyer=Party(name=name))


# --- the promises of the profile ----------------------------------------------------------------------------------


def test_the_adapter_is_an_issuer_of_class_a(nuonuo: NuonuoIssuer) -> None:
    port: Issuer = nuonuo

    assert port.profile == IssuerProfile("nuonuo", Class.A, 20, 50, 600.0, 20)
    assert (port.name, port.tax_no) == ("main", SELLER)


async def test_the_same_key_twice_makes_one_invoice(nuonuo: NuonuoIssuer, sandbox: Sandbox, clock: HandClock) -> None:
    first, second = await sent(nuonuo), await sent(nuonuo)
    clock.move(10)

    assert isinstance(first, Processing)
    assert second == Duplicate()
    assert len(sandbox.nuonuo.invoices_of(KEY)) == 1


async def test_the_same_key_at_the_same_time_makes_one_invoice(
    nuonuo: NuonuoIssuer, sandbox: Sandbox, clock: HandClock
) -> None:
    outcomes = await asyncio.gather(*(sent(nuonuo) for _ in range(8)))
    clock.move(10)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Duplicate"] * 7 + ["Processing"]
    assert len(sandbox.nuonuo.ledger) == 1


async def test_an_accepted_order_is_known_at_once_and_issued_step_by_step(
    nuonuo: NuonuoIssuer, sandbox: Sandbox, clock: HandClock
) -> None:
    accepted = await sent(nuonuo)
    assert isinstance(accepted, Processing)
    issuing = await asked(nuonuo)
    clock.move(7)
    sealing = await asked(nuonuo)
    clock.move(3)
    issued = await asked(nuonuo)

    (legal,) = sandbox.nuonuo.ledger
    assert accepted.serial
    assert issuing == accepted
    assert sealing == Processing(accepted.serial, exists=True)
    assert isinstance(issued, Issued)
    assert (issued.invoice.number, issued.invoice.code) == (legal.number, "")
    assert issued.invoice.serial == accepted.serial
    assert issued.invoice.file_url.endswith(f"{legal.number}.pdf")
    assert issued.invoice.issued_at is not None
    assert issued.invoice.issued_at.timestamp() == pytest.approx(legal.issued_at, abs=0.001)


async def test_the_sample_line_is_issued_as_it_stands(nuonuo: NuonuoIssuer, clock: HandClock) -> None:
    await sent(nuonuo)
    clock.move(10)

    issued = await asked(nuonuo)

    assert isinstance(issued, Issued)
    invoice = issued.invoice
    assert (invoice.net, invoice.tax, invoice.total) == (Decimal("3.53"), Decimal("0.47"), Decimal("4.00"))
    assert Expected("", Decimal("4.00"), Colour.BLUE).disagreements(invoice) == ()


async def test_the_worked_discount_is_issued_with_its_totals(nuonuo: NuonuoIssuer, clock: HandClock) -> None:
    money = {"net": Decimal(100), "tax": Decimal(13), "gross": Decimal(113)}
    off = {"net": Decimal(-10), "tax": Decimal("-1.30"), "gross": Decimal("-11.30"), "num": None, "price": None}
    lines = (line(property=2, num=Decimal(2), price=Decimal(50), **money), line(property=1, **off))
    await sent(nuonuo, wanted=request(lines=lines))
    clock.move(10)

    issued = await asked(nuonuo)

    assert isinstance(issued, Issued)
    invoice = issued.invoice
    assert (invoice.net, invoice.tax, invoice.total) == (Decimal(90), Decimal("11.70"), Decimal("101.70"))


@pytest.mark.parametrize("kind", [Kind.PAPER_NORMAL, Kind.E_NORMAL, Kind.PAPER_SPECIAL, Kind.E_SPECIAL])
async def test_a_tax_control_invoice_comes_back_with_its_code(
    kind: Kind, nuonuo: NuonuoIssuer, sandbox: Sandbox, clock: HandClock
) -> None:
    await sent(nuonuo, wanted=company(kind=kind))
    clock.move(10)

    issued = await asked(nuonuo)

    (legal,) = sandbox.nuonuo.ledger
    assert isinstance(issued, Issued)
    assert (issued.invoice.number, issued.invoice.code) == (legal.number, legal.code)
    assert (len(legal.number), len(legal.code)) == (8, 12)


async def test_a_refused_order_can_be_corrected_under_the_same_key(
    nuonuo: NuonuoIssuer, sandbox: Sandbox, clock: HandClock
) -> None:
    refused = await sent(nuonuo, wanted=bought_by("甲同步拒绝"))
    found = await asked(nuonuo)

    corrected = await sent(nuonuo)

    assert refused == Refused("E9101", "购方信息不正确")
    assert found == NotFound()
    assert isinstance(corrected, Processing)


async def test_a_failed_order_burns_its_key_and_not_the_next(
    nuonuo: NuonuoIssuer, sandbox: Sandbox, clock: HandClock
) -> None:
    await sent(nuonuo, wanted=bought_by("甲开票失败"))
    clock.move(10)

    failed, again, next_one = await asked(nuonuo), await sent(nuonuo), await sent(nuonuo, OTHER_KEY)
    clock.move(10)

    assert isinstance(failed, Failed)
    assert (failed.code, failed.text) == ("22", "购方税号不存在或已注销")
    assert again == Duplicate()
    assert isinstance(next_one, Processing)
    assert len(sandbox.nuonuo.ledger) == 1


async def test_what_is_not_visible_yet_is_not_found_and_a_resend_is_a_duplicate(
    nuonuo: NuonuoIssuer, sandbox: Sandbox, clock: HandClock
) -> None:
    sandbox.nuonuo.switches.visibility_lag = 60
    await sent(nuonuo)
    clock.move(10)

    hidden, again = await asked(nuonuo), await sent(nuonuo)
    clock.move(60)

    assert (hidden, again) == (NotFound(), Duplicate())
    assert isinstance(await asked(nuonuo), Issued)
    assert len(sandbox.nuonuo.ledger) == 1


# --- the other ends -----------------------------------------------------------------------------------------------


async def test_a_failed_seal_is_an_invoice_that_exists_and_can_be_revived(
    nuonuo: NuonuoIssuer, sandbox: Sandbox, clock: HandClock
) -> None:
    await sent(nuonuo, wanted=bought_by("甲签章失败"))
    clock.move(10)
    unsealed = await asked(nuonuo)
    assert isinstance(unsealed, SealFailed)

    revived = await nuonuo.revive(KEY, unsealed.serial)
    clock.move(10)

    assert unsealed.invoice is not None
    assert isinstance(revived, Processing)
    assert isinstance(await asked(nuonuo), Issued)
    assert len(sandbox.nuonuo.ledger) == 1


async def test_a_seal_that_stays_stuck_is_never_a_refusal(
    nuonuo: NuonuoIssuer, sandbox: Sandbox, clock: HandClock
) -> None:
    await sent(nuonuo, wanted=bought_by("甲签章卡住"))
    clock.move(10)
    unsealed = await asked(nuonuo)
    assert isinstance(unsealed, SealFailed)

    revived = [await nuonuo.revive(KEY, unsealed.serial) for _ in range(3)]

    assert revived == [Unknown("code E9613")] * 3
    assert await asked(nuonuo) == unsealed


async def test_reviving_what_is_issued_already_only_means_ask(nuonuo: NuonuoIssuer, clock: HandClock) -> None:
    await sent(nuonuo)
    running = await nuonuo.revive(KEY, "")
    clock.move(10)
    done = await nuonuo.revive(KEY, "")

    assert isinstance(running, Unknown)
    assert isinstance(done, Unknown)
    assert isinstance(await asked(nuonuo), Issued)


async def test_a_split_order_tells_all_its_numbers(nuonuo: NuonuoIssuer, sandbox: Sandbox, clock: HandClock) -> None:
    await sent(nuonuo, wanted=bought_by("甲拆分"))
    clock.move(10)

    split = await asked(nuonuo)

    assert isinstance(split, Split)
    assert [one.number for one in split.invoices] == [legal.number for legal in sandbox.nuonuo.ledger]


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("甲作废", Voided), ("甲开票卡住", Processing), ("甲超限", NotFound), ("甲先忙后收", NotFound)],
)
async def test_the_rarer_ends(name: str, outcome: type, nuonuo: NuonuoIssuer, clock: HandClock) -> None:
    await sent(nuonuo, wanted=bought_by(name))
    clock.move(10)

    assert isinstance(await asked(nuonuo), outcome)


async def test_an_invoice_without_a_file_is_issued_all_the_same(nuonuo: NuonuoIssuer, clock: HandClock) -> None:
    await sent(nuonuo, wanted=bought_by("甲未出版式"))
    clock.move(10)

    issued = await asked(nuonuo)

    assert isinstance(issued, Issued)
    assert issued.invoice.file_url == ""


@pytest.mark.parametrize(
    ("ours", "wrong"),
    [
        (Expected("", Decimal("4.00"), Colour.BLUE), ("total",)),
        (Expected("91120222079642398Y", Decimal("4.01"), Colour.BLUE), ("buyer_tax_no",)),
        (Expected("", Decimal("4.01"), Colour.RED), ("colour",)),
    ],
)
async def test_an_invoice_found_under_our_key_shows_what_tells_it_from_ours(
    ours: Expected, wrong: tuple[str, ...], nuonuo: NuonuoIssuer, clock: HandClock
) -> None:
    """A duplicate may be another document: its amounts, buyer and colour must come through (F41)."""
    await sent(nuonuo, wanted=bought_by("甲差一分"))
    clock.move(10)

    issued = await asked(nuonuo)

    assert isinstance(issued, Issued)
    assert ours.disagreements(issued.invoice) == wrong


async def test_a_gone_drawer_rests_the_lane_and_refuses_nothing(
    nuonuo: NuonuoIssuer, sandbox: Sandbox, clock: HandClock
) -> None:
    sandbox.nuonuo.switches.logged_out = "refuse"
    sandbox.nuonuo.login = "logged_out"

    outcomes = [await sent(nuonuo) for _ in range(3)]
    sandbox.nuonuo.login = "ok"
    after_login = await sent(nuonuo)

    assert all(isinstance(one, Blocked) and one.verdict.care is Care.PERSON for one in outcomes)
    assert isinstance(after_login, Processing)


# --- asking -------------------------------------------------------------------------------------------------------


async def test_every_key_asked_for_is_in_the_answer_fifty_to_a_call(
    nuonuo: NuonuoIssuer, sandbox: Sandbox, clock: HandClock
) -> None:
    keys = [IssuerKey(f"KEY{number:017d}") for number in range(120)]
    await sent(nuonuo, keys[60])
    clock.move(10)

    found = await nuonuo.ask(keys)

    assert list(found) == keys
    assert {key for key, outcome in found.items() if isinstance(outcome, Issued)} == {keys[60]}
    assert sum(isinstance(outcome, NotFound) for outcome in found.values()) == 119
    # Fifty halved down to one by one, then a list that leaves some out, then a "none" that is believed at once.
    assert len(sandbox.nuonuo.calls.of("queryInvoiceResult")) == 99 + 1 + 1


async def test_no_such_invoice_said_of_several_keys_is_not_believed_of_each(
    nuonuo: NuonuoIssuer, sandbox: Sandbox, clock: HandClock
) -> None:
    """Not said there: whether E9500 means all of them or any. Read as "all", an issued invoice would be sent again."""
    sandbox.nuonuo.switches.not_found = "any"
    keys = [IssuerKey(f"KEY{number:017d}") for number in range(8)]
    for key in keys[:3]:
        await sent(nuonuo, key)
    clock.move(10)

    found = await nuonuo.ask(keys)

    assert [isinstance(outcome, Issued) for outcome in found.values()] == [True] * 3 + [False] * 5
    assert all(isinstance(found[key], NotFound) for key in keys[3:])


async def test_asking_for_nothing_calls_nobody(nuonuo: NuonuoIssuer, sandbox: Sandbox) -> None:
    assert await nuonuo.ask([]) == {}
    assert len(sandbox.nuonuo.calls) == 0


# --- the account --------------------------------------------------------------------------------------------------


async def test_a_sound_account_answers_the_probe(nuonuo: NuonuoIssuer) -> None:
    assert await nuonuo.probe() is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"app_secret": "wrong"}, "070101"),
        ({"app_key": "nobody"}, "070101"),
        ({"tax_no": "91120222079642398Y"}, "E9301"),
        ({"token": StaticToken("wrong")}, "token_refused"),
    ],
)
async def test_a_wrong_setting_is_what_the_probe_finds(
    changes: dict[str, Any], code: str, sandbox: Sandbox, clock: HandClock, http: Http
) -> None:
    verdict = await issuer(sandbox.nuonuo_url, clock, http, **changes).probe()

    assert verdict is not None
    assert (verdict.care, verdict.code) == (Care.SETTINGS, code)


@pytest.mark.parametrize(
    "changes",
    [
        {"app_key": "a\r\nX-Evil: 1"},
        {"app_key": ""},
        {"tax_no": "3399\n"},
        {"tax_no": "税号"},
    ],
)
def test_what_cannot_go_into_a_request_is_refused_at_the_start(
    changes: dict[str, Any], clock: HandClock, http: Http
) -> None:
    with pytest.raises(ValueError):
        issuer("https://sdk.example/open/v1/services", clock, http, **changes)


def test_an_address_that_cannot_be_signed_is_refused_at_the_start(clock: HandClock, http: Http) -> None:
    with pytest.raises(ValueError, match="three path segments"):
        issuer("https://sdk.example/open/v1", clock, http)


def test_another_sellers_order_is_not_rendered_for_this_account(nuonuo: NuonuoIssuer) -> None:
    with pytest.raises(Unfit) as caught:
        nuonuo.render(request(seller=Party(tax_no="91120222079642398Y")), KEY)

    assert caught.value.code == "seller_differs"


def test_a_cut_text_is_logged_without_its_words(clock: HandClock, http: Http) -> None:
    cutting = issuer("https://sdk.example/open/v1/services", clock, http, options=NuonuoOptions(cut_remark=True))

    with capture_logs() as logs:
        cutting.render(request(), KEY)
        cutting.render(request(remark="备" * 201), KEY)

    assert [(one["event"], one["order_no"]) for one in logs] == [("issue.text_cut", "FP202611200001")]
    assert "备" not in str(logs)


# --- the token ----------------------------------------------------------------------------------------------------


async def test_a_token_that_dies_in_a_batch_is_renewed_once_for_all(
    sandbox: Sandbox, clock: HandClock, http: Http
) -> None:
    """Ten submissions under one dead token: one renewal, every key submitted once (F55)."""
    source = fetched_token(sandbox.token_url, Shelf(), http, clock)
    nuonuo = issuer(sandbox.nuonuo_url, clock, http, token=source)
    sandbox.nuonuo.apps["demo_key"].tokens.pop(await source.current())
    clock.move(600)
    keys = [IssuerKey(f"KEY{number:017d}") for number in range(10)]

    outcomes = await asyncio.gather(*(sent(nuonuo, key) for key in keys))
    clock.move(10)

    assert all(isinstance(outcome, Processing) for outcome in outcomes)
    assert sandbox.nuonuo.token_calls == 2
    assert len(sandbox.nuonuo.ledger) == 10


async def test_a_used_up_token_allowance_blocks_and_sends_nothing(
    sandbox: Sandbox, clock: HandClock, http: Http
) -> None:
    sandbox.nuonuo.apps["demo_key"].calls.extend([clock.unix()] * 50)
    nuonuo = issuer(sandbox.nuonuo_url, clock, http, token=fetched_token(sandbox.token_url, Shelf(), http, clock))

    outcome = await sent(nuonuo)

    assert isinstance(outcome, Blocked)
    assert (outcome.verdict.care, outcome.verdict.code) == (Care.PERSON, "070306")
    assert sandbox.nuonuo.calls.of("requestBillingNew") == []


async def test_nothing_that_can_be_printed_shows_token_or_secret(
    sandbox: Sandbox, clock: HandClock, http: Http, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    nuonuo = issuer(sandbox.nuonuo_url, clock, http)
    wrong = issuer(sandbox.nuonuo_url, clock, http, app_secret="canary_secret", token=StaticToken("canary_token"))

    with capture_logs() as logs:
        printed = [repr(nuonuo), repr(await sent(nuonuo)), repr(wrong), repr(await sent(wrong))]
        sandbox.nuonuo.faults.force("*", "lost_after", times=2)
        printed += [repr(await asked(nuonuo)), repr(await wrong.probe())]
        sandbox.nuonuo.faults.force("*", "E9999")
        printed += [repr(await sent(nuonuo))]

    everything = "\n".join([*printed, str(logs), caplog.text])
    for secret in (TOKEN, "demo_secret", "canary_secret", "canary_token", "senid", "X-Nuonuo-Sign"):
        assert secret not in everything
