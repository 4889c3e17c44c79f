"""Settings of the parties: a merchant's WDT, Alibaba and Yuannian accounts, and the issuers' accounts."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from syncd.config.section import PACE, PLAIN_HTTP, TIMEOUT, Section
from syncd.config.values import (
    Interval,
    Name,
    OptionalSecret,
    OptionalUrl,
    Safe,
    Says,
    Secret,
    Span,
    Text,
    Url,
    Word,
)
from syncd.config.yuannian import Yuannian
from syncd.domain.application import LINK_FIELDS
from syncd.domain.invoice import Kind


def _with_salt(value: SecretStr) -> SecretStr:
    secret, colon, salt = value.get_secret_value().partition(":")
    if not colon:
        raise ValueError('must look like "secret:salt" (no colon found)')
    if not secret or not salt:
        raise ValueError('must look like "secret:salt" (one side is empty)')
    return value


def _version(text: str) -> str:
    if not re.fullmatch(r"\d+(\.\d+){1,4}", text, re.ASCII):
        raise ValueError('must look like "1.5.8.4"')
    return text


class Wdt(Section):
    """A merchant's WDT account; 旺店通接口账号."""

    url: Annotated[Url, Says("address of the open interface", "接口地址")]
    sid: Annotated[Word, Says("seller account", "卖家账号")]
    key: Annotated[Word, Says("interface account", "接口账号 key")]
    secret: Annotated[
        Secret, AfterValidator(_with_salt), Says('"secret:salt" as WDT shows it', "密钥，形如 secret:salt")
    ]
    client_version: Annotated[
        Text, AfterValidator(_version), Says("the merchant's WDT client version", "客户端版本")
    ] = "1.5.8.4"
    calls_per_minute: Annotated[int, Field(ge=1, le=60_000), PACE] = 50
    timeout: Annotated[Interval, TIMEOUT] = timedelta(seconds=20)
    empty_invoice_code: Annotated[
        Text,
        Says(
            "what to write as invoice_code of a fully digital invoice; invoice_no_prefix12: the head of its number",
            "数电票的发票代码填写值；invoice_no_prefix12 为号码前 12 位",
        ),
    ] = ""
    failed_file_url: Annotated[
        OptionalUrl, Says("file_url of a failure report, for clients before 1.5.8.4", "失败回传的 file_url")
    ] = ""
    allow_plain_http: Annotated[
        bool, Says("the official address is plain http; false refuses it", "允许明文 http（官方地址即为 http）")
    ] = True

    def secret_and_salt(self) -> tuple[str, str]:
        """The two parts of `secret`, cut at the first colon."""
        secret, _, salt = self.secret.get_secret_value().partition(":")
        return secret, salt


def _pattern(text: str) -> str:
    try:
        compiled = re.compile(text)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    if compiled.groups > 1:
        raise ValueError("must have one group at most")
    return text


def _link_field(name: str) -> str:
    if name and name not in LINK_FIELDS:
        raise ValueError(f"must be empty or one of {', '.join(LINK_FIELDS)}")
    return name


def _digital_code(text: str) -> str:
    if not re.fullmatch(r"omit|empty|invoice_no_prefix12|literal:.{1,40}", text):
        raise ValueError('must be omit, empty, invoice_no_prefix12 or "literal:TEXT" (TEXT of 1 to 40 characters)')
    return text


