"""Searching the simulated WDT (docs/wire/wdt.md)."""

import random

import pytest
from sandbox_callers import NOON, SEARCH, issued

from syncd.sandbox.moment import beijing_text

PAST = {"end": "2026-11-20 09:50:00"}


def fill(sandbox, count, *, first=NOON - 5000, apart=1):
    return [sandbox.wdt.put_order({}, modified=first + at * apart) for at in range(count)]


async def test_without_page_numbers_the_method_is_said_to_be_paged(wdt):
    said = await wdt.call(SEARCH, [{"start_time": "2026-11-19 00:00:00", "end_time": "2026-11-20 00:00:00"}])

    assert said == {"status": 100, "message": f"此方法仅支持分页查询：{SEARCH}"}


@pytest.mark.parametrize("missing", [{"start": None}, {"end": None}, {"start": None, "end": None}])
async def test_a_search_needs_both_times_or_a_number(wdt, missing):
    assert await wdt.search(**missing) == {"status": 100, "message": "参数中必须包含起止时间"}


@pytest.mark.parametrize(
    ("start", "end", "status"),
    [
        ("2026-10-21 10:00:00", "2026-11-20 10:00:00", 0),
        ("2026-10-21 10:00:00", "2026-11-20 10:00:01", 100),
    ],
)
async def test_exactly_thirty_days_pass_and_a_second_more_does_not(wdt, start, end, status):
    said = await wdt.search(start, end)

    assert said["status"] == status
    if status:
        assert said["message"] == "您的查询时间过宽,查询时间不能大于30天"


async def test_a_date_with_slashes_is_unparseable(wdt):
    said = await wdt.search("2026/11/19 00:00:00")

    assert said == {"status": 100, "message": "Unparseable date: 2026/11/19 00:00:00"}


@pytest.mark.parametrize(("closed", "found"), [(True, 2), (False, 1)])
async def test_the_end_of_the_window_belongs_to_it_or_not(wdt, sandbox, closed, found):
    sandbox.wdt.switches.closed_interval = closed
    sandbox.wdt.put_order({}, modified=NOON - 3600)
    sandbox.wdt.put_order({}, modified=NOON - 1800)

    said = await wdt.search("2026-11-20 09:00:00", "2026-11-20 09:30:00")

    assert said["data"]["total_count"] == found


async def test_times_are_beijing_times_and_the_modified_time_is_hidden(wdt, sandbox):
    no = sandbox.wdt.put_order({}, modified=NOON)

    rows = (await wdt.search("2026-11-20 10:00:00", "2026-11-20 10:00:00"))["data"]["order"]

    assert [row["invoice_order_no"] for row in rows] == [no]
    assert not [name for name in rows[0] if "modif" in name]


async def test_only_pending_documents_are_returned_and_status_is_ignored_without_mode(wdt, sandbox):
    pending = sandbox.wdt.put_order({}, modified=NOON - 100)
    sandbox.wdt.put_order({"status": 85}, modified=NOON - 100)

    assert await wdt.numbers() == [pending]
    assert await wdt.numbers(status=85) == [pending]


async def test_mode_1_returns_every_status_and_filters_by_one(wdt, sandbox):
    pending = sandbox.wdt.put_order({}, modified=NOON - 100)
    failed_one = sandbox.wdt.put_order({"status": 85}, modified=NOON - 100)

    assert sorted(await wdt.numbers(mode=1)) == sorted([pending, failed_one])
    assert await wdt.numbers(mode=1, status=85) == [failed_one]


async def test_asked_by_number_a_settled_document_shows_only_with_mode_1(wdt, sandbox):
    no = sandbox.wdt.put_order({"status": 60}, modified=NOON - 100)

    assert await wdt.numbers(start=None, end=None, invoice_order_no=no) == []
    assert await wdt.numbers(start=None, end=None, invoice_order_no=no, mode=1) == [no]
    assert await wdt.numbers(start=None, end=None, invoice_order_no="FP9", mode=1) == []


async def test_a_revoked_shop_vanishes_and_a_granted_one_comes_back(wdt, sandbox):
    mine = sandbox.wdt.put_order({"shop_no": "a"}, modified=NOON - 100)
    other = sandbox.wdt.put_order({"shop_no": "b"}, modified=NOON - 90)

    sandbox.wdt.revoke_shop("b")
    without = await wdt.numbers()
    by_number = await wdt.numbers(invoice_order_no=other, mode=1)
    sandbox.wdt.grant_shop("b")

    assert (without, by_number) == ([mine], [])
    assert await wdt.numbers() == [mine, other]


