"""What the seven interfaces of the simulated Yuannian do (docs/wire/yuannian.md)."""

import base64
import json
import zlib
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote

import pytest
from sandbox_callers import NOON
from yuannian_caller import BEIJING, IMPORT, IMPORT_H5, QRCODE, SEARCH, SIGN, STATUS_H5, Yuannian, names

GOLDEN = Path(__file__).parents[1] / "golden" / "yuannian"
NUMBER = "2633200000000000000{}"
TICKET = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
NOVEMBER_9 = datetime(2018, 11, 9, 10, tzinfo=BEIJING).timestamp()


@pytest.fixture
def yuannian(http, sandbox, clock):
    return Yuannian(http, sandbox, clock)


@pytest.fixture
def wallet(sandbox):
    return sandbox.yuannian


@pytest.fixture
def cards(wallet):
    """Three cards of one holder."""
    return [wallet.put_card(NUMBER.format(at), openid="o1") for at in range(3)]


def short(card):
    return card.status.rpartition("_")[2]


# --- import ---


async def test_an_import_answers_with_the_fields_of_the_printed_sample(yuannian, wallet):
    """The sample has neither bizCode nor encryptCode, although the table lists them."""
    card = wallet.put_card("14869350", "012001800211", gross="50.85", net="43.84", billed_at=NOVEMBER_9)
    (row,) = await yuannian.import_(card, bizCode="BX1")

    sample = json.loads((GOLDEN / "import-reply.json").read_bytes())["data"][0]
    assert list(row) == list(sample)
    same = ("invoiceCode", "invoiceNumber", "amountTax", "totalAmount", "totalTax", "beginTime", "endTime",
            "billingDate", "tripPdfUrl", "remarks")  # fmt: skip
    assert {name: row[name] for name in same} == {name: sample[name] for name in same}
    assert list(row["invoiceLineList"][0]) == list(sample["invoiceLineList"][0])


async def test_a_card_nobody_knows_is_an_error_item_or_missing_or_refuses_all(yuannian, wallet, cards):
    """A card is known by both its id and its code."""
    body = {"invoiceList": [*names(cards[0]), {"cardId": cards[1].card_id, "encryptCode": "wrong"}]}
    item = (await yuannian.call(IMPORT, body))["data"]
    wallet.switches.unknown_card = "missing"
    missing = (await yuannian.call(IMPORT, body))["data"]
    wallet.switches.unknown_card = "refuse"
    refused = await yuannian.call(IMPORT, body)

    assert [row.get("invoiceNumber") for row in item] == [cards[0].number, None]
    assert item[1] == {"cardId": cards[1].card_id, "errcode": 72031, "errmsg": "参数错误"}
    assert [row["cardId"] for row in missing] == [cards[0].card_id]
    assert (refused["code"], refused["message"][:5]) == (2001, "72031")
    assert len(wallet.imports) == 2


async def test_an_import_can_be_partial(yuannian, wallet, cards):
    wallet.switches.import_at_most = 2

    assert [row["cardId"] for row in await yuannian.import_(*cards)] == [card.card_id for card in cards[:2]]
    assert len(wallet.imports) == 2


async def test_a_second_import_counts_again(yuannian, wallet, cards):
    await yuannian.import_(cards[0], bizCode="BX1")
    await yuannian.import_(cards[0], bizCode="BX1")
    await yuannian.import_(cards[1], bizCode="BX2")

    found = await yuannian.search(bizCode="BX1")
    assert (found["invoiceCount"], len(found["invoiceList"])) == ("2", 2)
    assert len({row["cardId"] for row in found["invoiceList"]}) == 1
    wallet.switches.reimport = "refuse"
    assert "已导入" in (await yuannian.import_(cards[0]))["message"]


async def test_an_import_may_lock_and_may_carry_what_the_tables_say(yuannian, wallet, cards):
    (plain,) = await yuannian.import_(cards[0])
    wallet.switches.import_locks = wallet.switches.give_encrypt_code = True
    (locked,) = await yuannian.import_(cards[0], bizCode="BX1")

    assert (plain["reimburseStatus"], "encryptCode" in plain) == ("INVOICE_REIMBURSE_INIT", False)
    assert locked["reimburseStatus"] == "INVOICE_REIMBURSE_LOCK"
    assert (locked["bizCode"], locked["encryptCode"]) == ("BX1", cards[0].encrypt_code)
    assert cards[0].locked_by == "yuannian"


