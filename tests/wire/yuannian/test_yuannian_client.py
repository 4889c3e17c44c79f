"""The seven interfaces against the simulated platform, and what its answers are raised as."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hands import HandClock
from wire_server import RawServer, reply, reset
from yuannian_parts import VECTORS, at_sandbox, golden, made, ref, said

from syncd.domain.jssdk import signature
from syncd.domain.trouble import Care, InDoubt, Paced, Permanent, Transient, Trouble
from syncd.domain.wallet import AlreadyImported, CardRef, CardSearch, Reimburse
from syncd.sandbox import Sandbox
from syncd.sandbox.yuannian import YuannianWorld
from syncd.wire.http import Http
from syncd.wire.yuannian.client import YuannianWallet
from syncd.wire.yuannian.errors import ErrorRules

NUMBER = "2633200000000000000{}"
CARDS = [CardRef("c1", "code1")]

# -- the seven interfaces ----------------------------------------------------------------------------------------------


async def test_cards_are_imported_with_their_state_of_this_moment(wallet: YuannianWallet, world: YuannianWorld) -> None:
    cards = [world.put_card(NUMBER.format(at), openid="o1") for at in range(2)]
    world.set_status(cards[1].card_id, "LOCK", by="employer")

    found = await wallet.import_cards([ref(card) for card in cards], "BX1")

    assert [card.number for card in found] == [card.number for card in cards]
    assert [card.status for card in found] == [Reimburse.INIT, Reimburse.LOCK]
    assert {card.openid for card in found} == {"o1"}
    assert [one.biz_code for one in world.imports] == ["BX1", "BX1"]


@pytest.mark.parametrize("unknown", ["item", "missing"])
async def test_a_card_that_is_not_in_the_answer_was_not_imported(
    wallet: YuannianWallet, world: YuannianWorld, unknown: Any
) -> None:
    world.switches.unknown_card = unknown
    card = world.put_card(NUMBER.format(1))

    found = await wallet.import_cards([CardRef(card.card_id, "wrong"), ref(world.put_card(NUMBER.format(2)))])

    assert [one.number for one in found] == [NUMBER.format(2)]


async def test_a_status_is_changed_for_all_cards_or_for_none(wallet: YuannianWallet, world: YuannianWorld) -> None:
    """Whatever `data` the platform sends with it: missing, null, an object, a text."""
    cards = [world.put_card(NUMBER.format(at), openid="o1") for at in range(2)]
    stranger = world.put_card(NUMBER.format(7), openid="o2")
    for empty in ("missing", "null", "object", "string"):
        world.switches.empty_data = empty  # type: ignore[assignment]
        await wallet.set_status("o1", Reimburse.LOCK, [ref(card) for card in cards])
        await wallet.set_status("o1", Reimburse.INIT, [ref(card) for card in cards])

    with pytest.raises(Permanent) as refused:
        await wallet.set_status("o1", Reimburse.LOCK, [ref(cards[0]), ref(stranger)])

    assert refused.value.verdict.code == "72037"
    assert {card.status for card in (*cards, stranger)} == {"INVOICE_REIMBURSE_INIT"}


async def test_through_ones_own_official_account_cards_belong_to_it(
    wallet: YuannianWallet, world: YuannianWorld
) -> None:
    """2.6 and 2.7: the same holder has another openid for each account."""
    world.add_access_token("demo_access", "shop")
    card = world.put_card(NUMBER.format(1), openid="o1")

    (shown,) = await wallet.import_cards([ref(card)], access_token="demo_access")
    await wallet.set_status(shown.openid, Reimburse.LOCK, [ref(card)], access_token="demo_access")

    assert shown.openid == card.openid("shop") != "o1"
    assert (card.status, card.locked_by) == ("INVOICE_REIMBURSE_LOCK", "shop")
    with pytest.raises(Permanent):
        await wallet.set_status("o1", Reimburse.INIT, [ref(card)])


@pytest.mark.parametrize("kind", ["png", "jpeg"])
@pytest.mark.parametrize("plus", ["encoded", "literal"])
async def test_a_qr_code_comes_as_a_picture(wallet: YuannianWallet, world: YuannianWorld, kind: Any, plus: Any) -> None:
    world.switches.qr_image, world.switches.qr_plus = kind, plus

    found = await wallet.qrcode(100, 120, "BX1")

    assert found.content == "BX1"
    assert found.image.startswith(b"\x89PNG" if kind == "png" else b"\xff\xd8")
    assert (await wallet.qrcode(100, 100)).content != ""


@pytest.mark.parametrize("kind", ["html", "broken", "null"])
async def test_what_is_no_picture_is_refused_for_good(wallet: YuannianWallet, world: YuannianWorld, kind: Any) -> None:
    world.switches.qr_image = kind

    with pytest.raises(Permanent) as refused:
        await wallet.qrcode(100, 100)

    assert refused.value.verdict.code.startswith("image.")


async def test_the_path_of_the_qr_interface_is_a_setting(
    sandbox: Sandbox, http: Http, hand: HandClock, world: YuannianWorld
) -> None:
    """Printed `grcode`, very likely `qrcode`."""
    world.switches.qr_path = "grcode"

    with pytest.raises(Permanent) as refused:
        await at_sandbox(sandbox, http, hand).qrcode(100, 100)
    printed = at_sandbox(sandbox, http, hand, qrcode_path="/openapi/invoice/wechat/grcode")

    assert refused.value.verdict.care is Care.SETTINGS
    assert (await printed.qrcode(100, 100)).image


async def test_the_search_counts_imports_and_shows_a_card_as_often(
    wallet: YuannianWallet, world: YuannianWorld
) -> None:
    card = world.put_card(NUMBER.format(1))
    for _ in range(3):
        await wallet.import_cards([ref(card)], "BX1")

    page = await wallet.search(CardSearch(number=card.number, size=2))
    last = await wallet.search(CardSearch(number=card.number, size=2, page=2))
    beyond = await wallet.search(CardSearch(number=card.number, size=2, page=3))

    assert (page.count, page.total_pages, len(page.cards), len(last.cards), len(beyond.cards)) == (3, 2, 2, 1, 0)
    assert {one.card_id for one in (*page.cards, *last.cards)} == {card.card_id}


@pytest.mark.parametrize("vector", [one for one in VECTORS if one["kind"] == "wechat_jsapi_sign"])
async def test_the_platform_signs_a_page_as_we_do(wallet: YuannianWallet, vector: Any) -> None:
    """2.5, with WeChat's published example; computed here it is the same, and nobody sees the ticket."""
    given = vector["inputs"]
    asked = (given["noncestr"], given["jsapi_ticket"], int(given["timestamp"]), given["url"])

    assert await wallet.jssdk_sign(*asked) == vector["expected"]["sign"]
    assert signature(given["jsapi_ticket"], asked[0], asked[2], asked[3]) == vector["expected"]["sign"]


