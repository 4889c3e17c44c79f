"""What `syncd wallet` says. Key → (Chinese, English), with the same fields in both."""

from __future__ import annotations

from collections.abc import Mapping

WALLET: Mapping[str, tuple[str, str]] = {
    "help.wallet": (
        (
            "购方微信卡包（经元年）：导入、查询、改状态、二维码、签名。"
            "\n\n例：syncd wallet search --number 26312000000000000001"
        ),
        (
            "Buyers' WeChat wallets, through Yuannian: import, search, change a status, QR codes, signatures."
            "\n\nExample: syncd wallet search --number 26312000000000000001"
        ),
    ),
    "help.wallet.import": (
        (
            "导入卡券并读取其最新状态，记入本地镜像；未能导入的逐张重试并列出，退出码 1。"
            "\n\n例：syncd wallet import CARD_ID ENCRYPT_CODE --biz-code BX20261101"
        ),
        (
            "Import cards, see their status afresh and keep them in the mirror. A card that is not taken is tried again"
            " by itself and listed: exit 1.\n\nExample: syncd wallet import CARD_ID ENCRYPT_CODE --biz-code BX20261101"
        ),
    ),
    "help.wallet.status": (
        (
            "改卡券的报销状态：INIT、LOCK、CLOSURE 或 CANCEL，同一 openid 的多张一次全成或全不成。"
            "CLOSURE 与 CANCEL 不可撤销。\n\n例：syncd wallet status OPENID LOCK CARD_ID ENCRYPT_CODE"
        ),
        (
            "Change the status of cards: INIT, LOCK, CLOSURE or CANCEL; all cards of one openid or none. CLOSURE and"
            " CANCEL cannot be undone.\n\nExample: syncd wallet status OPENID LOCK CARD_ID ENCRYPT_CODE"
        ),
    ),
    "help.wallet.qrcode": (
        (
            "申请导入二维码并存为文件。"
            "\n\n例：syncd wallet qrcode --width 300 --height 300 --content BX20261101 --out qr.png"
        ),
        (
            "Ask for a QR code to import by, and write it to a file."
            "\n\nExample: syncd wallet qrcode --width 300 --height 300 --content BX20261101 --out qr.png"
        ),
    ),
    "help.wallet.search": (
        (
            "查询已导入的卡券（状态可能滞后，最新状态请用 import）。"
            "\n\n例：syncd wallet search --from '2026-11-01 00:00:00'"
        ),
        (
            "Search imported cards; the status may lag, import shows it afresh."
            "\n\nExample: syncd wallet search --from '2026-11-01 00:00:00'"
        ),
    ),
    "help.wallet.jssdk-sign": (
        (
            "JS-SDK 页面签名：默认在本机计算，不向任何人透露 ticket；--remote 调用元年接口，仅供核对。"
            "\n\n例：syncd wallet jssdk-sign --ticket-file ticket.txt --url https://h5.example.test/page"
        ),
        (
            "The JS-SDK signature of a page: computed here, so that nobody sees the ticket; --remote asks Yuannian, for"
            " comparison.\n\nExample: syncd wallet jssdk-sign --ticket-file ticket.txt --url https://h5.example.test/page"
        ),
    ),
    "help.wallet.sign": (
        (
            "核对签名模板：用设置（或 --template）重算一条抓取到的请求的 sign，并试两个预设。相符退出码 0，不符 1。"
            "\n\n例：syncd wallet sign --check request.json"
        ),
        (
            "Check the signature's template: recompute the sign of a captured request by the settings (or --template),"
            " and by both presets. Exit 0 when it agrees, 1 when not."
            "\n\nExample: syncd wallet sign --check request.json"
        ),
    ),
    "help.wallet.list": (
        "本地镜像中的卡券及其状态。\n\n例：syncd wallet list --json",
        "The cards in the mirror, and where they stand.\n\nExample: syncd wallet list --json",
    ),
    "help.wallet.pairs": ("CARD_ID 与 ENCRYPT_CODE，成对，可多对", "CARD_ID and ENCRYPT_CODE, in pairs"),
    "help.wallet.biz": ("业务单据号", "our own document number"),
    "help.wallet.token": (
        "自有公众号 access_token 文件：改走 H5 接口（2.6、2.7）",
        "file with the access_token of our own official account: the H5 interfaces (2.6, 2.7) are used",
    ),
    "help.wallet.openid": ("卡券持有人的 openid", "openid of the cards' holder"),
    "help.wallet.to": ("INIT、LOCK、CLOSURE 或 CANCEL", "INIT, LOCK, CLOSURE or CANCEL"),
    "help.wallet.final": (
        "确认 CLOSURE 不可撤销（--yes 不能代替）",
        "say that you know that CLOSURE cannot be undone (--yes does not)",
    ),
    "help.wallet.width": ("宽度，像素，1 到 4000", "width in pixels, 1 to 4000"),
    "help.wallet.height": ("高度，像素，1 到 4000", "height in pixels, 1 to 4000"),
    "help.wallet.overwrite": ("覆盖已有的文件", "overwrite a file that is there already"),
    "help.wallet.content": ("业务单据号；留空由平台生成", "our document number; empty: the platform makes one"),
    "help.wallet.out": ("图片文件", "where the picture goes"),
    "help.wallet.number": ("发票号码", "invoice number"),
    "help.wallet.code": ("发票代码", "invoice code"),
    "help.wallet.from": ("更新时间起，北京时间", "changed since, Beijing time"),
    "help.wallet.until": ("更新时间止，北京时间", "changed until, Beijing time"),
    "help.wallet.tax": ("企业税号，可多个", "tax number; may be repeated"),
    "help.wallet.page": ("页码", "page"),
    "help.wallet.size": ("每页行数，1 到 200", "rows a page, 1 to 200"),
    "help.wallet.ticket": ("存有 jsapi_ticket 的文件", "file that holds the jsapi_ticket"),
    "help.wallet.noncestr": ("随机串；留空则生成", "nonce; made where there is none"),
    "help.wallet.timestamp": ("Unix 秒；留空为现在", "unix seconds; now where there is none"),
    "help.wallet.url": ("网页地址，# 以后不参与", "the page's address; what follows # is left out"),
    "help.wallet.remote": ("由元年计算（会交出 ticket）", "let Yuannian compute it (gives the ticket away)"),
    "help.wallet.check": (
        "抓取到的请求：含 header 与 body 的 JSON 文件",
        "a captured request: JSON with header and body",
    ),
    "help.wallet.template": ("要试的模板；缺省用设置", "the template to try instead of the settings'"),
    "wallet.none": ("没有商户配置 [merchants.yuannian]。", "No merchant has a [merchants.yuannian]."),
    "wallet.which": (
        "多个商户配置了元年，请用 --merchant：{names}",
        "Several merchants have one; name it by --merchant: {names}",
    ),
    "wallet.not_here": ("商户 {name} 没有配置 [merchants.yuannian]。", "Merchant {name} has no [merchants.yuannian]."),
    "wallet.off": (
        "商户 {name} 的元年功能未启用：{why}",
        "The wallet part of {name} is off: {why}",
    ),
    "wallet.pairs": (
        "CARD_ID 与 ENCRYPT_CODE 必须成对，共收到 {n} 个。",
        "CARD_ID and ENCRYPT_CODE come in pairs; there are {n} words.",
    ),
    "wallet.twice": ("卡券 {card} 出现了两次。", "Card {card} is named twice."),
    "wallet.imported": ("已导入 {n} 张，共 {all} 张。", "{n} of {all} imported."),
    "wallet.not_imported": ("未导入：{cards}", "Not imported: {cards}"),
    "wallet.not_kept": (
        "还没有数据库，未记入镜像（先运行 syncd db upgrade）。",
        "There is no store yet: nothing was kept (first: syncd db upgrade).",
    ),
    "wallet.status": (
        "不认识的状态 {word}：请用 INIT、LOCK、CLOSURE 或 CANCEL。",
        "Unknown status {word}: use INIT, LOCK, CLOSURE or CANCEL.",
    ),
    "wallet.closure": (
        "CLOSURE（核销）不可撤销，卡券会离开购方卡包。请输入 CLOSURE 确认：",
        "CLOSURE cannot be undone: the card leaves the buyer's wallet. Type CLOSURE to go on:",
    ),
    "wallet.closure_refused": (
        "未确认，什么都没有改。非交互时请加 --closure-is-final（--yes 不够）。",
        "Not confirmed; nothing was changed. Without a terminal add --closure-is-final (--yes is not enough).",
    ),
    "wallet.cancel_off": (
        "未允许 CANCEL：请先设置 allow_cancel = true。",
        "CANCEL is not allowed: set allow_cancel = true first.",
    ),
    "wallet.cancel": ("把 {n} 张卡券置为 CANCEL（不可撤销）？", "Set {n} cards to CANCEL, which cannot be undone?"),
    "wallet.stopped": ("未确认，什么都没有改。", "Not confirmed; nothing was changed."),
    "wallet.changed": ("已改为 {status}：{n} 张。", "Set to {status}: {n} card(s)."),
    "wallet.unknown": (
        "结果未知（{why}）：可能已改。请用 wallet import 读取最新状态，不要直接重试。",
        "Nobody told whether it was changed ({why}). Look with wallet import before you try again.",
    ),
    "wallet.said": ("元年 {code}：{text}", "Yuannian {code}: {text}"),
    "wallet.no_reason": (
        "平台没有说明原因，多为 CARD_ID 或 ENCRYPT_CODE 不对",
        "the platform gave no reason; most often CARD_ID or ENCRYPT_CODE is wrong",
    ),
    "wallet.no_page": (
        "{url} 不是网页地址：应以 http:// 或 https:// 开头。",
        "{url} is no address of a page: it begins with http:// or https://.",
    ),
    "wallet.refused": ("{what} → {remedy}", "{what} → {remedy}"),
    "wallet.rests": ("该账号在歇息，到 {until} 再试。", "The account is at rest until {until}."),
    "wallet.disarmed": (
        "数据库未上膛（{why}），不向外写。见 syncd arm。",
        "The store is disarmed ({why}): nothing is written outside. See syncd arm.",
    ),
    "wallet.qr": ("已写入 {file}（{bytes} 字节），单据号 {content}", "{file}: {bytes} bytes, document {content}"),
    "wallet.page": (
        "第 {page} 页，共 {pages} 页，平台计 {count} 次导入。",
        "Page {page} of {pages}; the platform counts {count} imports.",
    ),
    "wallet.nothing": ("没有卡券。", "No cards."),
    "wallet.capture": (
        "{file} 不是带 header 与 body 的请求：{why}",
        "{file} is no request with header and body: {why}",
    ),
    "wallet.no_template": (
        "没有模板可核对：请设置 sign_template 或用 --template。",
        "There is no template to check: set sign_template, or use --template.",
    ),
    "wallet.bad_template": ("模板不可用：{why}", "The template cannot be used: {why}"),
    "wallet.agrees": ("相符：{name}", "It agrees: {name}"),
    "wallet.differs": ("不符：{name} 得 {sign}", "It differs: {name} gives {sign}"),
    "wallet.signed_text": ("签名原文（密钥已隐去）：{text}", "The text that is signed, without the secret: {text}"),
    "wallet.captured": ("抓取到的签名：{sign}", "The captured signature: {sign}"),
    "wallet.unreadable": ("{file} 读不出内容。", "There is nothing to be read in {file}."),
    "next.PENDING.waiting_blue.card": (
        "等待购方微信卡包中该蓝票卡券的状态，随后办理红字确认单",
        "it waits for where the blue invoice's card stands in the buyer's wallet, then a red form is raised",
    ),
    "event.order.waiting_blue.card_looked_at": (
        "提交前先查看购方微信卡包中蓝票 {blue} 的卡券状态",
        "first the card of blue invoice {blue} in the buyer's wallet is looked at",
    ),
    "event.order.waiting_blue.card_lock": (
        "蓝票 {blue} 在购方微信卡包中正在报销（锁定），等待解锁",
        "blue invoice {blue} is locked for reimbursement in the buyer's wallet; it waits until that is over",
    ),
    "event.order.waiting_blue.card_unknown": (
        "查不到蓝票 {blue} 在购方微信卡包中的状态，按设置等待",
        "where blue invoice {blue} stands in the buyer's wallet cannot be learned; it waits, as configured",
    ),
    "event.order.wallet_warned.lock": (
        "购方正在报销蓝票（卡券锁定），按设置仍提交",
        "the buyer is being reimbursed for the blue invoice (card locked); it goes all the same, as configured",
    ),
    "event.order.wallet_warned.closure": (
        "购方已核销蓝票的卡券，按设置仍提交",
        "the buyer has been reimbursed for the blue invoice (card closed); it goes all the same, as configured",
    ),
    "event.order.wallet_warned.cancel": (
        "蓝票的卡券已显示冲红，按设置仍提交",
        "the card of the blue invoice shows it as reversed; it goes all the same, as configured",
    ),
    "event.order.wallet_warned.unknown": (
        "查不到蓝票的卡券状态，按设置仍提交",
        "where the card of the blue invoice stands cannot be learned; it goes all the same, as configured",
    ),
    "explain.card": (
        "微信卡券 {card}（发票 {number}）：{state}，最近核实 {at}",
        "WeChat card {card} (invoice {number}): {state}, looked at {at}",
    ),
    "column.card": ("卡券", "card"),
    "column.invoice": ("发票号码", "invoice"),
    "column.gross": ("价税合计", "total"),
    "column.billed": ("开票日期", "issued on"),
    "column.looked": ("最近核实", "looked at"),
    "wallet.INIT": ("未锁定", "not locked"),
    "wallet.LOCK": ("报销中（锁定）", "locked: being reimbursed"),
    "wallet.CLOSURE": ("已核销", "written off"),
    "wallet.CANCEL": ("已冲红", "reversed"),
    "event.wallet.owed": ("购方卡券待置为冲红", "the buyer's card is owed a CANCEL"),
    "event.wallet.cancelled": ("购方卡券已显示冲红", "the buyer's card shows that it was reversed"),
    "event.wallet.cancel_stopped": (
        "购方卡券未能置为冲红，请人工告知",
        "the buyer's card could not be set to CANCEL; tell the buyer",
    ),
    "event.wallet.status_set": ("人工改卡券状态", "a person changes the status of cards"),
    "fact.card": ("卡券", "card"),
    "check.wallet_off.remedy": (
        "见 docs/settings.md [merchants.yuannian]；开票不受影响。",
        "See docs/settings.md, [merchants.yuannian]; issuing goes on without it.",
    ),
    "check.wallet_token": ("令牌将于 {at} 到期", "the token ends at {at}"),
    "check.wallet_token.remedy": ("请更新令牌。", "Renew the token."),
}
