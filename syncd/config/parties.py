"""Settings of the parties: a merchant's WDT, Alibaba and Yuannian accounts, and the issuers' accounts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

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
from syncd.domain.invoice import Kind

_TIMEOUT = Says("longest wait for one answer", "单次调用超时")
_PACE = Says("calls a minute this credential may make", "每分钟调用上限")
_PLAIN_HTTP = Says("allow unencrypted calls beyond this machine", "允许明文 http")


class Section(BaseModel):
    """A table of settings: unknown keys are refused, values are fixed once read, inputs never shown in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)


def _with_salt(value: SecretStr) -> SecretStr:
    secret, colon, salt = value.get_secret_value().partition(":")
    if not colon:
        raise ValueError('must look like "secret:salt" (no colon found)')
    if not secret or not salt:
        raise ValueError('must look like "secret:salt" (one side is empty)')
    return value


class Wdt(Section):
    """A merchant's WDT account; 旺店通接口账号."""

    url: Annotated[Url, Says("address of the open interface", "接口地址")]
    sid: Annotated[Word, Says("seller account", "卖家账号")]
    key: Annotated[Word, Says("interface account", "接口账号 key")]
    secret: Annotated[
        Secret, AfterValidator(_with_salt), Says('"secret:salt" as WDT shows it', "密钥，形如 secret:salt")
    ]
    client_version: Annotated[
        Text, Field(pattern=r"^\d+(\.\d+){1,4}$"), Says("the merchant's WDT client version", "客户端版本")
    ] = "1.5.8.4"
    calls_per_minute: Annotated[int, Field(ge=1, le=6_000), _PACE] = 50
    timeout: Annotated[Interval, _TIMEOUT] = timedelta(seconds=20)
    empty_invoice_code: Annotated[
        Text, Says("what to write as invoice_code of a fully digital invoice", "数电票的发票代码填写值")
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


class Alibaba(Section):
    """A merchant's account at Alibaba's invoice centre, optional; 阿里发票中台账号（可选）."""

    url: Annotated[Url, Says("address of the gateway", "网关地址")] = "https://eco.taobao.com/router/rest"
    app_key: Annotated[Word, Says("application key", "应用 app_key")]
    secret: Annotated[Secret, Says("application secret", "应用密钥")]
    session: Annotated[OptionalSecret, Says("shop's session key", "店铺授权 session")] = SecretStr("")
    return_api: Annotated[
        Literal["core_inv_upload", "detail_upload", "none"],
        Says("which call returns a missing invoice; none parks it for a person", "回传缺失发票所用接口"),
    ] = "core_inv_upload"
    timeout: Annotated[Interval, _TIMEOUT] = timedelta(seconds=20)
    allow_plain_http: Annotated[bool, _PLAIN_HTTP] = False


class Yuannian(Section):
    """A merchant's account at Yuannian, optional; 元年账号（可选）."""

    url: Annotated[Url, Says("address of the platform", "平台地址")]
    app_id: Annotated[Word, Says("application id", "应用 appId")]
    token: Annotated[Secret, Says("token sent with each call", "调用令牌")]
    secret: Annotated[OptionalSecret, Says("secret of the signature", "签名密钥")] = SecretStr("")
    sign_template: Annotated[
        Text, Says("how the signature is put together; none is documented", "签名模板（官方未公布）")
    ] = ""
    red_guard: Annotated[
        Literal["off", "warn", "block"],
        Says("what a reimbursed blue invoice does to its red one", "红冲前报销状态检查"),
    ] = "warn"
    timeout: Annotated[Interval, _TIMEOUT] = timedelta(seconds=20)
    allow_plain_http: Annotated[bool, _PLAIN_HTTP] = False


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


class Issuer(Section):
    """One account at an issuer; 开票平台账号."""

    kind: Annotated[Literal["nuonuo"], Says("which platform", "平台")]
    url: Annotated[Url, Says("address of the service", "服务地址")]
    app_key: Annotated[Word, Says("application key", "应用 appKey")]
    secret: Annotated[Secret, Says("application secret", "应用密钥 appSecret")]
    token: Annotated[OptionalSecret, Says("permanent access token (preferred)", "永久令牌（推荐）")] = SecretStr("")
    token_url: Annotated[
        OptionalUrl, Says("where tokens are fetched when there is no permanent one", "令牌获取地址")
    ] = ""
    tax_no: Annotated[
        Text, Field(pattern=r"^[0-9A-Z]{15,20}$"), Says("the seller's tax number it issues for", "销方税号")
    ]
    settle: Annotated[
        Span, Safe.AT_LEAST, Says('how long "not found" proves nothing after a submission', "查无结果的等待期")
    ] = timedelta(seconds=600)
    timeout: Annotated[Interval, _TIMEOUT] = timedelta(seconds=20)
    calls_per_minute: Annotated[int, Field(ge=1, le=60_000), _PACE] = 600
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
    amount_limit: Annotated[
        Decimal | None, Field(gt=0), Says("orders above this total are held", "单张金额上限，超出则挂起")
    ] = None
    allow_plain_http: Annotated[bool, _PLAIN_HTTP] = False

    @model_validator(mode="after")
    def _one_source_of_tokens(self) -> Self:
        if bool(self.token.get_secret_value()) == bool(self.token_url):
            raise ValueError("needs either token or token_url, one of the two")
        return self