# -- the requests as they arrive ---------------------------------------------------------------------------------------


async def test_page_and_size_are_texts_in_the_header(raw_server: RawServer, http: Http, hand: HandClock) -> None:
    raw_server.answer(reply(golden("search-reply")))

    await made(f"http://127.0.0.1:{raw_server.port}", http, hand).search(CardSearch(page=2, size=10, number="1"))

    arrived = said(raw_server.arrived[0].body)
    assert raw_server.arrived[0].head.startswith("POST /openapi/invoice/wechat/search HTTP/1.1")
    assert (arrived["header"]["page"], arrived["header"]["size"]) == ("2", "10")
    assert arrived["body"] == {"invoiceNumber": "1"}


async def test_each_attempt_is_stamped_in_beijing_time_and_signed_anew(
    raw_server: RawServer, http: Http, hand: HandClock
) -> None:
    raw_server.answer(reply({"code": 1000, "message": "success"}))
    wallet = made(f"http://127.0.0.1:{raw_server.port}", http, hand)

    await wallet.search(CardSearch())
    hand.move(61)
    await wallet.search(CardSearch())

    first, second = (said(arrived.body)["header"] for arrived in raw_server.arrived)
    assert (first["timestamp"], second["timestamp"]) == ("2026-11-20T12:00:00", "2026-11-20T12:01:01")
    assert first["sign"] != second["sign"]


# -- answers -----------------------------------------------------------------------------------------------------------

Act = Callable[[YuannianWallet], Awaitable[object]]