class Alibaba(Section):
    """A merchant's account at Alibaba's invoice centre, optional; 阿里发票中台账号（可选）."""

    url: Annotated[Url, Says("address of the gateway", "网关地址")] = "https://eco.taobao.com/router/rest"
    app_key: Annotated[Word, Says("application key", "应用 app_key")]
    secret: Annotated[Secret, Says("application secret", "应用密钥")]
    session: Annotated[OptionalSecret, Says("shop's session key", "店铺授权 session")] = SecretStr("")
    sign_method: Annotated[Literal["hmac-sha256", "hmac", "md5"], Says("how calls are signed", "签名方式")] = (
        "hmac-sha256"
    )
    return_api: Annotated[
        Literal["core_inv_upload", "detail_upload", "none"],
        Says("which call returns a missing invoice; none parks it for a person", "回传缺失发票所用接口"),
    ] = "core_inv_upload"
    digital_invoice_code: Annotated[
        Text,
        AfterValidator(_digital_code),
        Says(
            "code of a fully digital invoice: omit, empty, invoice_no_prefix12 or literal:TEXT",
            "数电票的发票代码：不传、空、号码前 12 位或固定文本",
        ),
    ] = "omit"
    upload_file_mode: Annotated[
        Literal["base64", "multipart"], Says("how core_inv_upload sends the file", "发票文件的上传方式")
    ] = "base64"
    calls_per_second: Annotated[
        int, Field(ge=1, le=1_000), Says("calls a second this application may make", "应用每秒调用上限")
    ] = 5
    calls_per_day: Annotated[
        int, Field(ge=1, le=10_000_000), Says("calls a day (Beijing) it may make", "应用每天调用上限（北京时间）")
    ] = 4_000
    grace: Annotated[
        Interval,
        Safe.AT_LEAST,
        Says("how long after a return the centre is asked again for the first time", "回传后首次再问的等待时间"),
    ] = timedelta(seconds=120)
    partial: Annotated[
        bool,
        Says('say "issued in part" (inv_part_success) where some of several failed', "部分开具时回传 inv_part_success"),
    ] = False
    read_first: Annotated[
        bool, Says("read an application and compare it before it is ended", "完结前先读取申请并核对")
    ] = True
    tmc: Annotated[bool, Says("read applications from the platform's message queue", "从消息队列（TMC）读取申请")] = (
        False
    )
    tmc_group: Annotated[Text, Says("message group; empty: the default one", "消息分组，空为默认")] = ""
    seller_nick: Annotated[
        Text,
        Says("name of the shop in messages, needed where shops share a queue", "店铺昵称，多店铺共用消息队列时必填"),
    ] = ""
    link_field: Annotated[
        Text,
        AfterValidator(_link_field),
        Says(f"field of a WDT row that names its application: {', '.join(LINK_FIELDS)}", "旺店通中存放申请编号的字段"),
    ] = ""
    link_pattern: Annotated[
        Text,
        AfterValidator(_pattern),
        Says(
            "regular expression whose first group is the id; empty: the whole field", "提取申请编号的正则（第一个分组）"
        ),
    ] = ""
    link_by_trade: Annotated[
        bool, Says("link an application to the one order with its trade number", "按交易号自动关联申请")
    ] = False
    timeout: Annotated[Interval, TIMEOUT] = timedelta(seconds=20)
    allow_plain_http: Annotated[bool, PLAIN_HTTP] = False

    @model_validator(mode="after")
    def _can_work(self) -> Self:
        if self.return_api == "detail_upload" and not self.session.get_secret_value():
            raise ValueError('return_api = "detail_upload" needs the shop\'s session')
        if self.link_pattern and not self.link_field:
            raise ValueError("link_pattern needs link_field, the field it is looked for in")
        return self


class Merchant(Section):
    """One merchant, repeatable; 商户（可多个）."""

    name: Annotated[Name, Says("short name, used in every list and key", "商户代号")]
    issuer: Annotated[Name, Says("NAME of the [issuers.NAME] that issues for it", "所用开票平台")]
    wdt: Annotated[Wdt, Says("its WDT account", "旺店通账号")]
    alibaba: Annotated[Alibaba | None, Says("its account at Alibaba's invoice centre", "阿里发票中台账号")] = None
    yuannian: Annotated[Yuannian | None, Says("its account at Yuannian", "元年账号")] = None


def _digits(table: dict[str, str]) -> dict[str, str]:
    if not all(prefix.isascii() and prefix.isdigit() and len(prefix) <= 19 for prefix in table):
        raise ValueError("must map prefixes of tax codes (1 to 19 digits) to exempt, untaxed or zero")
    return table


def _tax_no(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Z]{15,20}", text):
        raise ValueError("must be 15 to 20 characters, digits and capital letters alone")
    return text


def _token(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]{0,512}", value.get_secret_value()):
        raise ValueError("must be plain ASCII without blanks, 512 characters at most")
    return value


