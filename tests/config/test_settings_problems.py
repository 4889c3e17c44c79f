"""Each problem is one line that names file and key, and never a value."""

from __future__ import annotations

from pathlib import Path

import pytest
from settings_files import GOOD, without, written

from syncd.config import SettingsError, load
from syncd.domain.invoice import Kind

WDT_SECRET = 'secret = "demo_secret:demo_salt"'
SECOND = GOOD.partition("[issuers")[0].replace("m001", "m002").replace("demo_sid", "other_sid")

SECRT_FILE = '.m001.wdt.secrt_file is not a setting (did you mean "secret_file"?)'
PLAIN_HTTP = "is plain http beyond this machine: use https, or set allow_plain_http = true"
ZERO_RATE = "must map prefixes of tax codes (1 to 19 digits) to exempt, untaxed or zero"
TAX_NO = "must be 15 to 20 characters, digits and capital letters alone"
EXPOSED = "is reachable from other machines: set console.token, or listen on 127.0.0.1"
READABLE = "is plain http: buyers' data cross the network readable; prefer https or a private tunnel"
NO_COLON = 'merchants.m001.wdt.secret must look like "secret:salt" (no colon found)'


def halves() -> tuple[str, str]:
    """The merchant's and the issuer's part of the good file."""
    merchant, _, issuer = GOOD.partition("[issuers")
    return merchant, f"[issuers{issuer}"


def replaced(key: str, setting: str, text: str) -> str:
    """`text` with the line of `key` replaced."""
    lines = text.splitlines()
    assert sum(line.startswith(f"{key} = ") for line in lines) == 1
    return "\n".join(setting if line.startswith(f"{key} = ") else line for line in lines) + "\n"


