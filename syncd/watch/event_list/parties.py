"""Events of what is done beside issuing: the invoice centre and its files, the buyers' wallets."""

from __future__ import annotations

from collections.abc import Mapping

from syncd.watch.event_list.event import Event

BESIDE_ISSUING: Mapping[str, Event] = {
    "alibaba.contradicted": Event(
        "warning",
        "The centre said that an application is ended, and called invoices missing all the same; the first counts.",
        "平台称申请已完结，却又列出缺失发票；以完结为准。",
        ("merchant", "apply_id", "request_id"),
    ),
    "alibaba.done": Event(
        "info",
        "The invoice centre has an application's end.",
        "发票中台已记下申请的结果。",
        ("merchant", "apply_id", "status", "request_id"),
    ),
    "alibaba.held": Event(
        "warning",
        "A person must decide about an application; `stuck` is the reason. Its orders are not held by it.",
        "申请挂起，需人工处理；单据本身不受影响。",
        ("merchant", "apply_id", "stuck"),
    ),
    "alibaba.postponed": Event(
        "warning",
        "A call to the invoice centre came to nothing; it is made again.",
        "对发票中台的调用未成，将重试。",
        ("merchant", "apply_id", "call", "why"),
    ),
    "alibaba.returned": Event(
        "info",
        "An invoice that the centre lacked was returned to it; `taken` is what it said.",
        "平台缺的发票已回传；taken 为平台答复。",
        ("merchant", "apply_id", "order_no", "taken"),
    ),
    "alibaba.unknown": Event(
        "warning",
        "Nobody told us whether a returned invoice arrived; the next question tells, and none is returned before it.",
        "发票回传结果未知，先询问平台，不会立即重传。",
        ("merchant", "apply_id", "call", "why"),
    ),
    "alibaba.withdrawn": Event(
        "info",
        "The buyer withdrew an application before anything was issued for it.",
        "买家在开票前撤回了申请。",
        ("merchant", "apply_id"),
    ),
    "applications.ambiguous": Event(
        "warning",
        "A row of WDT points to more than one application; a person links it.",
        "旺店通的一行指向多个申请，待人工关联。",
        ("merchant", "order_no"),
    ),
    "applications.linked": Event(
        "info",
        "An order was linked to an application; `source` says by what.",
        "单据已关联申请；source 为来源。",
        ("merchant", "order_no", "apply_id", "source"),
    ),
    "applications.met": Event(
        "info",
        "A buyer's application became known by a message of the platform.",
        "由平台消息得知一个新申请。",
        ("merchant", "apply_id"),
    ),
    "applications.unknown_shop": Event(
        "warning",
        "A message names a shop that no merchant here has as its `seller_nick`; it is recorded and left in the queue.",
        "消息中的店铺与任何商户的 seller_nick 都不相符，已记录，未确认，仍留在队列中。",
        ("merchant", "topic", "id"),
    ),
    "applications.unconfirmable": Event(
        "warning",
        "A message has no id by which it could be taken off the queue; it was heeded, and will come again for nothing.",
        "消息没有可用于确认的编号，内容已处理，但仍会重复送达。",
        ("merchant", "topic", "id"),
    ),
    "applications.odd_notice": Event(
        "warning",
        "A message about an application names none; it is recorded with its own words.",
        "有关申请的消息没有可用的申请编号，原文已记录。",
        ("merchant", "topic", "id"),
    ),
    "applications.unconfirmed": Event(
        "info",
        "Messages were recorded and their confirmation got no answer; they may come again and are known.",
        "消息已记录而确认未得答复；再来时会识别。",
        ("messages", "why"),
    ),
    "files.failed": Event(
        "warning",
        "An invoice's file could not be fetched; `lost`: it is not tried again by itself.",
        "发票文件未取到；lost 表示不再自动重试。",
        ("merchant", "order_no", "why", "lost"),
    ),
    "files.kept": Event(
        "info",
        "An invoice's file was fetched, for the case that the centre asks for it.",
        "已取得发票文件，以备平台索取。",
        ("merchant", "order_no", "bytes"),
    ),
    "top.answered": Event(
        "info",
        "TOP answered a call. `request_id` is what the platform's support asks for.",
        "淘宝开放平台已答复；request_id 供平台客服查询。",
        ("merchant", "method", "request_id"),
    ),
    "top.contradicted": Event(
        "warning",
        "The invoice centre says that an application is done and that invoices are missing; the former is believed.",
        "阿里发票中台称申请已完结又称缺票，以完结为准。",
        ("merchant", "apply_id", "request_id"),
    ),
    "top.troubled": Event(
        "warning",
        "A call to TOP did not end well: refused, throttled, or nobody told us. `care` is the class of the catalogue.",
        "调用淘宝开放平台未成功：被拒、限流或结果未知；care 为错误目录的类别。",
        ("merchant", "method", "care", "code", "text", "request_id"),
    ),
    "wallet.cancel_stopped": Event(
        "warning",
        "The card of a reversed invoice does not take CANCEL and is left as it is; a person should tell the buyer.",
        "已冲红发票的微信卡券未能置为 CANCEL，保持原状；请人工告知购方。",
        ("merchant", "why"),
    ),
    "wallet.cancelled": Event(
        "info",
        "The buyer's card shows that its invoice was reversed.",
        "购方的微信卡券已显示冲红。",
        ("merchant",),
    ),
    "wallet.missed": Event(
        "info",
        "Cards that red invoices ask about could not be looked at; those go on as the settings say.",
        "红票所问的卡券状态未能读取，按设置放行或等待。",
        ("merchant", "cards", "why"),
    ),
    "wallet.off": Event(
        "warning",
        "A merchant's wallet part is configured and cannot work; issuing goes on without it.",
        "已配置元年但无法启用，开票不受影响。",
        ("merchant", "why"),
    ),
    "wallet.owed": Event(
        "info",
        "A red invoice was issued whose blue one lies in a buyer's wallet: its card is owed a CANCEL.",
        "红票已开具，其蓝票在购方卡包中：待置卡券为 CANCEL。",
        ("merchant", "order_no"),
    ),
    "wallet.read": Event(
        "info",
        "Changed cards were read into the mirror.",
        "已读取有变更的卡券。",
        ("merchant", "cards", "new"),
    ),
    "wallet.strangers": Event(
        "warning",
        "The answer to an import showed cards nobody asked for; they are left out.",
        "导入应答中夹带了未请求的卡券，已忽略。",
        ("cards", "asked"),
    ),
    "wallet.unclassified": Event(
        "warning",
        "Yuannian answered in words nobody has classified.",
        "元年的应答未归类。",
        ("text", "code"),
    ),
    "wallet.unknown": Event(
        "warning",
        "Nobody told us whether a card's status was changed; the card is read again.",
        "卡券状态变更结果未知，将重新读取。",
        ("merchant", "cause"),
    ),
}
