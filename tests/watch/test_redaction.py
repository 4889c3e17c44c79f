"""Personal data and secrets do not reach a line. "Canary" = a string planted where it must not come out."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from typing import Any

import pytest
import structlog
from log_stream import logging_to

from syncd.watch import redaction
from syncd.watch.redaction import Redaction, masked

SECRET_FIELDS = [
    "secret", "app_secret", "appSecret", "token", "access_token", "accessToken", "sign", "X-Nuonuo-Sign", "wdt_sign",
    "salt", "wdt_salt", "session", "session_key", "Authorization", "cookie", "password", "encrypt_code", "body",
]  # fmt: skip
PERSONAL_FIELDS = [
    "payer_name", "buyer_name", "buyerName", "payee_name", "payer_tax_no", "tax_no", "buyerTaxNum", "phone",
    "payer_phone", "mobile", "buyerTel", "email", "payer_email", "address", "payer_address", "bank_name",
    "payer_bank_account", "openid", "drawer", "remark", "tid", "oid", "id_card",
]  # fmt: skip
URL = "http://wdt.example/openapi?sid=demo&key=demo&salt=canary_salt&sign=canary_sign"


def line_of(secrets: tuple[str, ...] = (), /, **fields: Any) -> str:
    with logging_to(secrets=secrets) as written:
        structlog.get_logger().info("x.said", **fields)
    assert written.only()["event"] == "x.said"
    return written.getvalue().decode()


@pytest.mark.parametrize("field", SECRET_FIELDS + PERSONAL_FIELDS)
def test_a_field_of_that_name_is_masked_however_deep(field: str) -> None:
    """S03, S04, S50."""
    value = "canary_value"

    line = line_of(**{field: value}, nested={"rows": [{"deep": {field: value}}]})

    assert "canary" not in line
    assert line.count("***") == 2


@pytest.mark.parametrize("field", SECRET_FIELDS)
def test_of_a_secret_nothing_at_all_is_left(field: str) -> None:
    assert json.loads(line_of(**{field: "0123456789abcdef"}))[field] == "***"


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("payer_tax_no", "91120222079642398Y", "***398Y"),
        ("phone", "13800138000", "***8000"),
        ("phone", "short", "***"),
        ("phone", 13800138000, "***"),
        ("has_token", True, True),
        ("token", None, None),
    ],
)
def test_a_number_may_show_its_last_four(field: str, value: object, shown: object) -> None:
    assert json.loads(line_of(**{field: value}))[field] == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"GET {URL} failed", "GET http://wdt.example/*** failed"),
        ("postgresql://syncd:canary@db:5432/syncd", "postgresql://db:5432/***"),
        ("https://issuer.example", "https://issuer.example"),
        ("https://issuer.example/pdf/canary.pdf", "https://issuer.example/***"),
        ("/openapi?sid=a&salt=canary", "/openapi?***"),
        ("accessToken: canary, next", "accessToken: ***, next"),
        ('{"buyerName": "canary", "n": 1}', '{"buyerName": ***, "n": 1}'),
        ("{'payer_name': 'canary x', 'n': 1}", "{'payer_name': ***, 'n': 1}"),
        ("Authorization: Bearer canary.abc", "Authorization: *** ***"),
        ("secret=canary&x=1", "secret=***&x=1"),
        ("sign=canary", "sign=***"),
        ("text: token=canary", "text: token=***"),
        ("buyer_name=canary canary, n=1", "buyer_name=***, n=1"),
        ("body={'x': {'y': 'canary'}} canary", "body=***"),
        ("token = canary and code = 7", "token = *** and code = 7"),
        ("购方名称:canary,税号:canary", "购方名称:***,税号:***"),
        ("购方名称[canary]不合法", "购方名称[***]不合法"),
        ("mail to canary.x+y@mail.example now", "mail to *** now"),
        ("call 13800138000 now", "call ***8000 now"),
        ("call 138-0013-8000", "call ***8000"),
        ("call +8613800138000", "call +***8000"),
        ("call 010-62345678", "call ***5678"),
        ("税务 91120222079642398Y 不存在", "税务 ***398Y 不存在"),
        ("account 6222020200112233445", "account ***3445"),
        ("took 1500 ms for 45 orders in 2026-11-20", "took 1500 ms for 45 orders in 2026-11-20"),
        ("order FP202611200001 is 45", "order FP202611200001 is 45"),
        ("单据状态不允许回传", "单据状态不允许回传"),
    ],
)
def test_free_text_loses_what_looks_like_a_secret_or_a_person(text: str, shown: str) -> None:
    """S05: WDT puts sid, key, salt and signature into the query."""
    assert json.loads(line_of(text=text))["text"] == shown


@pytest.mark.parametrize("field", ["order_no", "key", "serial", "invoice_no"])
def test_numbers_of_documents_are_shown_whole(field: str) -> None:
    """An operator looks an order up by them."""
    assert json.loads(line_of(**{field: "26952000000012345678"}))[field] == "26952000000012345678"


@pytest.mark.parametrize("field", ["order_no", "key", "text", "count"])
def test_whole_numbers_that_look_like_a_phone_are_masked_unless_they_are_document_numbers(field: str) -> None:
    shown = json.loads(line_of(**{field: 13800138000}))[field]

    assert shown == (13800138000 if field in ("order_no", "key") else "***")


def test_a_url_in_an_allowed_field_loses_its_query_all_the_same() -> None:
    assert "canary" not in line_of(key=URL, order_no=f"x {URL}")


def test_an_object_is_named_by_its_type_and_never_by_its_repr() -> None:
    @dataclass
    class Party:
        name: str

    line = line_of(party=Party("canary"), parties=[Party("canary")], raw=b"canary", rows={b"canary": 1, Party: 2})

    assert "canary" not in line
    assert '"party":"<Party>"' in line


def test_known_secrets_are_taken_out_wherever_they_stand() -> None:
    line = line_of(
        ("canary_one", "canary", "x"), text="a canary_one b", key="canary", nested=[{"canary": "canary_one"}]
    )

    assert "canary" not in line
    assert "_one" not in line
    assert "text" in line


def test_a_known_secret_too_short_to_be_one_does_not_blank_every_line() -> None:
    assert json.loads(line_of(("a", "demo"), text="a demo"))["text"] == "a demo"


def test_a_traceback_is_masked_in_every_exception_it_chains() -> None:
    with logging_to() as written:
        try:
            try:
                raise OSError(f"cannot reach {URL}")
            except OSError as first:
                raise ValueError("payer_name='canary', phone 13800138000") from first
        except ValueError as second:
            second.add_note("token=canary")
            structlog.get_logger().exception("task.crashed")

    trace = written.only()["exception"]
    assert "canary" not in trace
    assert "13800138000" not in trace
    assert "OSError: cannot reach http://wdt.example/***" in trace
    assert "ValueError" in trace


def test_third_party_records_are_masked_too() -> None:
    with logging_to() as written:
        logging.getLogger("aiohttp.client").warning("retrying %s", URL)
        logging.getLogger("db").error("failed", exc_info=ValueError("token=canary"))

    assert "canary" not in written.getvalue().decode()
    assert len(written.rows()) == 2


def test_long_text_is_cut_and_half_a_secret_does_not_stay_at_the_seam() -> None:
    text = "x " * 2_040 + "13800138000 token=canary" + " y" * 50_000

    shown = json.loads(line_of(text=text))["text"]

    assert len(shown) < 4_200
    assert shown.endswith("...")
    assert "canary" not in shown
    assert "1380" not in shown


def test_deep_and_wide_structures_are_bounded() -> None:
    deep: Any = "canary"
    for _ in range(50):
        deep = {"x": [deep]}

    line = line_of(deep=deep, wide=dict.fromkeys(map(str, range(10_000)), 1), long=list(range(10_000)))

    assert "canary" not in line
    assert len(line) < 4_000


def test_ten_thousand_lines_with_a_canary_in_every_place_show_none() -> None:
    """S03 over nested dicts, exceptions, URLs and third parties, debug lines included."""
    places = [*SECRET_FIELDS, *PERSONAL_FIELDS]

    with logging_to() as written:
        log = structlog.get_logger()
        for number in range(2_500):
            field = places[number % len(places)]
            log.debug("x.said", number=number, **{field: f"canary{number}"})
            log.info("x.said", number=number, row={field: {"x": "canary"}}, rows=[{field: ["canary"]}])
            log.error("x.failed", number=number, text=f"{URL} {field}=canary", error=OSError(f"{field}: canary"))
            logging.getLogger("lib").warning("%s", {field: "canary"})

    raw = written.getvalue()
    assert len(raw.splitlines()) == 10_000
    assert [line for line in raw.splitlines() if b"canary" in line] == []
    assert all(json.loads(line)["at"] for line in raw.splitlines())


def test_the_search_for_canaries_would_see_a_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: with the redaction taken out, the same places show their canaries."""
    monkeypatch.setattr(Redaction, "_fields", lambda self, fields, depth: fields.items())

    leaking = [field for field in SECRET_FIELDS + PERSONAL_FIELDS if "canary" in line_of(**{field: "canary"})]

    assert leaking == SECRET_FIELDS + PERSONAL_FIELDS
    assert "canary_salt" in line_of(text=URL)


PATTERNS = [name for name in vars(redaction) if isinstance(getattr(redaction, name), type(redaction._URL))]


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize(
    "unit", ["a", "1", "a.", "a@", "://", "?a=", "token", 'token="', "a-", "1 ", "名称", "名称:", "bearer ", "13", "F1"]
)
def test_no_pattern_is_slow_on_hostile_text(name: str, unit: str) -> None:
    """S35, on the longest text a pattern ever sees."""
    text = (unit * 20_000)[:16_384] + "\x00"
    started = time.process_time()

    getattr(redaction, name).sub("", text)

    assert time.process_time() - started < 0.1


def test_masking_is_stable() -> None:
    for text in (URL, "call 13800138000", "token=canary", "91120222079642398Y"):
        assert masked(masked(text)) == masked(text)
