"""Settings of [merchants.yuannian]: the account through which buyers' WeChat cards are read and told."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from syncd.config.section import PACE, PLAIN_HTTP, TIMEOUT, Section
from syncd.config.values import (
    Instant,
    Interval,
    OptionalSecret,
    OptionalUrl,
    Says,
    Span,
    Text,
    Url,
    Word,
)


def _template(text: str) -> str:
    from syncd.wire.yuannian.sign import spelled_out

    if text:
        spelled_out(text)  # BadTemplate is a ValueError
    return text


def _path(text: str) -> str:
    if not re.fullmatch(r"/[!-~]*", text):
        raise ValueError('must begin with "/" and be plain ASCII without blanks')
    return text


def _fields(table: dict[str, str]) -> dict[str, str]:
    from syncd.wire.yuannian.token import references_of

    if unknown := references_of(table):
        raise ValueError(f'"{unknown[0]}" is neither $app_id nor $secret')
    return table


class Yuannian(Section):
    """A merchant's account at Yuannian, optional; 元年账号（可选）."""

    url: Annotated[Url, Says("address of the platform", "平台地址")]
    app_id: Annotated[Word, Says("application id", "应用 appId")]
    token: Annotated[
        OptionalSecret, Says("token sent with each call; or token_file, or token_url", "调用令牌（三者选一）")
    ] = SecretStr("")
    token_file: Annotated[
        Text, Says("file that holds the token, read again whenever it changes", "令牌文件，内容变化后自动重读")
    ] = ""
    token_url: Annotated[OptionalUrl, Says("where tokens are fetched", "令牌获取地址")] = ""
    token_fields: Annotated[
        dict[str, str],
        AfterValidator(_fields),
        Says("fields of that request; $app_id and $secret stand for the account's own", "令牌请求的字段"),
    ] = Field(
        default_factory=lambda: {
            "grant_type": "client_credentials",
            "client_id": "$app_id",
            "client_secret": "$secret",
        }
    )
    token_format: Annotated[Literal["form", "json"], Says("how they are sent", "令牌请求的格式")] = "form"
    token_path: Annotated[
        Text, Field(min_length=1), Says("where the token stands in the answer, as data.token", "应答中令牌的位置")
    ] = "access_token"
    token_life: Annotated[
        Interval, Says("how long a fetched token lives where the answer does not say", "令牌有效期（应答未说明时）")
    ] = timedelta(hours=2)
    secret: Annotated[OptionalSecret, Says("secret of the signature", "签名密钥")] = SecretStr("")
    sign_template: Annotated[
        Text,
        AfterValidator(_template),
        Says(
            "the text that is signed, of {secret} {header_kv_sorted} {header_qs_sorted} {token} {timestamp} {appId}"
            " {body_json}; or preset:top_style, preset:qs_key. Not published: empty leaves this part off",
            "签名原文模板，或 preset:top_style、preset:qs_key；官方未公布，留空则本功能不启用",
        ),
    ] = ""
    sign_digest: Annotated[Literal["md5", "sha1", "sha256", "hmac-sha256"], Says("digest", "摘要算法")] = "md5"
    sign_case: Annotated[Literal["upper", "lower"], Says("of its hex digits", "大小写")] = "upper"
    sign_exclude: Annotated[
        tuple[Text, ...], Says("header fields left out of the text", "不参与签名的 header 字段")
    ] = ("sign",)
    sign_body: Annotated[
        Literal["compact", "sorted", "none"],
        Says("how the body is written to be signed and sent; none: not signed", "签名中 body 的写法"),
    ] = "compact"
    qrcode_path: Annotated[
        Text, AfterValidator(_path), Says("path of the QR interface, printed grcode too", "二维码接口路径")
    ] = "/openapi/invoice/wechat/qrcode"
    access_token_file: Annotated[
        Text,
        Says(
            "file with the access_token of the merchant's own official account, for cards taken through it",
            "自有公众号 access_token 文件（H5 导入的卡券用）",
        ),
    ] = ""
    red_guard: Annotated[
        Literal["off", "warn", "block"],
        Says("what a reimbursed blue invoice does to its red one", "红冲前报销状态检查"),
    ] = "warn"
    red_guard_unknown: Annotated[
        Literal["go", "wait"], Says("with block: what a state nobody can tell does", "状态未知时放行或等待")
    ] = "go"
    red_guard_lock: Annotated[
        Interval, Says("with block: how long a lock is waited out before a person decides", "锁定等待上限")
    ] = timedelta(days=7)
    allow_cancel: Annotated[
        bool,
        Says(
            "set a card to CANCEL once its invoice was reversed; whether it is accepted is not said", "冲红后置 CANCEL"
        ),
    ] = False
    search_every: Annotated[Interval, Says("how often changed cards are read", "查询变更的间隔")] = timedelta(
        minutes=15
    )
    search_start: Annotated[
        Instant | None, Says("first change read, Beijing time; none: from now", "起始时间（北京时间）")
    ] = None
    search_settle: Annotated[Span, Says("how far its end stays behind the present", "窗口收尾等待")] = timedelta(
        seconds=300
    )
    search_own_tax_no: Annotated[bool, Says("ask for the cards of our own tax number only", "仅查询本企业税号")] = True
    retry_codes: Annotated[tuple[Text, ...], Says("answer codes after which it is tried again", "可重试的应答码")] = ()
    account_codes: Annotated[tuple[Text, ...], Says("answer codes that mean the account", "账号类应答码")] = ()
    refused_codes: Annotated[tuple[Text, ...], Says("answer codes that mean no, for good", "明确拒绝的应答码")] = ()
    calls_per_minute: Annotated[int, Field(ge=1, le=6_000), PACE] = 60
    ca_file: Annotated[
        Text, Says("authority of the platform's certificate, beside the host's", "平台证书的 CA 文件")
    ] = ""
    timeout: Annotated[Interval, TIMEOUT] = timedelta(seconds=20)
    allow_plain_http: Annotated[bool, PLAIN_HTTP] = False

    @model_validator(mode="after")
    def _one_source_of_tokens(self) -> Self:
        named = [bool(self.token.get_secret_value()), bool(self.token_file), bool(self.token_url)]
        if sum(named) != 1:
            raise ValueError("needs one of token, token_file and token_url")
        return self
