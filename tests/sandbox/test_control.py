"""The control server: everything a test can do in the same process can be done over HTTP."""

import json

import pytest
from sandbox_callers import NOON

from syncd.sandbox import Sandbox, SandboxOptions


@pytest.fixture
def control(http, sandbox):
    async def ask(verb, path, said=None):
        answer = await http.request(verb, sandbox.control_url + path, data=json.dumps(said or {}))
        return answer.status, await answer.json()

    return ask


async def test_the_root_lists_every_address_with_a_line_of_help(control):
    status, told = await control("GET", "/")

    assert status == 200
    assert any(entry.startswith("POST /faults — ") for entry in told["endpoints"])


async def test_describe_gives_what_a_settings_file_needs(control, sandbox):
    _, told = await control("GET", "/describe")

    assert told == sandbox.describe()
    assert told["wdt"]["url"].startswith("http://127.0.0.1:")
    assert told["nuonuo"]["token"] == "demo_token"


async def test_documents_can_be_created_changed_cancelled_and_reopened(control, sandbox):
    _, made = await control("POST", "/orders", {"payer_name": "示例贸易有限公司", "_expect": "hold"})
    no = made["no"]
    statuses = []
    for action, body in (
        ("cancel", {}),
        ("reopen", {}),
        ("edit", {"payer_name": "个人"}),
        ("touch", {"modified": NOON - 5}),
    ):
        status, _ = await control("POST", f"/orders/{no}/{action}", body)
        statuses.append(status)

    _, (shown,) = await control("GET", f"/orders?no={no}&status=45")
    assert statuses == [200] * 4
    assert (shown["payer_name"], shown["expect"], shown["modified"]) == ("个人", "hold", int(NOON) - 5)


async def test_a_population_and_its_counts(control):
    _, told = await control("POST", "/populate", {"rows": 20})
    _, counted = await control("GET", "/counts")

    assert len(told["numbers"]) == 20
    assert (counted["held"], counted["lost"]) == (1, 18)


async def test_faults_can_be_forced_and_looked_at(control, wdt):
    await control("POST", "/faults", {"party": "wdt", "method": "search", "kind": "status_4"})
    said = await wdt.search()
    await control("POST", "/faults", {"profile": "rough"})
    _, told = await control("GET", "/faults")

    assert said["status"] == 4
    assert told["wdt"]["happened"] == {"status_4": 1}
    assert told["nuonuo"]["profile"] == "rough"


async def test_clock_login_switches_and_shops_can_be_set(control, sandbox):
    await control("POST", "/clock", {"skew": 300})
    await control("POST", "/login", {"state": "logged_out"})
    await control("POST", "/shops", {"shop_no": "shop01", "granted": False})
    await control("POST", "/switches", {"party": "nuonuo", "files": "absent"})
    _, told = await control("POST", "/switches", {"party": "wdt", "sort": "random", "hidden_platforms": [1]})

    assert (sandbox.wdt.skew, sandbox.nuonuo.login) == (300, "logged_out")
    assert sandbox.wdt.tenants["demo_sid"].shops == set()
    assert sandbox.nuonuo.switches.files == "absent"
    assert (told["sort"], sandbox.wdt.switches.hidden_platforms) == ("random", frozenset({1}))


async def test_calls_and_the_ledger_can_be_looked_at(control, wdt, nuonuo, clock):
    await wdt.search()
    await nuonuo.submit()
    clock.pass_by(3)

    _, calls = await control("GET", "/calls?party=wdt")
    _, ledger = await control("GET", "/ledger?order_no=K1")
    _, nothing = await control("GET", "/ledger?order_no=K2")

    assert calls["calls"][-1]["answer"] == "ok"
    assert (ledger[0]["total"], nothing) == ("113.00", [])


async def test_an_edit_can_be_planned_for_between_two_pages(control, wdt, sandbox):
    numbers = [sandbox.wdt.put_order({}, modified=NOON - 1000 + at) for at in range(4)]
    steps = [{"action": "touch", "no": numbers[0]}]
    await control("POST", "/plan", {"method": "search", "page_no": 0, "do": steps})

    await wdt.numbers(size=2)

    assert sandbox.wdt.document(numbers[0]).modified == NOON


async def test_held_replays_can_be_let_go(control, nuonuo, sandbox):
    sandbox.nuonuo.faults.hold_replays = True
    sandbox.nuonuo.faults.force("requestBillingNew", "late_duplicate")
    await nuonuo.submit()

    assert await control("POST", "/replay") == (200, {"replayed": 1})


@pytest.mark.parametrize(
    ("verb", "path", "body", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("GET", "/orders/FP0/edit", {}, 405),
        ("POST", "/orders/FP0/edit", {}, 404),
        ("POST", "/populate", {}, 400),
        ("POST", "/populate", {"rows": 1, "mix": "x"}, 400),
        ("POST", "/faults", {"kind": "x"}, 400),
        ("POST", "/faults", {"party": "x", "kind": "empty"}, 400),
        ("POST", "/login", {"state": "x"}, 400),
        ("POST", "/switches", {"x": 1}, 400),
        ("POST", "/clock", {"skew": "x"}, 400),
        ("POST", "/plan", {"method": "search", "do": [{"action": "x", "no": "y"}]}, 400),
    ],
)
async def test_a_mistake_is_answered_in_json_with_a_clear_text(control, verb, path, body, status):
    answered, told = await control(verb, path, body)

    assert answered == status
    assert told["error"]


async def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_open(sandbox):
    taken = int(sandbox.control_url.rsplit(":", 1)[1])
    second = Sandbox(SandboxOptions(control_port=taken))

    with pytest.raises(OSError):
        await second.start()
    with pytest.raises(KeyError):
        _ = second.wdt_url