@pytest.mark.parametrize(
    "body",
    [{}, {"invoiceList": []}, {"invoiceList": {}}, {"invoiceList": ["x"]}, {"invoiceList": [{"cardId": "x"}]},
     {"invoiceList": [{"cardId": "x", "encryptCode": 1}]}, {"invoiceList": [{"cardId": "x", "encryptCode": "y"}] * 101},
     {"invoiceList": [{"cardId": "x", "encryptCode": "y"}], "bizCode": 7}],
)  # fmt: skip
async def test_a_malformed_list_of_cards_is_refused(yuannian, body):
    assert (await yuannian.call(IMPORT, body))["code"] == 1001


# --- status ---


async def test_cards_are_locked_unlocked_and_closed_and_every_change_is_written_down(yuannian, wallet, cards):
    for status in ("LOCK", "LOCK", "INIT", "LOCK", "CLOSURE"):
        assert (await yuannian.update("o1", status, *cards))["code"] == 1000

    steps = [(change.after.rpartition("_")[2], change.by) for change in wallet.changes_of(cards[0].card_id)]
    assert steps == [(status, "yuannian") for status in ("LOCK", "INIT", "LOCK", "CLOSURE")]
    assert {short(card) for card in cards} == {"CLOSURE"}


async def test_one_card_of_somebody_else_refuses_the_whole_batch(yuannian, wallet, cards):
    """72037: nothing changes, not even the holder's own cards."""
    foreign = wallet.put_card(NUMBER.format(9), openid="o2")
    told = await yuannian.update("o1", "LOCK", *cards, foreign)

    assert told["code"] == 2001
    assert told["message"].startswith("72037")
    assert "data" not in told
    assert wallet.changes == []


@pytest.mark.parametrize(
    ("status", "wanted", "errcode"),
    [
        ("INIT", "CLOSURE", 72039),
        ("INIT", "CANCEL", 72024),
        ("CLOSURE", "INIT", 72024),
        ("CLOSURE", "LOCK", 72024),
        ("CLOSURE", "CANCEL", 72024),
        ("CANCEL", "LOCK", 72024),
        ("CANCEL", "CANCEL", 72024),
        ("LOCK", "LOCK", 72023),
        ("LOCK", "INIT", 72023),
        ("INIT", "NONE", 72031),
    ],
)
async def test_what_is_not_allowed_is_refused_for_all_cards(yuannian, wallet, cards, status, wanted, errcode):
    """A lock here is another account's."""
    last = wallet.put_card(NUMBER.format(9), openid="o1", status=status)
    told = await yuannian.update("o1", wanted, *cards, last)

    allowed_for_the_others = wanted in ("INIT", "LOCK")
    assert (told["code"], told["message"][:5]) == (2001, str(errcode))
    assert {short(card) for card in cards} == {"INIT"}
    assert allowed_for_the_others == ((await yuannian.update("o1", wanted, *cards))["code"] == 1000)


async def test_a_card_another_account_locked_cannot_be_closed_either(yuannian, wallet, cards):
    await yuannian.update("o1", "LOCK", *cards)
    last = wallet.put_card(NUMBER.format(9), openid="o1", status="LOCK")

    assert (await yuannian.update("o1", "CLOSURE", *cards, last))["message"].startswith("72023")
    assert {short(card) for card in cards} == {"LOCK"}


async def test_wechats_code_can_be_the_code_itself(yuannian, wallet, cards):
    wallet.switches.wechat_code = "code"

    assert (await yuannian.update("o1", "CLOSURE", *cards))["code"] == 72039


@pytest.mark.parametrize("status", ["INIT", "LOCK"])
async def test_cancel_is_accepted_only_when_configured(yuannian, wallet, status):
    card = wallet.put_card(NUMBER.format(1), openid="o1", status=status, locked_by="yuannian")
    refused = await yuannian.update("o1", "CANCEL", card)
    wallet.switches.allow_cancel = True
    taken = await yuannian.update("o1", "CANCEL", card)

    assert (refused["message"][:5], taken["code"], short(card)) == ("72024", 1000, "CANCEL")
    assert (await yuannian.update("o1", "INIT", card))["message"].startswith("72024")


async def test_locking_twice_may_be_refused(yuannian, wallet, cards):
    wallet.switches.relock = "refuse"
    await yuannian.update("o1", "LOCK", cards[0])

    assert (await yuannian.update("o1", "LOCK", cards[0]))["message"].startswith("72024")