async def read(wallet: YuannianWallet) -> object:
    return await wallet.search(CardSearch())


async def change(wallet: YuannianWallet) -> object:
    return await wallet.set_status("o1", Reimburse.LOCK, CARDS)


async def bring(wallet: YuannianWallet) -> object:
    return await wallet.import_cards(CARDS)


ANSWERS: list[tuple[bytes, type[Trouble], type[Trouble], Care]] = [
    (reply({"code": 2001, "message": "72036: 发票正在被修改"}), Transient, Transient, Care.RETRY_SOON),
    (reply({"code": "72036", "message": ""}), Transient, Transient, Care.RETRY_SOON),
    (reply({"code": 9999, "message": "系统繁忙"}), Transient, Transient, Care.RETRY_SOON),
    (reply({"code": 2001, "message": "72024: 发票状态错误"}), Permanent, Permanent, Care.REFUSED),
    (reply({"code": 2001, "message": "72023: x"}), Permanent, Permanent, Care.DATA),
    (reply({"code": 1003, "message": "签名验证失败"}), Permanent, Permanent, Care.SETTINGS),
    (reply({"code": 1002, "message": "token无效或已过期"}), Permanent, Permanent, Care.SETTINGS),
    (reply({"code": 1004, "message": "appId不存在"}), Permanent, Permanent, Care.SETTINGS),
    (reply({"code": 1001, "message": "参数[timestamp]不正确：已过期"}), Permanent, Permanent, Care.CLOCK),
    (reply({"code": 1001, "message": "参数[cardId]不能为空"}), Permanent, Permanent, Care.REFUSED),
    (reply({"code": 4001, "message": "请求过于频繁"}), Transient, Transient, Care.REST_LANE),
    (reply({"code": 77, "message": "从来没有人说过"}), Transient, Permanent, Care.UNCLASSIFIED),
    (reply({"code": "0", "message": "success"}), Transient, Permanent, Care.UNCLASSIFIED),
    (reply("", 401), Permanent, Permanent, Care.SETTINGS),
    (reply("", 403), Permanent, Permanent, Care.SETTINGS),
    (reply("", 404), Permanent, Permanent, Care.SETTINGS),
    (reply("", 429), Transient, Transient, Care.REST_LANE),
]
DOUBTFUL = [
    reply("", 500),
    reply("<html>login</html>"),
    reply('{"code":1000,"code":2001}'),
    reply('{"code":true}'),
    reply("[]"),
    reply("{}"),
    reply('{"code":1000'),
    reply("", 302, {"Location": "https://elsewhere.example.test/"}),
]


@pytest.mark.parametrize(("answer", "reading", "changing", "care"), ANSWERS, ids=lambda one: str(one)[-60:])
async def test_an_answer_means_the_same_to_every_call_but_for_what_nobody_has_classified(
    raw_server: RawServer,
    http: Http,
    hand: HandClock,
    answer: bytes,
    reading: type[Trouble],
    changing: type[Trouble],
    care: Care,
) -> None:
    """What nobody has classified is tried again where it only reads, and stops where it changes a customer's card."""
    raw_server.answer(answer)
    wallet = made(f"http://127.0.0.1:{raw_server.port}", http, hand)

    for act, kind in ((read, reading), (bring, reading), (change, changing)):
        hand.move(120)  # past whatever rest the answer before began
        with pytest.raises(kind) as met:
            await act(wallet)
        assert met.value.verdict.care is care
        assert met.value.verdict.platform == "yuannian"


@pytest.mark.parametrize("answer", DOUBTFUL, ids=lambda one: str(one)[-40:])
async def test_an_unreadable_answer_leaves_a_change_in_doubt_and_a_read_undone(
    raw_server: RawServer, http: Http, hand: HandClock, answer: bytes
) -> None:
    """Also a redirect, which is not followed."""
    raw_server.answer(answer)
    wallet = made(f"http://127.0.0.1:{raw_server.port}", http, hand)

    with pytest.raises(Transient):
        await read(wallet)
    with pytest.raises(Transient):
        await bring(wallet)
    with pytest.raises(InDoubt):
        await change(wallet)
    assert len(raw_server.arrived) == 3