def refusal(path: Path, env: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(path, env or {})
    lines = refused.value.lines
    assert all("\n" not in line and line.isprintable() for line in lines)
    assert str(refused.value) == "\n".join(lines)
    return lines


def changed(tmp_path: Path, old: str, new: str) -> list[str]:
    assert old in GOOD
    lines = refusal(written(tmp_path, GOOD.replace(old, new)))
    return [line.removeprefix(f"{tmp_path}/") for line in lines]


@pytest.mark.parametrize(
    ("key", "setting", "line"),
    [
        ("name", 'name = "M 1"', "[0].name must be 1 to 32 of a-z 0-9 _ -, the first a letter or digit"),
        ("name", 'name = "m001"\nisuer = "x"', '.m001.isuer is not a setting (did you mean "issuer"?)'),
        ("issuer", 'issuer = "mian"', '.m001.issuer names no [issuers.mian] (did you mean "main"?)'),
        ("sid", 'sid = "a\\r\\nb"', ".m001.wdt.sid must not hold control characters"),
        ("sid", 'sid = ""', ".m001.wdt.sid must not be empty"),
        ("sid", 'sid = "demo_sid"\nsecrt = 1', '.m001.wdt.secrt is not a setting (did you mean "secret"?)'),
        ("sid", 'sid = "demo_sid"\nsecrt_file = "x"', SECRT_FILE),
        ("secret", 'secret = "plain"', '.m001.wdt.secret must look like "secret:salt" (no colon found)'),
        ("secret", 'secret = ":x"', '.m001.wdt.secret must look like "secret:salt" (one side is empty)'),
        ("secret", 'secret = "a:\\u0007"', ".m001.wdt.secret must not hold control characters"),
        ("secret", "secret = 5", ".m001.wdt.secret must be text, in quotes"),
    ],
)
def test_a_wrong_merchant_setting_is_one_line_naming_it(tmp_path: Path, key: str, setting: str, line: str) -> None:
    merchant, issuer = halves()

    lines = refusal(written(tmp_path, replaced(key, setting, merchant) + issuer))

    assert lines == [f"{tmp_path}/syncd.toml: merchants{line}"]


@pytest.mark.parametrize(
    ("key", "setting", "line"),
    [
        ("kind", 'kind = "baiwang"', ".kind must be one of: nuonuo"),
        ("token", "", " needs either token or token_url, one of the two"),
        ("url", 'url = "https://a.example/v1"', " url needs at least three path segments, as in /open/v1/services"),
        ("token", 'token = "x"\ntoken_url = "https://a.example/"', " needs either token or token_url, one of the two"),
        ("token", 'token = "令牌"', ".token must be plain ASCII without blanks, 512 characters at most"),
        ("token", 'token = "a b"', ".token must be plain ASCII without blanks, 512 characters at most"),
        ("tax_no", 'tax_no = "123"', f".tax_no {TAX_NO}"),
        ("url", 'url = "issuer.example"', '.url must begin with "http://" or "https://"'),
        ("url", 'url = "https://h:99999/"', ".url must be a URL"),
        ("url", 'url = "https://u:p@h/"', ".url must be scheme, host and path only: no user, no query, no fragment"),
        ("url", 'url = "http://h/a/b/c"', f".url {PLAIN_HTTP}"),
        ("token", 'token_url = "http://h/"', f".token_url {PLAIN_HTTP}"),
        ("app_key", 'app_key = "a b"', ".app_key must be plain ASCII without blanks"),
        ("token", 'token = "x"\namount_limit = "much"', ".amount_limit must be a number"),
        ("token", 'token = "x"\nstrict_tax_no = "perhaps"', ".strict_tax_no must be true or false"),
        ("token", 'token = "x"\nzero_rate = { x = "zero" }', f".zero_rate {ZERO_RATE}"),
        ("token", 'token = "x"\nzero_rate = { 6 = "free" }', ".zero_rate.6 must be one of: exempt, untaxed, zero"),
        ("token", 'token = "x"\nnatural_person = "no"', ".natural_person must be one of: auto, always, never"),
        ("token", 'token = "x"\ndefault_kind = "fax"', f".default_kind must be one of: {', '.join(Kind)}"),
    ],
)
def test_a_wrong_issuer_setting_is_one_line_naming_it(tmp_path: Path, key: str, setting: str, line: str) -> None:
    merchant, issuer = halves()

    lines = refusal(written(tmp_path, merchant + replaced(key, setting, issuer)))

    assert lines == [f"{tmp_path}/syncd.toml: issuers.main{line}"]


@pytest.mark.parametrize("party", ["wdt", "top", "yuannian"])
def test_an_issuer_must_not_have_the_name_of_another_party_s_lane(tmp_path: Path, party: str) -> None:
    text = GOOD.replace('issuer = "main"', f'issuer = "{party}"').replace("[issuers.main]", f"[issuers.{party}]")

    lines = refusal(written(tmp_path, text))

    named = f'issuers.{party} "{party}" is the name of another party\'s lane; choose another'
    assert lines == [f"{tmp_path}/syncd.toml: {named}"]


@pytest.mark.parametrize(
    ("section", "setting", "line"),
    [
        ("pol", "x = 1", 'pol is not a setting (did you mean "poll"?)'),
        ("poll", "zzzzzz = 1", "poll.zzzzzz is not a setting"),
        ("engine", "kind = 'celery'", "engine.kind must be one of: embedded, distributed"),
        (
            "engine",
            "kind = 'distributed'",
            'engine.kind "distributed" needs a store on PostgreSQL: set store.url to postgresql://…',
        ),
        ("store", "url = 'syncd.db'", 'store.url must begin with "sqlite:///" or "postgresql://"'),
        ("poll", "settle = 'soon'", 'poll.settle must be a span such as "90s", "5m", "2h", "1d" or "1h30m"'),
        ("poll", "step = '30d'", "poll.step must be at least three seconds below 30 days"),
        ("poll", "start = 'today'", 'poll.start must look like "2026-11-01 00:00:00" (Beijing time)'),
        ("poll", "start = 5", 'poll.start must look like "2026-11-01 00:00:00" (Beijing time)'),
        ("poll", "page_size = 0", "poll.page_size must be at least 1"),
        ("poll", "page_size = 201", "poll.page_size must be at most 200"),
        ("schedule", "push = 0", "schedule.push must be longer than nothing"),
        ("schedule", "reconcile = '25:00'", 'schedule.reconcile must look like "02:30" (Beijing time)'),
        ("schedule", "reconcile = 9000", 'schedule.reconcile must look like "02:30" (Beijing time)'),
        ("push", "on_cancel_after_issue = 'red'", "push.on_cancel_after_issue must be one of: hold"),
        ("write_back", "batch = 51", "write_back.batch must be at most 50"),
        ("log", "level = 'loud'", "log.level must be one of: debug, info, warning, error"),
        ("console", "listen = '8650'", 'console.listen must look like "127.0.0.1:8650"'),
        ("console", "listen = '0.0.0.0:8650'", f"console.listen {EXPOSED}"),
        ("console", "listen = '[::]:8650'", f"console.listen {EXPOSED}"),
        ("console", "listen = 'syncd.example:8650'", f"console.listen {EXPOSED}"),
        ("merchants", "name = 'm001'", "merchants must be a list of tables"),
    ],
)
def test_a_wrong_setting_is_one_line_naming_its_key(tmp_path: Path, section: str, setting: str, line: str) -> None:
    assert refusal(written(tmp_path, f"[{section}]\n{setting}\n")) == [f"{tmp_path}/syncd.toml: {line}"]


def test_a_value_where_a_table_belongs_is_one_line(tmp_path: Path) -> None:
    assert refusal(written(tmp_path, "poll = 3\n")) == [f"{tmp_path}/syncd.toml: poll must be a table"]


def test_a_missing_secret_says_every_way_to_give_it(tmp_path: Path) -> None:
    lines = changed(tmp_path, WDT_SECRET, "")

    ways = "(give it here, as secret_file, in the environment or in a secrets directory)"
    assert lines == [f"syncd.toml: merchants.m001.wdt.secret is missing {ways}"]


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace(WDT_SECRET, "secrt = 1").replace('tax_no = "339902999999789113"', "") + "[poll]\npage_size=900"

    assert len(refusal(written(tmp_path, text))) == 4


def test_two_merchants_may_not_share_a_name(tmp_path: Path) -> None:
    text = GOOD.partition("[issuers")[0] + SECOND.replace("m002", "m001") + "[issuers" + GOOD.partition("[issuers")[2]

    assert refusal(written(tmp_path, text)) == [
        f'{tmp_path}/syncd.toml: merchants[1].name "m001" is used by an earlier merchant; give this one another'
    ]


def test_merchants_of_one_name_are_told_apart_by_their_place(tmp_path: Path) -> None:
    twin = SECOND.replace("m002", "m001").replace(WDT_SECRET, 'secret = "plain"')
    text = GOOD.partition("[issuers")[0] + twin + "[issuers" + GOOD.partition("[issuers")[2]

    (line,) = refusal(written(tmp_path, text))

    assert line.startswith(f"{tmp_path}/syncd.toml: merchants[1].wdt.secret must look like")


def test_an_issuer_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    (line,) = changed(tmp_path, 'issuer = "main"', 'issuer = "zzz"')

    assert line == "syncd.toml: merchants.m001.issuer names no [issuers.zzz]; there are: main"


def test_a_secret_whose_file_cannot_be_read_is_not_said_to_be_missing_as_well(tmp_path: Path) -> None:
    lines = refusal(written(tmp_path, GOOD.replace(WDT_SECRET, 'secret_file = "absent"')))

    assert len(lines) == 1
    assert "cannot be read" in lines[0]


def test_a_list_of_texts_is_not_asked_for_as_tables(tmp_path: Path) -> None:
    (line,) = refusal(written(tmp_path, "[alerts]\nurls = 5\n"))

    assert line == f'{tmp_path}/syncd.toml: alerts.urls must be a list of texts, as ["…", "…"]'


def test_two_merchants_may_not_share_a_seller_account(tmp_path: Path) -> None:
    """They would both issue every order of it."""
    twin = SECOND.replace("other_sid", "Demo_SID")
    text = GOOD.partition("[issuers")[0] + twin + "[issuers" + GOOD.partition("[issuers")[2]

    assert refusal(written(tmp_path, text)) == [
        f'{tmp_path}/syncd.toml: merchants.m002.wdt.sid is also the sid of merchant "m001"'
    ]


def test_two_merchants_of_their_own_are_fine(tmp_path: Path) -> None:
    text = GOOD.partition("[issuers")[0] + SECOND + "[issuers" + GOOD.partition("[issuers")[2]

    assert [merchant.name for merchant in load(written(tmp_path, text), {}).merchants] == ["m001", "m002"]


@pytest.mark.parametrize(
    ("text", "where"),
    [("[poll\n", "line 1"), ('\nx = "a', "line 2"), ("a = 1\na = 2\n", "line 2"), ("[a]\nb = c\n", "line 2")],
)
def test_a_syntax_error_is_one_line(tmp_path: Path, text: str, where: str) -> None:
    lines = refusal(written(tmp_path, text))

    assert len(lines) == 1
    assert where in lines[0].removeprefix(str(tmp_path))


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'x = "\xff"')

    assert refusal(tmp_path / "absent.toml") == [f"{tmp_path}/absent.toml: cannot be read (No such file or directory)"]
    assert refusal(tmp_path) == [f"{tmp_path}: cannot be read (Is a directory)"]
    assert refusal(tmp_path / "latin.toml") == [f"{tmp_path}/latin.toml: is not UTF-8 text"]


