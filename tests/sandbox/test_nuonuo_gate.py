"""Who is let in by the simulated Nuonuo: signature, token, seller (docs/wire/nuonuo.md)."""

import json
from pathlib import Path

import pytest
from sandbox_callers import order

from syncd.sandbox.nuonuo.sign import Signed, signature

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "vectors.json").read_text())["vectors"]
SIGNED = [vector for vector in VECTORS if vector["kind"] == "nuonuo_sign"]
OTHER = "91310115MA1K39423D"


@pytest.mark.parametrize("vector", SIGNED, ids=lambda vector: vector["id"])
def test_every_published_signature_is_reproduced(vector):
    inputs = vector["inputs"]
    request = Signed(
        inputs["path"], inputs["appkey"], inputs["senid"], inputs["nonce"], inputs["timestamp"], inputs["body"].encode()
    )

    assert signature(inputs["secret"], request) == vector["expected"]["sign"]


def test_the_letters_a_l_p_follow_the_path():
    base = Signed("/open/v1/services", "k", "i", "n", "t", b"{}")
    other = Signed("/open/v2/services", "k", "i", "n", "t", b"{}")

    assert signature("s", base) != signature("s", other)


async def test_only_post_on_one_path_is_served(nuonuo, sandbox, http):
    assert (await http.get(sandbox.nuonuo_url)).status == 405
    assert (await http.post(sandbox.nuonuo_url + "/x")).status == 404


@pytest.mark.parametrize(
    "change",
    [
        {"senid": ""}, {"senid": "a" * 31}, {"senid": "-" * 32}, {"nonce": ""}, {"nonce": "01234567"},
        {"nonce": "1234567"}, {"timestamp": ""}, {"timestamp": "yesterday"}, {"appkey": "nobody"},
    ],
)  # fmt: skip
async def test_a_malformed_public_parameter_is_070101(nuonuo, change):
    told = await nuonuo.call("queryInvoiceResult", {"orderNos": ["x"]}, **change)

    assert told["code"] == "070101"


@pytest.mark.parametrize(("off", "code"), [(-301, "070101"), (-300, "E9500"), (300, "E9500"), (301, "070101")])
async def test_a_timestamp_may_be_300_seconds_off(nuonuo, clock, off, code):
    told = await nuonuo.call("queryInvoiceResult", {"orderNos": ["x"]}, timestamp=str(int(clock()) + off))

    assert told["code"] == code


async def test_a_bad_signature_is_http_200_with_070101(nuonuo):
    nuonuo.secret = "wrong"

    answer = await nuonuo.post("queryInvoiceResult", {"orderNos": ["x"]})

    assert (answer.status, (await answer.json())["code"]) == (200, "070101")


async def test_the_signature_is_over_the_received_bytes(nuonuo, sandbox, http):
    request = nuonuo.request("queryInvoiceResult", b'{"orderNos":["x"]}')

    told = await (await http.post(sandbox.nuonuo_url, data=b'{"orderNos": ["x"]}', **request)).json()

    assert told["code"] == "070101"


async def test_an_unknown_token_is_070304(nuonuo):
    nuonuo.token = "stale"

    assert (await nuonuo.query("x"))["code"] == "070304"


async def test_an_unknown_method_is_not_granted(nuonuo):
    assert (await nuonuo.call("nothing", {}))["code"] == "E9338"


async def ask_token(http, sandbox, **form):
    asked = {"client_id": "demo_key", "client_secret": "demo_secret", "grant_type": "client_credentials", **form}
    return await (await http.post(sandbox.token_url, data=asked)).json()


async def test_a_fetched_token_works_for_a_day(nuonuo, sandbox, http, clock):
    granted = await ask_token(http, sandbox)
    nuonuo.token = granted["access_token"]

    clock.pass_by(86_399)
    fresh = await nuonuo.query("x")
    clock.pass_by(2)
    stale = await nuonuo.query("x")

    assert (granted["expires_in"], fresh["code"], stale["code"]) == ("86400", "E9500", "070304")


async def test_the_permanent_token_never_expires(nuonuo, clock):
    clock.pass_by(10**7)

    assert (await nuonuo.query("x"))["code"] == "E9500"


async def test_the_51st_token_call_in_30_days_is_070306(sandbox, http, clock):
    for _ in range(50):
        assert "access_token" in await ask_token(http, sandbox)

    refused = await ask_token(http, sandbox)
    clock.pass_by(30 * 86_400 + 1)
    again = await ask_token(http, sandbox)

    assert refused["error"] == "070306"
    assert "access_token" in again
    assert sandbox.nuonuo.token_calls == 52


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"client_secret": "wrong"}, "070101"),
        ({"client_id": "nobody"}, "070101"),
        ({"grant_type": "authorization_code"}, "070307"),
    ],
)
async def test_a_token_needs_the_right_application(sandbox, http, form, code):
    assert (await ask_token(http, sandbox, **form))["error"] == code


async def test_a_third_party_application_refreshes_under_the_users_id(sandbox, http):
    sandbox.nuonuo.add_app("isv", "isv_secret", kind="isv", user_id="user-1")
    first = await ask_token(
        http, sandbox, client_id="isv", client_secret="isv_secret", grant_type="authorization_code", code="c"
    )

    refresh = {"client_secret": "isv_secret", "grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    by_key = await ask_token(http, sandbox, client_id="isv", **refresh)
    by_user = await ask_token(http, sandbox, client_id="user-1", **refresh)

    assert by_key["error"] == "070101"
    assert by_user["userId"] == "user-1"


async def test_the_header_and_the_order_must_name_the_same_seller(nuonuo):
    assert (await nuonuo.submit(salerTaxNum=OTHER))["code"] == "E9302"


async def test_an_unknown_seller_is_e9301_and_one_of_another_application_e9338(nuonuo, sandbox):
    unknown = await nuonuo.call("requestBillingNew", {"order": order(salerTaxNum=OTHER)}, userTax=OTHER)
    sandbox.nuonuo.add_seller(OTHER, ["somebody_else"])
    foreign = await nuonuo.call("requestBillingNew", {"order": order(salerTaxNum=OTHER)}, userTax=OTHER)

    assert (unknown["code"], foreign["code"]) == ("E9301", "E9338")


async def test_a_self_use_application_may_leave_the_header_out(nuonuo):
    told = await nuonuo.call("requestBillingNew", {"order": order()}, userTax="")

    assert told["code"] == "E0000"
