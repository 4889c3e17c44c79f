"""`syncd wallet`: the seven interfaces of Yuannian by hand, and the mirror of cards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from syncd.cli import files, options
from syncd.cli.frame import Frame, group, here, leave, wait
from syncd.cli.words import Lang, helper


def register(app: typer.Typer, lang: Lang) -> None:
    """Add `syncd wallet …`."""
    wallet = group(app, "wallet", lang)
    _register_cards(wallet, lang)
    _register_reading(wallet, lang)
    _register_signing(wallet, lang)


def _text(lang: Lang, name: str, *flags: str, metavar: str = "TEXT") -> Any:
    return typer.Option("", *flags, metavar=metavar, help=helper(lang)(f"wallet.{name}"))


def _file(lang: Lang, name: str, *flags: str, required: bool = False) -> Any:
    return typer.Option(... if required else None, *flags, metavar="FILE", help=helper(lang)(f"wallet.{name}"))


def _register_cards(wallet: typer.Typer, lang: Lang) -> None:
    text = helper(lang)

    @wallet.command("import", help=text("wallet.import"))
    def import_command(
        ctx: typer.Context,
        pairs: list[str] = typer.Argument(metavar="CARD_ID ENCRYPT_CODE...", help=text("wallet.pairs")),
        biz_code: str = _text(lang, "biz", "--biz-code"),
        access_token_file: Path | None = _file(lang, "token", "--access-token-file"),
        merchant: str | None = options.merchant(lang),
        as_json: bool = options.as_json(lang),
    ) -> None:
        from syncd.cli import wallet_cards

        frame = here(ctx)
        cards, token = _cards(frame, pairs), read_secret(frame, access_token_file)
        leave(wait(wallet_cards.bring_in(frame, merchant, cards, biz_code, token, as_json)))

    @wallet.command("status", help=text("wallet.status"))
    def status_command(
        ctx: typer.Context,
        openid: str = typer.Argument(metavar="OPENID", help=text("wallet.openid")),
        status: str = typer.Argument(metavar="STATUS", help=text("wallet.to")),
        pairs: list[str] = typer.Argument(metavar="CARD_ID ENCRYPT_CODE...", help=text("wallet.pairs")),
        access_token_file: Path | None = _file(lang, "token", "--access-token-file"),
        closure_is_final: bool = typer.Option(False, "--closure-is-final", help=text("wallet.final")),
        yes: bool = options.yes(lang),
        merchant: str | None = options.merchant(lang),
        as_json: bool = options.as_json(lang),
    ) -> None:
        from syncd.cli import wallet_cards

        frame = here(ctx)
        cards, token = _cards(frame, pairs), read_secret(frame, access_token_file)
        change = wallet_cards.Change(openid, wallet_cards.status_of(frame, status), tuple(cards), token)
        leave(wallet_cards.change(frame, merchant, change, closure_is_final, yes, as_json))

    @wallet.command("list", help=text("wallet.list"))
    def list_command(
        ctx: typer.Context, merchant: str | None = options.merchant(lang), as_json: bool = options.as_json(lang)
    ) -> None:
        from syncd.cli import wallet_cards

        wait(wallet_cards.show_mirror(here(ctx), merchant, as_json))


def _register_reading(wallet: typer.Typer, lang: Lang) -> None:
    text = helper(lang)

    @wallet.command("qrcode", help=text("wallet.qrcode"))
    def qrcode_command(
        ctx: typer.Context,
        width: int = typer.Option(
            ..., "--width", callback=options.within(lang, "--width", 1, 4000), help=text("wallet.width")
        ),
        height: int = typer.Option(
            ..., "--height", callback=options.within(lang, "--height", 1, 4000), help=text("wallet.height")
        ),
        out: Path = _file(lang, "out", "--out", required=True),
        content: str = _text(lang, "content", "--content"),
        overwrite: bool = typer.Option(False, "--overwrite", help=text("wallet.overwrite")),
        merchant: str | None = options.merchant(lang),
        as_json: bool = options.as_json(lang),
    ) -> None:
        from syncd.cli import wallet_reading

        frame = here(ctx)
        files.require_place(frame, out, overwrite=overwrite)
        found = wait(wallet_reading.ask_qrcode(frame, merchant, (width, height), content))
        wallet_reading.keep_qrcode(frame, found, out, as_json)

    @wallet.command("search", help=text("wallet.search"))
    def search_command(
        ctx: typer.Context,
        biz_code: str = _text(lang, "biz", "--biz-code"),
        number: str = _text(lang, "number", "--number"),
        code: str = _text(lang, "code", "--code"),
        since: str = _text(lang, "from", "--from", metavar="TIME"),
        until: str = _text(lang, "until", "--to", metavar="TIME"),
        tax_no: list[str] = typer.Option([], "--tax-no", metavar="TEXT", help=text("wallet.tax")),
        page: int = typer.Option(1, "--page", callback=options.within(lang, "--page", 0), help=text("wallet.page")),
        size: int = typer.Option(
            50, "--size", callback=options.within(lang, "--size", 1, 200), help=text("wallet.size")
        ),
        merchant: str | None = options.merchant(lang),
        as_json: bool = options.as_json(lang),
    ) -> None:
        from syncd.cli import wallet_reading
        from syncd.cli.moments import instant
        from syncd.domain.wallet import CardSearch

        frame = here(ctx)
        query = CardSearch(
            biz_code=biz_code,
            number=number,
            code=code,
            changed_from=instant(frame, since) if since else None,
            changed_to=instant(frame, until) if until else None,
            tax_nos=tuple(tax_no),
            page=page,
            size=size,
        )
        wait(wallet_reading.search(frame, merchant, query, as_json))


def _register_signing(wallet: typer.Typer, lang: Lang) -> None:
    text = helper(lang)

    @wallet.command("jssdk-sign", help=text("wallet.jssdk-sign"))
    def jssdk_command(
        ctx: typer.Context,
        url: str = typer.Option(..., "--url", metavar="URL", help=text("wallet.url")),
        ticket_file: Path = _file(lang, "ticket", "--ticket-file", required=True),
        noncestr: str = _text(lang, "noncestr", "--noncestr"),
        timestamp: int | None = typer.Option(
            None, "--timestamp", callback=options.within(lang, "--timestamp", 0), help=text("wallet.timestamp")
        ),
        remote: bool = typer.Option(False, "--remote", help=text("wallet.remote")),
        merchant: str | None = options.merchant(lang),
        as_json: bool = options.as_json(lang),
    ) -> None:
        from syncd.cli import wallet_signing

        frame = here(ctx)
        wallet_signing.require_web_address(frame, url)
        page = wallet_signing.page_of(url, read_secret(frame, ticket_file), noncestr, timestamp)
        wait(wallet_signing.jssdk(frame, merchant, page, remote, as_json))

    @wallet.command("sign", help=text("wallet.sign"))
    def sign_command(
        ctx: typer.Context,
        check: Path = _file(lang, "check", "--check", required=True),
        template: str = _text(lang, "template", "--template"),
        merchant: str | None = options.merchant(lang),
        as_json: bool = options.as_json(lang),
    ) -> None:
        from syncd.cli import wallet_signing

        leave(wallet_signing.check(here(ctx), merchant, check, template, as_json))


def _cards(frame: Frame, words: Sequence[str]) -> list[tuple[str, str]]:
    """(card, encrypt code) of what was typed. Raises Unusable."""
    if len(words) % 2:
        raise frame.unusable("wallet.pairs", n=len(words))
    pairs = list(zip(words[::2], words[1::2], strict=True))
    ids = [card for card, _ in pairs]
    for card in ids:
        if ids.count(card) > 1:
            raise frame.unusable("wallet.twice", card=card)
    return pairs


def read_secret(frame: Frame, file: Path | None) -> str:
    """What a file of ours holds, on one line; "" without a file. Raises Unusable."""
    if file is None:
        return ""
    text = files.read(frame, file).decode("utf-8-sig", errors="replace").strip()
    if not text or not text.isprintable():
        raise frame.unusable("wallet.unreadable", file=file)
    return text
