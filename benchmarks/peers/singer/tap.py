"""A tap as the Singer SDK's cookiecutter makes one: a REST stream with a page paginator and a declared schema."""

from parties import SEARCH
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.pagination import BasePageNumberPaginator

TEXTS = (
    "invoice_code", "invoice_no", "invoice_time", "file_url", "error_info", "serial_no", "invoice_remark",
    "flag_name", "shop_no", "shop_name", "payee_name", "payee_register_no", "payee_address", "payee_telno",
    "payee_bank_name", "payee_bank_account", "payee_operator", "payee_receiver", "payee_checker", "payee_remark",
    "provider_name", "tax_control_no", "payer_name", "payer_register_no", "payer_address", "payer_phone",
    "payer_bank", "payer_account", "payer_email", "trade_no",
)  # fmt: skip
NUMBERS = (
    "invoice_outer_amount", "goods_amount", "goods_tax", "discount", "discount_tax", "sum_price", "sum_tax",
    "invoice_amount",
)  # fmt: skip
INTEGERS = (
    "status", "invoice_type", "invoice_mask", "business_type", "created",
)  # fmt: skip
LINE_TEXTS = (
    "item_name", "item_no", "row_type", "unit_name", "tax_code", "remark", "tid", "oid", "trade_no",
)  # fmt: skip
LINE_NUMBERS = (
    "num", "tax_rate", "price", "sum_price", "tax", "sum_amount", "discount", "discount_tax", "platform_id",
)  # fmt: skip


def _properties(names, kind):
    return [th.Property(name, kind) for name in names]


class Pages(BasePageNumberPaginator):
    """Page after page, until one is not full."""

    def has_more(self, response):
        return len(response.json()["data"]["order"]) > 0


class Orders(RESTStream):
    """The invoice orders of one window."""

    name = "orders"
    path = "/openapi"
    rest_method = "POST"
    http_method = "POST"
    records_jsonpath = "$.data.order[*]"
    primary_keys = ("invoice_order_no",)
    schema = th.PropertiesList(
        th.Property("invoice_order_no", th.StringType, required=True),
        th.Property("is_red", th.BooleanType),
        *_properties(TEXTS, th.StringType),
        *_properties(INTEGERS, th.IntegerType),
        *_properties(NUMBERS, th.NumberType),
        th.Property(
            "detail_list",
            th.ArrayType(
                th.ObjectType(*_properties(LINE_TEXTS, th.StringType), *_properties(LINE_NUMBERS, th.NumberType))
            ),
        ),
    ).to_dict()

    @property
    def url_base(self):
        """The address of WDT."""
        return self.config["url"]

    def get_new_paginator(self):
        """From page 0 on."""
        return Pages(start_value=0)

    def get_url_params(self, context, next_page_token):
        """The query of one page."""
        page = {"page_no": next_page_token or 0, "page_size": self.config["page_size"]}
        return {"sid": "demo_sid", "method": SEARCH, **page}

    def prepare_request_payload(self, context, next_page_token):
        """The window."""
        return [{"start_time": self.config["start"], "end_time": self.config["end"]}]


class TapWdt(Tap):
    """The tap."""

    name = "tap-wdt"
    config_jsonschema = th.PropertiesList(
        th.Property("url", th.StringType, required=True),
        th.Property("start", th.StringType, required=True),
        th.Property("end", th.StringType, required=True),
        th.Property("page_size", th.IntegerType, required=True),
    ).to_dict()

    def discover_streams(self):
        """One."""
        return [Orders(self)]


if __name__ == "__main__":
    TapWdt.cli()