@pytest.mark.parametrize("platform", [1, 2, 39])
async def test_taobao_and_pinduoduo_documents_are_never_returned(wdt, sandbox, platform):
    row = {"detail_list": [{"item_name": "x", "platform_id": platform}]}
    no = sandbox.wdt.put_order(row, modified=NOON - 100)

    assert await wdt.numbers() == []
    assert await wdt.numbers(invoice_order_no=no, mode=1) == []
    sandbox.wdt.switches.hidden_platforms = frozenset()
    assert await wdt.numbers() == [no]


@pytest.mark.parametrize("sort", ["modified_asc", "modified_desc", "id_asc", "random"])
async def test_pages_are_cut_from_the_selected_order(wdt, sandbox, sort):
    sandbox.wdt.switches.sort = sort
    by_id = [sandbox.wdt.put_order({}, modified=NOON - at) for at in (10, 30, 20, 50, 40)]
    expected = {
        "modified_asc": [by_id[at] for at in (3, 4, 1, 2, 0)],
        "modified_desc": [by_id[at] for at in (0, 2, 1, 4, 3)],
        "id_asc": by_id,
    }

    pages = [await wdt.numbers(page=page, size=2) for page in range(4)]

    assert [len(page) for page in pages] == [2, 2, 1, 0]
    if sort in expected:
        assert [no for page in pages for no in page] == expected[sort]


async def test_random_order_is_drawn_anew_for_every_request(wdt, sandbox):
    sandbox.wdt.switches.sort = "random"
    fill(sandbox, 20)

    seen = {tuple(await wdt.numbers()) for _ in range(4)}

    assert len(seen) > 1


async def test_beyond_the_end_the_list_is_empty(wdt, sandbox):
    fill(sandbox, 3)

    said = await wdt.search(page=9)

    assert said["data"] == {"total_count": 3, "order": []}


@pytest.mark.parametrize(("switch", "shown"), [("asked", None), ("zero", 0), ("always", 3)])
async def test_the_total_is_only_told_when_asked_unless_switched(wdt, sandbox, switch, shown):
    sandbox.wdt.switches.total_count = switch
    fill(sandbox, 3)

    unasked = await wdt.search(total=False)
    asked = await wdt.search()

    assert unasked["data"].get("total_count") == shown
    assert asked["data"]["total_count"] == 3


async def page_through(wdt, sandbox, *, backward, end, edits, start="2026-11-20 08:00:00"):
    """Fetch 60 rows by ten, bumping some rows between the pages; the numbers never fetched."""
    numbers = fill(sandbox, 60)
    order = range(5, -1, -1) if backward else range(6)
    got: set[str] = set(await wdt.numbers(start=start, end=end, size=10)) if backward else set()
    for turn, page in enumerate(order):
        got |= set(await wdt.numbers(start=start, end=end, page=page, size=10))
        for at in edits(turn):
            sandbox.wdt.touch(numbers[at])
    return set(numbers) - got


@pytest.mark.parametrize("sort", ["modified_asc", "modified_desc", "id_asc"])
async def test_forward_paging_loses_rows_that_are_edited_meanwhile(wdt, sandbox, sort):
    """An edited row leaves the past window, all later rows move up, and one slips past the reader."""
    sandbox.wdt.switches.sort = sort

    lost = await page_through(wdt, sandbox, backward=False, **PAST, edits=lambda turn: [turn, 59 - turn])

    never_edited = {no for no in lost if 6 < int(no[-4:]) < 55}
    assert never_edited


@pytest.mark.parametrize("sort", ["modified_asc", "modified_desc", "id_asc"])
async def test_backward_paging_with_a_past_end_loses_nothing(wdt, sandbox, sort):
    sandbox.wdt.switches.sort = sort

    lost = await page_through(wdt, sandbox, backward=True, **PAST, edits=lambda turn: [turn, 30 + turn])

    assert not (lost - edited_before_read(lost))


def edited_before_read(lost):
    """A row edited before it was read belongs to a later window and may be missing here."""
    return {no for no in lost if int(no[-4:]) <= 6 or 31 <= int(no[-4:]) <= 36}


@pytest.mark.parametrize("backward", [False, True])
async def test_a_live_end_loses_rows_either_way(wdt, sandbox, clock, backward):
    """With the end in the future an edited row moves inside the window, past the reader."""
    sandbox.wdt.switches.sort = "modified_asc" if not backward else "modified_desc"

    lost = await page_through(
        wdt, sandbox, backward=backward, end="2026-11-20 23:00:00", edits=lambda turn: [turn * 7, turn * 7 + 1, 59]
    )

    assert lost


async def test_writing_back_while_paging_forward_loses_half_of_the_rows(wdt, sandbox):
    fill(sandbox, 40)
    seen: list[str] = []

    for page in range(4):
        numbers = await wdt.numbers(page=page, size=10, **PAST)
        seen += numbers
        if numbers:
            await wdt.update(*(issued(no) for no in numbers))

    assert len(seen) == 20