async def test_a_card_that_is_being_modified_is_refused_once(yuannian, wallet, cards):
    wallet.switches.busy_first = True
    busy = await yuannian.update("o1", "LOCK", *cards)
    taken = await yuannian.update("o1", "LOCK", *cards)
    wallet.faults.force("status.update", "busy_72036")
    forced = await yuannian.update("o1", "INIT", *cards)

    assert [told["message"][:5] for told in (busy, taken, forced)] == ["72036", "succe", "72036"]
    assert short(cards[0]) == "LOCK"


async def test_data_of_a_status_update_is_missing_null_or_empty(yuannian, wallet, cards):
    seen = set()
    for _ in range(40):
        told = await yuannian.update("o1", "LOCK", cards[0])
        seen.add(repr(told.get("data", "missing")))

    assert seen == {"'missing'", "None", "{}"}


@pytest.mark.parametrize(("how", "data"), [("missing", ...), ("null", None), ("object", {}), ("string", "")])
async def test_one_spelling_of_no_data_can_be_chosen(yuannian, wallet, cards, how, data):
    wallet.switches.empty_data = how

    assert (await yuannian.update("o1", "LOCK", cards[0])).get("data", ...) == data


# --- the interfaces for pages inside WeChat ---


async def test_an_access_token_stands_for_its_own_official_account(yuannian, wallet):
    """The holder has another openid there, so cards imported by 2.6 cannot be changed by 2.2."""
    wallet.add_access_token("at-shop", "shop")
    wallet.add_access_token("at-other", "other")
    card = wallet.put_card(NUMBER.format(1), openid="o-shop", account="shop")
    (row,) = await yuannian.import_(card, path=IMPORT_H5, accessToken="at-shop")
    by_platform = await yuannian.update(row["openid"], "LOCK", card)
    by_other = await yuannian.update(row["openid"], "LOCK", card, path=STATUS_H5, accessToken="at-other")
    by_shop = await yuannian.update(row["openid"], "LOCK", card, path=STATUS_H5, accessToken="at-shop")

    assert row["openid"] == "o-shop" != card.openid("yuannian")
    assert [told["message"][:5] for told in (by_platform, by_other)] == ["72037", "72037"]
    assert (by_shop["code"], card.locked_by) == (1000, "shop")


async def test_a_lock_of_one_account_is_closed_to_another(yuannian, wallet):
    wallet.add_access_token("at-shop", "shop")
    card = wallet.put_card(NUMBER.format(1), openid="o1")
    await yuannian.update(card.openid("shop"), "LOCK", card, path=STATUS_H5, accessToken="at-shop")

    assert (await yuannian.update("o1", "INIT", card))["message"].startswith("72023")


async def test_without_an_access_token_the_platforms_account_acts_and_a_bad_one_is_refused(yuannian, wallet, cards):
    (row,) = await yuannian.import_(cards[0], path=IMPORT_H5)
    bad = await yuannian.import_(cards[0], path=IMPORT_H5, accessToken="gone")

    assert row["openid"] == "o1"
    assert bad["message"].startswith("40001")
    assert (await yuannian.update("o1", "LOCK", cards[0], path=STATUS_H5))["code"] == 1000


# --- search ---


async def test_page_and_size_are_texts_in_the_header(yuannian, wallet, cards):
    await yuannian.import_(*cards)
    good = await yuannian.call(SEARCH, {"page": "9", "size": "1"}, page="2", size="2")
    numbers = await yuannian.call(SEARCH, {}, page=2, size=2)
    in_body = await yuannian.call(SEARCH, {"page": "1", "size": "2"})

    data = good["data"]
    assert (data["page"], data["size"], data["totalPage"], data["invoiceCount"]) == ("2", "2", "2", "3")
    assert [row["cardId"] for row in data["invoiceList"]] == [cards[2].card_id]
    assert (numbers["code"], in_body["code"]) == (1001, 1001)


@pytest.mark.parametrize("paging", [("0", "10"), ("1", "0"), ("1", "101"), ("x", "10"), ("-1", "10"), ("1", "")])
async def test_wrong_paging_is_refused(yuannian, paging):
    assert (await yuannian.search(*paging))["code"] == 1001


async def test_pages_may_begin_at_zero_and_repeat_beyond_the_last(yuannian, wallet, cards):
    await yuannian.import_(*cards)
    empty = await yuannian.search("3", "2")
    wallet.switches.first_page, wallet.switches.beyond = 0, "repeat"
    first, last, beyond = [(await yuannian.search(page, "2"))["invoiceList"] for page in ("0", "1", "7")]

    assert empty["invoiceList"] == []
    assert [len(first), len(last)] == [2, 1]
    assert [row["cardId"] for row in beyond] == [row["cardId"] for row in last]


