"""`syncd wallet`: each of the seven interfaces by its command, against the simulators."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli_world import Place, Run, World

from syncd.domain.jssdk import signature
from syncd.sandbox.yuannian import YuannianWorld

TICKET = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
PUBLISHED = "0f9de62fce790f9a083d5c99e95740ceb90c27ed"
PAGE = "http://mp.weixin.qq.com?params=value"


@pytest.fixture
def wallet(world: World) -> Iterator[YuannianWorld]:
    """The simulated platform, empty again after each test."""
    yuannian = world.sandbox.yuannian
    yuannian.switches.allow_cancel = True
    yield yuannian
    yuannian.cards.clear()
    yuannian.imports.clear()
    yuannian.changes.clear()
    yuannian.switches = type(yuannian.switches)()


@pytest.fixture
def place(place: Place, world: World) -> Place:
    """An installation with a wallet."""
    told = world.sandbox.describe()["yuannian"]
    lines = "".join(f'{key} = "{value}"\n' for key, value in told.items())
    place.change(
        "[issuers.main]", f"[merchants.yuannian]\n{lines}allow_cancel = true\ncalls_per_minute = 6000\n[issuers.main]"
    )
    return place


def rows(place: Place) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(place.store)) as db:
        return db.execute("SELECT card_id, number, status, own_account FROM card ORDER BY number").fetchall()


def put(wallet: YuannianWorld, last: int = 1, **more: Any) -> Any:
    return wallet.put_card(f"2633200000000000000{last}", openid="o1", **more)


# -- import, status ----------------------------------------------------------------------------------------------------


def test_cards_are_imported_shown_and_kept(run: Run, place: Place, wallet: YuannianWorld) -> None:
    first, second = put(wallet, 1), put(wallet, 2, status="LOCK")

    done = run(
        "wallet", "import", first.card_id, first.encrypt_code, second.card_id, second.encrypt_code, "--biz-code", "BX1"
    )

    assert done.exit_code == 0, done.output
    assert "locked: being reimbursed" in done.stdout
    assert "2 of 2 imported" in done.stdout
    assert first.encrypt_code not in done.output
    assert [row[1:3] for row in rows(place)] == [
        (first.number, "INVOICE_REIMBURSE_INIT"),
        (second.number, "INVOICE_REIMBURSE_LOCK"),
    ]
    assert {one.biz_code for one in wallet.imports} == {"BX1"}


def test_a_card_that_is_not_taken_is_named_and_spoils_no_other(run: Run, place: Place, wallet: YuannianWorld) -> None:
    card = put(wallet)
    for unknown in ("item", "missing", "refuse"):
        wallet.switches.unknown_card = unknown  # type: ignore[assignment]

        done = run("wallet", "import", card.card_id, card.encrypt_code, "other", "wrong", "--json")

        assert done.exit_code == 1
        told = {one["card_id"]: one["imported"] for one in json.loads(done.stdout)}
        assert told == {card.card_id: True, "other": False}
    assert len(rows(place)) == 1


def test_through_our_own_account_the_h5_interfaces_are_used(
    run: Run, place: Place, wallet: YuannianWorld, tmp_path: Path
) -> None:
    wallet.add_access_token("demo_access", "shop")
    (tmp_path / "access").write_text("demo_access\n")
    card = put(wallet)
    token = ("--access-token-file", "access")

    shown = run("wallet", "import", card.card_id, card.encrypt_code, *token, "--json")
    (told,) = json.loads(shown.stdout)
    locked = run("wallet", "status", told["openid"], "LOCK", card.card_id, card.encrypt_code, *token)

    assert (shown.exit_code, locked.exit_code) == (0, 0), shown.output + locked.output
    assert (card.status, card.locked_by) == ("INVOICE_REIMBURSE_LOCK", "shop")
    assert rows(place)[0][3] == 1


def test_a_status_is_changed_seen_and_kept_with_who_did_it(run: Run, place: Place, wallet: YuannianWorld) -> None:
    card = put(wallet)

    done = run("wallet", "status", "o1", "lock", card.card_id, card.encrypt_code)

    assert done.exit_code == 0, done.output
    assert card.status == "INVOICE_REIMBURSE_LOCK"
    assert rows(place)[0][2] == "INVOICE_REIMBURSE_LOCK"
    with closing(sqlite3.connect(place.store)) as db:
        (facts,) = db.execute("SELECT facts FROM journal WHERE event = 'wallet.status_set'").fetchone()
    assert json.loads(facts)["status"] == "LOCK"
    assert json.loads(facts)["by"]


def test_closure_needs_its_own_word(run: Run, wallet: YuannianWorld, place: Place) -> None:
    """It cannot be undone: --yes is not enough, and neither is typing anything else."""
    card = put(wallet)
    close = ("wallet", "status", "o1", "CLOSURE", card.card_id, card.encrypt_code)

    unasked = run(*close, "--yes")
    declined = [run(*close, input=typed).exit_code for typed in (None, "yes\n", "closure\n")]
    assert (unasked.exit_code, declined) == (2, [1, 1, 1])  # declining is told as `retry` tells it
    assert wallet.changes == []
    typed_out = run(*close, input="CLOSURE\n")

    assert typed_out.exit_code == 0, typed_out.output
    assert [change.after.rpartition("_")[2] for change in wallet.changes] == ["LOCK", "CLOSURE"]


def test_closure_can_be_said_in_a_script(run: Run, wallet: YuannianWorld, place: Place) -> None:
    """WeChat closes only what is locked: it is locked first."""
    card = put(wallet)

    done = run("wallet", "status", "o1", "CLOSURE", card.card_id, card.encrypt_code, "--closure-is-final")

    assert (done.exit_code, card.status) == (0, "INVOICE_REIMBURSE_CLOSURE"), done.output


def test_cancel_asks_and_only_where_it_is_allowed(run: Run, wallet: YuannianWorld, place: Place) -> None:
    card = put(wallet)
    cancel = ("wallet", "status", "o1", "INVOICE_REIMBURSE_CANCEL", card.card_id, card.encrypt_code)

    declined = run(*cancel, input="n\n")
    done = run(*cancel, "--yes")
    place.change("allow_cancel = true", "allow_cancel = false")
    forbidden = run(*cancel, "--yes")

    assert (declined.exit_code, done.exit_code, forbidden.exit_code) == (1, 0, 2)
    assert len(wallet.changes) == 1
    assert "allow_cancel" in forbidden.output


def test_a_disarmed_store_changes_no_card(run: Run, wallet: YuannianWorld, place: Place) -> None:
    card = put(wallet)
    with closing(sqlite3.connect(place.store)) as db:
        db.execute("UPDATE instance SET armed = 0, why = 'restored'")
        db.commit()

    refused = run("wallet", "status", "o1", "LOCK", card.card_id, card.encrypt_code)

    assert (refused.exit_code, wallet.changes) == (4, [])


def test_a_lost_answer_says_look_first(run: Run, wallet: YuannianWorld, place: Place) -> None:
    card = put(wallet)
    wallet.faults.force("status.update", "lost_after")

    done = run("wallet", "status", "o1", "LOCK", card.card_id, card.encrypt_code)

    assert done.exit_code == 1
    assert "wallet import" in done.output


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("import", "c1"), "pairs"),
        (("import", "c1", "x", "c1", "y"), "twice"),
        (("status", "o1", "LENT", "c1", "x"), "LENT"),
        (("search", "--from", "yesterday"), "yesterday"),
        (("qrcode", "--width", "0", "--height", "1", "--out", "x.png"), "width"),
        (("import", "c1", "x", "--merchant", "m009"), "m009"),
        (("search", "--size", "201"), "--size must be from 1 to 200, not 201"),
        (("search", "--page", "-1"), "--page must be at least 0"),
        (("jssdk-sign", "--ticket-file", "secret", "--url", "ftp:/x"), "ftp:/x"),
        (("jssdk-sign", "--ticket-file", "nofile", "--url", PAGE), "nofile cannot be read: no such file"),
        (("import", "c1", "x", "--access-token-file", "nofile"), "nofile cannot be read"),
        (("qrcode", "--width", "9", "--height", "9", "--out", "nowhere/x.png"), "cannot be written: no such folder"),
        (("qrcode", "--width", "9", "--height", "9", "--out", "syncd.toml"), "is there already"),
        (("sign", "--check", "syncd.toml"), "syncd.toml"),
        (("sign", "--check", "nofile"), "nofile cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(
    run: Run, wallet: YuannianWorld, place: Place, args: tuple[str, ...], said: str
) -> None:
    calls = wallet.calls.by_method.total()

    refused = run("wallet", *args)

    assert refused.exit_code == 2
    assert said in refused.output
    assert wallet.calls.by_method.total() == calls


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("qrcode", "--width", "0", "--height", "1", "--out", "x.png"), "--width 应在 1 到 4000 之间，不能是 0。"),
        (("jssdk-sign", "--ticket-file", "nofile", "--url", PAGE), "无法读取 nofile：文件不存在"),
    ],
)
def test_a_slip_is_told_in_the_readers_language(run: Run, place: Place, args: tuple[str, ...], said: str) -> None:
    refused = run("wallet", *args, lang="zh")

    assert (refused.exit_code, refused.output.strip()) == (2, said)


def test_why_a_card_was_not_taken_is_said_or_that_nobody_said_it(run: Run, place: Place, wallet: YuannianWorld) -> None:
    card = put(wallet)

    wallet.switches.unknown_card = "missing"
    silent = run("wallet", "import", card.card_id, card.encrypt_code, "other", "wrong", lang="zh")
    wallet.switches.unknown_card = "refuse"
    refused = run("wallet", "import", card.card_id, card.encrypt_code, "other", "wrong", lang="zh")
    alone = run("wallet", "import", "other", "wrong", lang="zh")

    assert "other (平台没有说明原因" in silent.stderr
    for told in (refused.stderr, alone.stderr):
        assert told.count("72031") == 1
        assert "元年 72031：" in told
        assert "没有说明" not in told


# -- search, qrcode ----------------------------------------------------------------------------------------------------


def test_a_search_shows_each_card_once_and_says_that_imports_are_counted(
    run: Run, place: Place, wallet: YuannianWorld
) -> None:
    card = put(wallet, gross="105.00")
    for _ in range(3):
        run("wallet", "import", card.card_id, card.encrypt_code, "--biz-code", "BX1")

    found = run("wallet", "search", "--number", card.number, "--json")
    shown = run("wallet", "search", "--biz-code", "BX1", "--from", "2026-01-01 00:00:00", lang="zh")
    told = json.loads(found.stdout)

    assert (told["count"], len(told["cards"]), told["cards"][0]["gross"]) == (3, 1, "105.00")
    assert told["cards"][0]["billed_on"] != "1970-01-19"
    assert "未锁定" in shown.stdout
    assert "平台计 3 次导入" in shown.stdout


def test_a_qr_code_is_written_to_a_file(run: Run, place: Place, wallet: YuannianWorld) -> None:
    done = run("wallet", "qrcode", "--width", "100", "--height", "100", "--content", "BX1", "--out", "qr.png")

    assert done.exit_code == 0, done.output
    assert (place.folder / "qr.png").read_bytes().startswith(b"\x89PNG")

    (place.folder / "qr.png").write_bytes(b"another")
    again = ("wallet", "qrcode", "--width", "100", "--height", "100", "--out", "qr.png")
    assert (run(*again).exit_code, (place.folder / "qr.png").read_bytes()) == (2, b"another")
    assert run(*again, "--overwrite").exit_code == 0
    assert (place.folder / "qr.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_no_picture_is_not_written(run: Run, place: Place, wallet: YuannianWorld) -> None:
    wallet.switches.qr_image = "html"

    done = run("wallet", "qrcode", "--width", "100", "--height", "100", "--out", "qr.png")

    assert done.exit_code == 1
    assert not (place.folder / "qr.png").exists()


# -- signatures --------------------------------------------------------------------------------------------------------


def test_a_page_is_signed_here_and_by_the_platform_alike(run: Run, place: Place, wallet: YuannianWorld) -> None:
    (place.folder / "ticket").write_text(f"{TICKET}\n")
    page = ("--url", f"{PAGE}#top", "--noncestr", "Wm3WZYTPz0wzccnW", "--timestamp", "1414587457")
    calls = wallet.calls.by_method.total()

    here = run("wallet", "jssdk-sign", "--ticket-file", "ticket", *page)
    nobody_was_asked = wallet.calls.by_method.total() == calls
    there = run("wallet", "jssdk-sign", "--ticket-file", "ticket", *page, "--remote", "--json")

    assert here.stdout.strip() == PUBLISHED == json.loads(there.stdout)["signature"]
    assert nobody_was_asked


def test_what_was_drawn_for_a_signature_is_shown_with_it(run: Run, place: Place) -> None:
    (place.folder / "ticket").write_text(TICKET)

    done = run("wallet", "jssdk-sign", "--ticket-file", "ticket", "--url", PAGE)

    told = dict(line.split() for line in done.stdout.splitlines())
    assert set(told) == {"noncestr", "timestamp", "signature"}
    assert told["signature"] == signature(TICKET, told["noncestr"], int(told["timestamp"]), PAGE)


def test_a_page_can_be_signed_without_any_settings(run: Run, place: Place) -> None:
    place.settings.unlink()
    (place.folder / "ticket").write_text("t")

    done = run("wallet", "jssdk-sign", "--ticket-file", "ticket", "--url", PAGE, "--json")

    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)["signature"]) == 40


def captured(place: Place, world: World) -> dict[str, Any]:
    """A request of a client that works."""
    from syncd.domain.clock import SystemClock
    from syncd.wire.yuannian.envelope import enveloped, header
    from syncd.wire.yuannian.sign import SignRule

    rule = SignRule("preset:top_style", secret="demo_secret")
    fields = header("100002", world.sandbox.yuannian.token, SystemClock().now())
    request: dict[str, Any] = json.loads(enveloped(fields, {"bizCode": "BX1"}, rule))
    (place.folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
    return request


def test_a_captured_request_shows_whether_the_template_is_right(run: Run, place: Place, world: World) -> None:
    request = captured(place, world)

    right = run("wallet", "sign", "--check", "request.json")
    wrong = run("wallet", "sign", "--check", "request.json", "--template", "{secret}{token}", "--json")
    senseless = run("wallet", "sign", "--check", "request.json", "--template", "{nothing}")

    assert right.exit_code == 0, right.output
    assert "It agrees: preset:top_style" in right.stdout
    assert "demo_secret" not in right.output
    assert request["header"]["token"] not in right.output
    assert wrong.exit_code == 1
    told = json.loads(wrong.stdout)
    assert (told["agrees"], told["made"]["preset:top_style"]) == (False, request["header"]["sign"])
    assert senseless.exit_code == 2


# -- the mirror, settings ----------------------------------------------------------------------------------------------


def test_the_mirror_is_listed_without_whose_cards_they_are(run: Run, place: Place, wallet: YuannianWorld) -> None:
    card = put(wallet, title="某某公司")
    empty = run("wallet", "list")
    run("wallet", "import", card.card_id, card.encrypt_code)

    shown = run("wallet", "list")
    told = json.loads(run("wallet", "list", "--json").stdout)

    assert "No cards." in empty.stdout
    assert card.number in shown.stdout
    assert told[0]["status"] == "INVOICE_REIMBURSE_INIT"
    for secret in ("o1", "某某公司", card.encrypt_code):
        assert secret not in shown.stdout + json.dumps(told, ensure_ascii=False)


def test_an_order_tells_of_the_card_its_invoice_lies_in(run: Run, place: Place, wallet: YuannianWorld) -> None:
    with closing(sqlite3.connect(place.store)) as db:
        no, number = db.execute(
            "SELECT o.no, i.number FROM invoice_order o JOIN invoice i ON i.order_id = o.id LIMIT 1"
        ).fetchone()
    card = wallet.put_card(number, openid="o1", status="LOCK")
    run("wallet", "import", card.card_id, card.encrypt_code)

    said = run("explain", no)
    told = json.loads(run("explain", no, "--json").stdout)["cards"]
    in_chinese = run("explain", no, lang="zh")

    assert f"WeChat card {card.card_id} (invoice {number}): locked" in said.stdout
    assert "报销中（锁定）" in in_chinese.stdout
    assert [(one["card_id"], one["status"]) for one in told] == [(card.card_id, "INVOICE_REIMBURSE_LOCK")]


def test_without_a_template_every_command_says_why_and_check_too(run: Run, place: Place, wallet: YuannianWorld) -> None:
    place.change('sign_template = "preset:top_style"', 'sign_template = ""')

    refused = run("wallet", "search")
    checked = run("check", "--json")

    assert refused.exit_code == 2
    assert "sign_template" in refused.output
    found = [one for one in json.loads(checked.stdout) if one["subject"] == "m001/yuannian"]
    assert [one["level"] for one in found] == ["fail"]
    assert checked.exit_code == 1


def test_check_asks_the_platform_and_warns_of_a_token_about_to_end(
    run: Run, place: Place, wallet: YuannianWorld, world: World
) -> None:
    fine = run("check", "--json")
    place.change(wallet.token, wallet.issue_token(3600))
    ending = run("check", "--json")
    place.change('app_id = "100002"', 'app_id = "100009"')
    wrong = run("check", "--json")

    def levels(done: Any) -> list[str]:
        return [one["level"] for one in json.loads(done.stdout) if one["subject"] == "m001/yuannian"]

    assert (levels(fine), levels(ending), levels(wrong)) == (["ok"], ["ok", "warn"], ["fail", "warn"])


def test_a_merchant_must_be_named_where_several_have_a_wallet(run: Run, place: Place, wallet: YuannianWorld) -> None:
    text = place.settings.read_text("utf-8")
    whole = text[text.index("[[merchants]]") : text.index("[issuers.main]")]
    other = whole.replace("m001", "m002").replace("demo_sid", "demo_sid2")
    place.settings.write_text(text.replace("[issuers.main]", f"{other}[issuers.main]"), "utf-8")

    unnamed = run("wallet", "search")
    named = run("wallet", "search", "--merchant", "m001")

    assert (unnamed.exit_code, named.exit_code) == (2, 0), unnamed.output + named.output
    assert "m001, m002" in unnamed.output


def test_the_lane_is_listed_and_paused_like_the_others(run: Run, place: Place, wallet: YuannianWorld) -> None:
    paused = run("lane", "pause", "m001/yuannian", "--reason", "maintenance")
    listed = {one["lane"]: one["state"] for one in json.loads(run("lane", "list", "--json").stdout)}

    assert paused.exit_code == 0, paused.output
    assert listed["m001/yuannian"] == "paused"