class Issuer(Section):
    """One account at an issuer; 开票平台账号."""

    kind: Annotated[Literal["nuonuo"], Says("which platform", "平台")]
    url: Annotated[Url, Says("address of the service", "服务地址")]
    app_key: Annotated[Word, Says("application key", "应用 appKey")]
    secret: Annotated[Secret, Says("application secret", "应用密钥 appSecret")]
    token: Annotated[
        OptionalSecret, AfterValidator(_token), Says("permanent access token (preferred)", "永久令牌（推荐）")
    ] = SecretStr("")
    token_url: Annotated[
        OptionalUrl, Says("where tokens are fetched when there is no permanent one", "令牌获取地址")
    ] = ""
    tax_no: Annotated[Text, AfterValidator(_tax_no), Says("the seller's tax number it issues for", "销方税号")]
    settle: Annotated[
        Span, Safe.AT_LEAST, Says('how long "not found" proves nothing after a submission', "查无结果的等待期")
    ] = timedelta(seconds=600)
    timeout: Annotated[Interval, TIMEOUT] = timedelta(seconds=20)
    calls_per_minute: Annotated[int, Field(ge=1, le=60_000), PACE] = 600
    concurrency: Annotated[int, Field(ge=1, le=64), Says("calls in flight at once", "并发数")] = 4
    drawer: Annotated[Text, Field(max_length=20), Says("drawer, where the order names none", "开票人")] = ""
    seller_phone: Annotated[Text, Field(max_length=20), Says("seller's phone on the invoice", "销方电话")] = ""
    seller_address: Annotated[Text, Field(max_length=80), Says("seller's address on it", "销方地址")] = ""
    seller_bank_name: Annotated[Text, Field(max_length=100), Says("seller's bank on it", "销方开户行")] = ""
    seller_bank_account: Annotated[Text, Field(max_length=50), Says("account number on it", "销方银行账号")] = ""
    default_kind: Annotated[
        Kind | None, Says("kind of an order that names none, as WDT's own sample does", "缺省票种")
    ] = Kind.DIGITAL_NORMAL
    legacy_as_digital: Annotated[
        bool, Says("issue tax-control kinds as fully digital ones: a legal change", "税控票种改开数电票")
    ] = False
    natural_person: Annotated[
        Literal["auto", "always", "never"], Says("when the buyer is marked a natural person", "自然人标识")
    ] = "auto"
    allocate_header_discount: Annotated[
        bool, Says("spread a discount no line carries; else the order is held", "分摊整单折扣")
    ] = False
    zero_rate: Annotated[
        dict[str, Literal["exempt", "untaxed", "zero"]],
        AfterValidator(_digits),
        Says("what rate 0 means, by prefix of the tax code", "零税率含义（按税收编码前缀）"),
    ] = Field(default_factory=dict)
    strict_tax_no: Annotated[
        bool, Says("hold orders whose buyer tax number fails its check digit", "严格校验购方税号")
    ] = False
    cut_remark: Annotated[bool, Says("cut a remark that is too long; else hold", "备注超长时截断")] = False
    red_reason: Annotated[
        int,
        Field(ge=1, le=4),
        Says(
            "reason of every red invoice, for WDT names none: 1 returned, 2 wrong, 3 service ended, 4 allowance",
            "红冲原因（旺店通不提供）：1 退货 2 有误 3 服务中止 4 折让",
        ),
    ] = 1
    red_by_itself: Annotated[
        bool,
        Says(
            "the bureau makes the red invoice of an agreed form; false: the issuer is told to (fastInvoiceRed)",
            "红字确认单确认后由税局自动开红票；否则由系统调用 fastInvoiceRed",
        ),
    ] = True
    amount_limit: Annotated[
        Decimal | None, Field(gt=0), Says("orders above this total are held", "单张金额上限，超出则挂起")
    ] = None
    allow_plain_http: Annotated[bool, PLAIN_HTTP] = False

    @model_validator(mode="after")
    def _one_source_of_tokens(self) -> Self:
        if bool(self.token.get_secret_value()) == bool(self.token_url):
            raise ValueError("needs either token or token_url, one of the two")
        return self

    @model_validator(mode="after")
    def _an_address_that_can_be_signed(self) -> Self:
        if len(urlsplit(self.url).path.strip("/").split("/")) < 3:  # they go into the signature
            raise ValueError("url needs at least three path segments, as in /open/v1/services")
        return self