async def test_every_filter_narrows_the_search(yuannian, wallet, clock):
    old = wallet.put_card("11067360", "012001800211", seller_tax_no="91120222079642398Y")
    new = wallet.put_card(NUMBER.format(1), buyer_tax_no="91310115MA1K39423D")
    await yuannian.import_(old, bizCode="BX1")
    clock.pass_by(3600)
    await yuannian.import_(new, bizCode="BX2")

    async def numbers(**body):
        return [row["invoiceNumber"] for row in (await yuannian.search(**body))["invoiceList"]]

    assert await numbers() == [old.number, new.number]
    for body in (
        {"bizCode": "BX1"}, {"invoiceCode": "012001800211"}, {"invoiceNumber": "11067360"},
        {"endDate": "2026-11-20 10:59:59"}, {"taxNos": [{"taxNo": "91120222079642398Y"}]},
    ):  # fmt: skip
        assert await numbers(**body) == [old.number], body
    assert await numbers(startDate="2026-11-20 11:00:00") == [new.number]
    assert await numbers(taxNos=[{"taxNo": "91310115MA1K39423D"}, {}]) == [new.number]
    assert await numbers(taxNos=[], invoiceNumber="") == [old.number, new.number]
    for wrong in ({"startDate": "2026-11-20"}, {"taxNos": ["x"]}, {"bizCode": 1}):
        assert (await yuannian.search(**wrong))["code"] == 1001


async def test_an_update_moves_a_card_in_time(yuannian, wallet, cards, clock):
    await yuannian.import_(*cards)
    clock.pass_by(3600)
    await yuannian.update("o1", "LOCK", cards[1])

    found = await yuannian.search(startDate="2026-11-20 11:00:00")
    assert [row["cardId"] for row in found["invoiceList"]] == [cards[1].card_id]


async def test_an_application_sees_its_own_imports(yuannian, wallet, cards):
    await yuannian.import_(*cards)
    yuannian.header |= {"appId": "100009", "token": wallet.add_app("100009", "demo_secret").grant(wallet.rng)}

    assert (await yuannian.search())["invoiceCount"] == "0"


async def test_search_shows_an_old_status_and_an_import_the_true_one(yuannian, wallet, cards):
    await yuannian.import_(cards[0])
    wallet.set_status(cards[0].card_id, "LOCK")
    (stale,) = (await yuannian.search())["invoiceList"]
    wallet.switches.search_status = "live"
    (live,) = (await yuannian.search())["invoiceList"]
    wallet.switches.search_status = "stale"
    (fresh,) = await yuannian.import_(cards[0])
    seen = {row["reimburseStatus"] for row in (await yuannian.search())["invoiceList"]}

    assert (stale["reimburseStatus"], live["reimburseStatus"]) == ("INVOICE_REIMBURSE_INIT", "INVOICE_REIMBURSE_LOCK")
    assert fresh["reimburseStatus"] == "INVOICE_REIMBURSE_LOCK"
    assert seen == {"INVOICE_REIMBURSE_LOCK"}


async def test_rows_have_the_defects_of_the_printed_sample(yuannian, wallet):
    """Seconds read as milliseconds, epoch 0 without a time, no quantity, the line amount as price."""
    for at in range(3):
        card = wallet.put_card(NUMBER.format(at), billed_at=NOVEMBER_9, gross="50.85", net="43.84")
        await yuannian.import_(card, bizCode="BX1")
    rows = (await yuannian.search())["invoiceList"]

    sample = json.loads((GOLDEN / "search-reply.json").read_bytes())["data"]["invoiceList"][0]
    assert list(rows[0]) == list(sample)
    assert [row["billingDate"] for row in rows] == ["1970-01-19", "1970-01-19", "2018-11-09"]
    for row in rows:
        lines = row["invoiceLineList"]
        assert (row["beginTime"], row["endTime"]) == ("1970-01-01", "1970-01-01")
        assert {(line["quantity"], line["unit"]) for line in lines} == {(None, None)}
        assert sum(Decimal(line["unitPrice"]) for line in lines) == Decimal(row["totalAmount"])
    orders = [[line["commodityName"].endswith(" 无") for line in row["invoiceLineList"]] for row in rows[:2]]
    assert orders == [[True, False], [False, True]]


