"""`[merchants.alibaba]`: what may be said there, and what it becomes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from settings_files import GOOD, written

from syncd import centres
from syncd.config import Settings, SettingsError, load
from syncd.domain.application import CentreRules


def settings(tmp_path: Path, more: str = "", app_key: str = "demo_app") -> Settings:
    table = f"[merchants.alibaba]\napp_key = '{app_key}'\nsecret = 'demo_secret'\n{more}\n"
    return load(written(tmp_path, GOOD.replace("[issuers.main]", f"{table}[issuers.main]")), {})


def refused(tmp_path: Path, more: str) -> str:
    table = f"[merchants.alibaba]\napp_key = 'demo_app'\nsecret = 'demo_secret'\n{more}\n"
    with pytest.raises(SettingsError) as caught:
        load(written(tmp_path, GOOD.replace("[issuers.main]", f"{table}[issuers.main]")), {})
    assert "demo_secret" not in str(caught.value)
    return str(caught.value)


def test_the_defaults_are_the_careful_ones(tmp_path: Path) -> None:
    found = settings(tmp_path)
    (merchant,) = found.merchants

    assert found.warnings == []
    assert merchant.alibaba is not None
    assert centres.rules(merchant.alibaba) == CentreRules()
    assert (merchant.alibaba.digital_invoice_code, merchant.alibaba.sign_method) == ("omit", "hmac-sha256")
    assert (merchant.alibaba.calls_per_second, merchant.alibaba.calls_per_day) == (5, 4000)
    assert centres.sharers(found, merchant.alibaba) == ("m001",)


def test_what_is_set_is_what_the_stages_work_by(tmp_path: Path) -> None:
    text = """return_api = "none"
grace = "5m"
partial = true
read_first = false
tmc = true
link_field = "remark"
link_pattern = 'A(\\d+)'
link_by_trade = true"""
    alibaba = settings(tmp_path, text).merchants[0].alibaba

    assert alibaba is not None
    assert centres.rules(alibaba) == CentreRules(
        tmc=True,
        uploads=False,
        grace=timedelta(minutes=5),
        part_success=True,
        read_first=False,
        link_field="remark",
        link_pattern="A(\\d+)",
        link_by_trade=True,
    )


def test_a_short_grace_is_warned_about(tmp_path: Path) -> None:
    """What is uploaded again before the centre has collected it is there twice."""
    assert settings(tmp_path, 'grace = "10s"').warnings == [
        "merchants.m001.alibaba.grace = 10s is below its safe default 2m"
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('digital_invoice_code = "literal:"', "digital_invoice_code"),
        ('digital_invoice_code = "zeros"', "digital_invoice_code"),
        ('sign_method = "sha1"', "sign_method"),
        ('return_api = "detail_upload"', "needs the shop's session"),
        ('link_field = "invoice_no"', "must be empty or one of remark"),
        ('link_pattern = "A"', "needs link_field"),
        ('link_field = "remark"\nlink_pattern = "("', "is no regular expression"),
        ('link_field = "remark"\nlink_pattern = "(a)(b)"', "must have one group at most"),
        ("calls_per_second = 0", "calls_per_second"),
        ('url = "http://eco.taobao.com/router/rest"', "is plain http"),
    ],
)
def test_what_cannot_work_is_refused_with_its_reason(tmp_path: Path, more: str, said: str) -> None:
    assert said in refused(tmp_path, more)


SECOND = """[[merchants]]
name = "m002"
issuer = "main"
[merchants.wdt]
url = "https://wdt.example.com/openapi"
sid = "demo_sid2"
key = "demo_key"
secret = "demo_secret:demo_salt"
[merchants.alibaba]
app_key = "demo_app"
secret = "demo_secret"
"""


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("tmc = true", "", "seller_nick"),
        ("tmc = true", "tmc = true", "seller_nick"),
        ("tmc = true\nseller_nick = 'a'", "tmc = true", "come through the same queue"),
        ("tmc = true\nseller_nick = 'a'", "tmc = true\nseller_nick = 'a '", "shares its queue"),
        ("tmc = true\nseller_nick = 'a'", "seller_nick = 'a'", "shares its queue"),
        ("tmc = true\nseller_nick = 'a'", "", ""),
        ("tmc = true\nseller_nick = 'a'", "tmc = true\nseller_nick = 'b'", ""),
        ("tmc = true\ntmc_group = 'g1'", "tmc = true\ntmc_group = 'g2'", ""),
        ("", "", ""),
    ],
)
def test_shops_that_share_a_queue_of_messages_must_be_told_apart(
    tmp_path: Path, first: str, second: str, said: str
) -> None:
    """Else one merchant takes the other's applications off the queue, and records them as its own."""
    both = f"{first}\n{SECOND}{second}"
    if said:
        assert said in refused(tmp_path, both)
    else:
        assert len(settings(tmp_path, both).merchants) == 2
