"""The classes and the owners in words: (Chinese, English)."""

from __future__ import annotations

from collections.abc import Mapping

from syncd.catalogue.entry import Owner
from syncd.domain.trouble import Care

CARES: Mapping[Care, tuple[str, str]] = {
    Care.RETRY_SOON: ("稍后自动重试", "retry soon"),
    Care.REST_LANE: ("通道歇一会儿", "rest the lane"),
    Care.CLOCK: ("校准时钟", "set the clock"),
    Care.SETTINGS: ("改设置", "fix settings"),
    Care.DATA: ("改单据", "fix data"),
    Care.PERSON: ("需有人到平台处理", "person needed at the issuer"),
    Care.REFUSED: ("明确拒绝", "refused for good"),
    Care.SPLIT: ("缩小范围再问", "ask for less"),
    Care.UNKNOWN: ("结果未知，先查询", "unknown outcome"),
    Care.UNCLASSIFIED: ("未归类，绝不重发", "unclassified, never re-sent"),
}

OWNERS: Mapping[Owner, tuple[str, str]] = {
    Owner.CLERK: ("财务", "clerk"),
    Owner.INTEGRATOR: ("实施人员", "integrator"),
    Owner.ISSUER: ("平台账号负责人", "person at the issuer"),
    Owner.NOBODY: ("无需处理", "nobody"),
}