@pytest.mark.parametrize(("how", "dates"), [("wrong", {"1970-01-19"}), ("right", {"2018-11-09"})])
async def test_dates_can_be_wrong_or_right_throughout_and_lines_named_as_in_the_tables(yuannian, wallet, how, dates):
    wallet.switches.billing_dates, wallet.switches.line_name = how, "CommodityName"
    for at in range(3):
        await yuannian.import_(wallet.put_card(NUMBER.format(at), billed_at=NOVEMBER_9))
    rows = (await yuannian.search())["invoiceList"]

    assert {row["billingDate"] for row in rows} == dates
    assert all("CommodityName" in line for row in rows for line in row["invoiceLineList"])


# --- QR code and signature ---


async def test_the_image_is_percent_encoded_base64_with_every_awkward_letter(yuannian):
    told = await yuannian.call(QRCODE, {"width": 64, "height": 32, "content": "BX1"})

    text = told["data"]["imageData"]
    image = base64.b64decode(unquote(text), validate=True)
    assert told["data"]["content"] == "BX1"
    assert all(code in text for code in ("%2B", "%2F", "%3D"))
    assert not set(text) & set("+/=")
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    assert (int.from_bytes(image[16:20]), int.from_bytes(image[20:24])) == (64, 32)
    data = image.index(b"IDAT")
    pixels = zlib.decompress(image[data + 4 : data + 4 + int.from_bytes(image[data - 4 : data])])
    assert len(pixels) == 32 * 65


async def test_a_blank_content_is_made_up(yuannian, wallet):
    first, second = [
        (await yuannian.call(QRCODE, {"width": 9, "height": 9, "content": one}))["data"] for one in ("", None)
    ]

    assert first["content"]
    assert first["content"] != second["content"]
    assert wallet.qr_codes == [first["content"], second["content"]]


@pytest.mark.parametrize("wrong", ["100", 100.0, True, None, 0, -1, 5000])
async def test_width_and_height_must_be_whole_numbers(yuannian, wrong):
    sides = [{"width": wrong, "height": 100}, {"width": 100, "height": wrong}]

    assert [(await yuannian.call(QRCODE, body))["code"] for body in sides] == [1001, 1001]


async def test_the_image_can_be_another_or_none(yuannian, wallet):
    async def image(kind):
        wallet.switches.qr_image = kind
        return (await yuannian.call(QRCODE, {"width": 9, "height": 9}))["data"]["imageData"]

    wallet.switches.qr_plus = "literal"
    assert "+" in await image("png")
    assert base64.b64decode(unquote(await image("jpeg"))).startswith(b"\xff\xd8\xff")
    assert base64.b64decode(unquote(await image("html"))).startswith(b"<html")
    with pytest.raises(ValueError, match="base64"):
        base64.b64decode(unquote(await image("broken")), validate=True)
    assert await image("null") is None


async def test_somebody_who_scans_the_code_imports_under_its_content(yuannian, wallet, cards):
    content = (await yuannian.call(QRCODE, {"width": 9, "height": 9}))["data"]["content"]
    wallet.scan(content, cards[0].card_id, cards[1].card_id)

    found = (await yuannian.search(bizCode=content))["invoiceList"]
    assert [row["cardId"] for row in found] == [card.card_id for card in cards[:2]]


@pytest.mark.parametrize("url", ["http://mp.weixin.qq.com?params=value", "http://mp.weixin.qq.com?params=value#/route"])
async def test_a_page_is_signed_as_wechat_publishes_it(yuannian, url):
    body = {"noncestr": "Wm3WZYTPz0wzccnW", "jsapiTicket": TICKET, "timestamp": "1414587457", "url": url}

    assert (await yuannian.call(SIGN, body))["data"] == "0f9de62fce790f9a083d5c99e95740ceb90c27ed"


@pytest.mark.parametrize("name", ["noncestr", "jsapiTicket", "timestamp", "url"])
async def test_each_part_of_the_page_signature_is_a_needed_text(yuannian, name):
    body = {"noncestr": "n", "jsapiTicket": "t", "timestamp": "1", "url": "http://example.com"}

    assert (await yuannian.call(SIGN, body | {name: ""}))["code"] == 1001
    assert (await yuannian.call(SIGN, body | {name: 1414587457}))["code"] == 1001


# --- the world ---


def test_a_card_is_found_by_its_invoice_and_has_a_known_status(wallet):
    card = wallet.put_card("11067360", "012001800211", status="LOCK")

    assert wallet.card_of("11067360", "012001800211") is card
    assert (short(card), card.locked_by, card.changed_at) == ("LOCK", "employer", NOON)
    with pytest.raises(KeyError):
        wallet.card_of("11067360")
    with pytest.raises(ValueError, match="unknown status"):
        wallet.set_status(card.card_id, "OPEN")