async def test_a_cut_connection_leaves_a_change_in_doubt(raw_server: RawServer, http: Http, hand: HandClock) -> None:
    raw_server.answer(reset)
    wallet = made(f"http://127.0.0.1:{raw_server.port}", http, hand)

    with pytest.raises(InDoubt):
        await change(wallet)
    with pytest.raises(Transient):
        await read(wallet)


async def test_nobody_there_is_certainly_nothing_done(http: Http, hand: HandClock) -> None:
    with pytest.raises(Transient) as met:
        await change(made("http://127.0.0.1:1", http, hand))

    assert met.value.verdict.code == "not_sent.refused"


async def test_a_code_may_come_as_a_text(wallet: YuannianWallet, world: YuannianWorld) -> None:
    world.switches.code_as = "string"
    card = world.put_card(NUMBER.format(1))

    (found,) = await wallet.import_cards([ref(card)])

    assert found.number == card.number


async def test_codes_nobody_has_documented_are_settings(raw_server: RawServer, http: Http, hand: HandClock) -> None:
    raw_server.answer(
        *(reply({"code": code, "message": "?"}) for code in (3, 4, 5)), reply({"code": 1000, "message": "success"})
    )
    rules = ErrorRules(frozenset({"3"}), frozenset({"4"}), frozenset({"5"}))
    wallet = made(f"http://127.0.0.1:{raw_server.port}", http, hand, errors=rules)

    with pytest.raises(Transient):
        await change(wallet)
    with pytest.raises(Permanent) as account:
        await change(wallet)
    with pytest.raises(Permanent) as refused:
        await change(wallet)

    assert account.value.verdict.care is Care.SETTINGS
    assert refused.value.verdict.care is Care.REFUSED


async def test_after_a_rate_answer_the_account_rests(raw_server: RawServer, http: Http, hand: HandClock) -> None:
    raw_server.answer(reply({"code": 4001, "message": "请求过于频繁"}))
    wallet = made(f"http://127.0.0.1:{raw_server.port}", http, hand)

    with pytest.raises(Transient):
        await read(wallet)
    with pytest.raises(Paced):
        await read(wallet)

    assert len(raw_server.arrived) == 1


# -- imported before ---------------------------------------------------------------------------------------------------


async def test_a_card_that_was_imported_before_is_found_by_its_document(
    wallet: YuannianWallet, world: YuannianWorld
) -> None:
    world.switches.reimport = "refuse"
    card, other = world.put_card(NUMBER.format(1)), world.put_card(NUMBER.format(2))
    await wallet.import_cards([ref(card)], "BX1")
    await wallet.import_cards([ref(other)], "BX1")

    (found,) = await wallet.import_cards([ref(card)], "BX1")

    assert found.number == card.number
    with pytest.raises(AlreadyImported):
        await wallet.import_cards([ref(card)])


async def test_cards_nobody_asked_for_are_left_out(raw_server: RawServer, http: Http, hand: HandClock) -> None:
    raw_server.answer(reply(golden("import-reply")))
    wallet = made(f"http://127.0.0.1:{raw_server.port}", http, hand)

    assert await wallet.import_cards(CARDS) == ()


@pytest.mark.parametrize("many", [0, 101])
async def test_no_call_is_made_for_no_card_or_too_many(http: Http, hand: HandClock, many: int) -> None:
    wallet = made("http://127.0.0.1:1", http, hand)
    cards = [CardRef(f"c{at}", "x") for at in range(many)]

    with pytest.raises(ValueError, match="cards to a call"):
        await wallet.import_cards(cards)
    with pytest.raises(ValueError, match="cards to a call"):
        await wallet.set_status("o1", Reimburse.LOCK, cards)


# -- looking without touching ------------------------------------------------------------------------------------------


async def test_the_probe_says_what_is_wrong(sandbox: Sandbox, http: Http, hand: HandClock) -> None:
    right = at_sandbox(sandbox, http, hand)
    wrong_token = at_sandbox(sandbox, http, hand, token="other")

    assert await right.probe() is None
    refused = await wrong_token.probe()
    assert refused is not None
    assert (refused.care, refused.code) == (Care.SETTINGS, "token_refused")
    sandbox.yuannian.switches.down = "502"
    down = await right.probe()
    assert down is not None
    assert down.care is Care.RETRY_SOON