async def test_an_edit_can_be_planned_between_two_pages(wdt, sandbox):
    numbers = fill(sandbox, 4)
    sandbox.wdt.after("search", lambda: sandbox.wdt.touch(numbers[0]), page_no=0)

    first = await wdt.numbers(size=2, **PAST)
    second = await wdt.numbers(page=1, size=2, **PAST)

    assert (first, second) == (numbers[:2], numbers[3:])


async def test_a_modification_becomes_visible_only_after_the_lag(wdt, sandbox, clock):
    sandbox.wdt.switches.visibility_lag = 150
    no = sandbox.wdt.put_order({"payer_name": "示例甲"})
    clock.pass_by(149)
    before = await wdt.numbers()
    clock.pass_by(2)
    sandbox.wdt.edit(no, payer_name="示例乙")

    rows = (await wdt.search())["data"]["order"]
    clock.pass_by(151)
    later = (await wdt.search())["data"]["order"]

    assert before == []
    assert [row["payer_name"] for row in rows] == ["示例甲"]
    assert [row["payer_name"] for row in later] == ["示例乙"]


async def test_one_row_can_be_late_while_the_others_are_not(wdt, sandbox, clock):
    late = sandbox.wdt.put_order({}, modified=NOON - 100, visible_after=400)
    prompt = sandbox.wdt.put_order({}, modified=NOON - 100)

    assert await wdt.numbers() == [prompt]
    clock.pass_by(401)
    assert sorted(await wdt.numbers()) == sorted([late, prompt])


async def test_unknown_parameters_are_ignored_or_named_with_status_2(wdt, sandbox):
    ignored = await wdt.search(shop_no="x")
    sandbox.wdt.switches.unknown_params = "refuse"

    assert ignored["status"] == 0
    assert await wdt.search(shop_no="x") == {"status": 2, "message": "shop_no"}


async def test_a_page_may_be_too_large(wdt, sandbox):
    sandbox.wdt.switches.max_page_size = 200

    assert (await wdt.search(size=200))["status"] == 0
    assert (await wdt.search(size=201))["status"] == 1


async def test_a_document_is_served_once_it_was_really_delivered(wdt, sandbox):
    no = sandbox.wdt.put_order({}, modified=NOON - 100)
    sandbox.wdt.faults.force("search", "truncated")
    body = b'[{"start_time":"2026-11-20 00:00:00","end_time":"2026-11-20 12:00:00"}]'

    await wdt.post(wdt.query(SEARCH, body, page_no="0", page_size="9", calc_total="0"), body)
    cut = set(sandbox.wdt.served)
    await wdt.search()

    assert (cut, sandbox.wdt.served) == (set(), {("demo_sid", no)})


@pytest.mark.parametrize("seed", range(5))
async def test_pages_agree_with_a_plain_scan_after_any_changes(wdt, sandbox, clock, seed):
    """The timelines are kept up to date by small steps; a scan over all documents knows better."""
    dice = random.Random(seed)
    numbers = sandbox.populate(30)
    for _ in range(60):
        no = dice.choice(numbers)
        clock.pass_by(dice.randrange(3))
        match dice.randrange(6):
            case 0:
                sandbox.wdt.touch(no, modified=clock() - dice.randrange(100_000))
            case 1:
                sandbox.wdt.set_status(no, dice.choice([5, 20, 45, 60, 85]))
            case 2:
                numbers.append(sandbox.wdt.put_order({"shop_no": f"shop0{dice.randrange(1, 7)}"}))
            case 3:
                sandbox.wdt.revoke_shop(f"shop0{dice.randrange(1, 7)}")
            case 4:
                sandbox.wdt.grant_shop(f"shop0{dice.randrange(1, 7)}")
            case 5:
                sandbox.wdt.switches.visibility_lag = dice.choice([0, 0, 2])
    clock.pass_by(10)
    start, end = clock() - 90_000, clock() - dice.randrange(5000)
    shops = sandbox.wdt.tenants["demo_sid"].shops

    def scan(status):
        found = [
            (document.modified, document.seq, document.no)
            for document in sandbox.wdt.documents.values()
            if int(start) <= document.modified <= int(end)
            and status in (None, document.status)
            and (shops is None or document.shop_no in shops)
        ]
        return [no for _, _, no in sorted(found)]

    window = {"start": beijing_text(start), "end": beijing_text(end)}
    assert await wdt.numbers(**window) == scan(45)
    assert await wdt.numbers(**window, mode=1, size=1000) == scan(None)
    assert await wdt.numbers(**window, mode=1, status=85) == scan(85)