def test_a_secret_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    absent = GOOD.replace(WDT_SECRET, 'secret_file = "absent"')
    empty = GOOD.replace(WDT_SECRET, 'secret_file = "empty"')

    first = refusal(written(tmp_path, absent))
    second = refusal(written(tmp_path, empty))

    key = f"{tmp_path}/syncd.toml: merchants.m001.wdt.secret_file"
    assert f"{key} cannot be read from {tmp_path}/absent (No such file or directory)" in first
    assert f"{key} is empty: {tmp_path}/empty" in second


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("SYNCD_MERCHANTS__M01__WDT__SECRET", "a:b", 'there is no merchant "m01" in the file (did you mean "m001"?)'),
        ("SYNCD_ISSUERS__OTHER__SECRET", "a", 'there is no issuer "other" in the file'),
        ("SYNCD_POLL__PAGE_SIZ", "1", 'poll.page_siz is not a setting (did you mean "page_size"?)'),
        ("SYNCD_POLL__PAGE_SIZE", "many", "poll.page_size must be a whole number"),
        ("SYNCD_MERCHANTS__M001__WDT__SECRET", "canary", NO_COLON),
    ],
)
def test_a_problem_in_the_environment_names_the_variable(tmp_path: Path, name: str, value: str, line: str) -> None:
    assert refusal(written(tmp_path), {name: value}) == [f"environment {name}: {line}"]


