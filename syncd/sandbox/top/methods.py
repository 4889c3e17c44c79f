"""The methods this gateway knows: what they take, and which of them need a seller's session."""

from collections.abc import Callable
from dataclasses import dataclass

from syncd.sandbox.top import detail_upload, inv_upload, messages, reading, update
from syncd.sandbox.top.ask import Ask, Json
from syncd.sandbox.top.world import TopWorld


@dataclass(frozen=True, slots=True)
class Method:
    """`needs_session` by TOP's own samples; for core.inv.upload none is known (switch `needs_session`)."""

    run: Callable[[TopWorld, Ask], Json]
    parameters: tuple[str, ...] = ()
    needs_session: bool = False


METHODS: dict[str, Method] = {
    "taobao.time.get": Method(reading.time_get),
    "taobao.tmc.messages.consume": Method(messages.consume, ("quantity", "group_name")),
    "taobao.tmc.messages.confirm": Method(messages.confirm, ("s_message_ids", "group_name")),
    "alibaba.einvoice.prod.apply.update": Method(update.apply_update, update.PARAMETERS),
    "alibaba.einvoice.prod.apply.get": Method(reading.prod_apply_get, ("invoice_apply_query_dto",)),
    "alibaba.einvoice.apply.get": Method(reading.apply_get, ("platform_tid", "apply_id", "biz_type"), True),
    "alibaba.einvoice.core.inv.upload": Method(inv_upload.inv_upload, inv_upload.PARAMETERS),
    "alibaba.einvoice.detail.upload": Method(detail_upload.detail_upload, detail_upload.PARAMETERS, True),
}