def test_a_problem_in_the_secrets_directory_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "merchants__m001__wdt__secret").write_text("canary")
    (tmp_path / "issuers__main__token").write_text("")

    lines = refusal(written(tmp_path), {"SYNCD_SECRETS_DIR": str(tmp_path)})

    assert lines[0].startswith("secrets file issuers__main__token is empty")
    assert lines[1].startswith("secrets file merchants__m001__wdt__secret: merchants.m001.wdt.secret must look like")


def test_no_refusal_shows_a_value(tmp_path: Path) -> None:
    """Every value is a canary and most are wrong."""
    text = "\n".join(
        line if line.startswith("[") or not line else f'{line.split(" =")[0]} = "canary\\u0007 {index}"'
        for index, line in enumerate(GOOD.splitlines())
    )
    text += '\n[store]\nurl = "canary"\n[console]\nlisten = "canary"\ntoken = ["canary"]\n[log]\nlevel = "canary"\n'

    lines = refusal(written(tmp_path, text))

    assert len(lines) > 10
    assert not [line for line in lines if "canary" in line]


def test_a_hostile_key_cannot_break_the_line(tmp_path: Path) -> None:
    lines = refusal(written(tmp_path, '"a\\nb\\u001b[31m" = 1\n' + without("nothing")))

    assert lines == [f"{tmp_path}/syncd.toml: 'a\\nb\\x1b[31m' is not a setting"]


def test_what_is_unwise_is_a_warning_and_no_error(tmp_path: Path) -> None:
    text = GOOD.replace("http://127.0.0.1:9001", "http://wdt.example")
    text += "settle = '1m'\n[poll]\nsettle = '60s'\n[push]\nmax_read_age = '10m'\n[schedule]\npoll = '1s'\n"
    text += "[console]\nlisten = '0.0.0.0:1'\ntoken = 'short'\n"
    yuannian = "[merchants.yuannian]\nurl = 'https://y.example'\napp_id = 'demo'\ntoken = 'demo'\n"
    text = text.replace("[issuers.main]", f"{yuannian}[issuers.main]")

    warnings = load(written(tmp_path, text), {}).warnings

    assert warnings == [
        "schedule.poll = 1s is below its safe default 1m",
        "poll.settle = 1m is below its safe default 5m",
        "push.max_read_age = 10m is above its safe default 2m",
        "issuers.main.settle = 1m is below its safe default 10m",
        f"merchants.m001.wdt.url {READABLE}",
        "console.token is shorter than 16 characters",
        "merchants.m001.yuannian.sign_template is empty: the wallet part stays off, issuing goes on without it",
    ]


def test_settings_without_merchants_warn_that_nothing_will_happen(tmp_path: Path) -> None:
    assert load(written(tmp_path, ""), {}).warnings == ["there is no [[merchants]]: nothing will be polled"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"a:" + b"b" * 70_000, "is no secret: {path} is larger than 64 KiB"), (b"\xff:b", "is not UTF-8 text: {path}")],
)
def test_a_secret_file_that_holds_no_secret_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "s").write_bytes(content)

    lines = refusal(written(tmp_path, GOOD.replace(WDT_SECRET, 'secret_file = "s"')))

    named = problem.format(path=tmp_path / "s")
    assert lines[0] == f"{tmp_path}/syncd.toml: merchants.m001.wdt.secret_file {named}"


def test_a_secret_file_that_is_no_path_is_refused(tmp_path: Path) -> None:
    lines = refusal(written(tmp_path, GOOD.replace(WDT_SECRET, "secret_file = 5")))

    assert lines[0] == f"{tmp_path}/syncd.toml: merchants.m001.wdt.secret_file must be a path"


@pytest.mark.parametrize("text", ["merchants = 5", "merchants = [5]", "[merchants]\nm001 = 5", "issuers = 5"])
def test_overlays_over_a_misshapen_file_are_refused_and_do_not_crash(tmp_path: Path, text: str) -> None:
    env = {"SYNCD_MERCHANTS__M001__WDT__SECRET": "a:b", "SYNCD_ISSUERS__MAIN__SECRET": "a", "SYNCD_POLL__A__B": "c"}

    assert refusal(written(tmp_path, text), env)
