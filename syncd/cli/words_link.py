"""What `link` says, and the words of an application's story. Key → (Chinese, English)."""

from __future__ import annotations

from collections.abc import Mapping

LINK: Mapping[str, tuple[str, str]] = {
    # -- help ----------------------------------------------------------------------------------------------------------
    "help.link": (
        (
            "把发票单与阿里发票中台的申请（apply_id）关联：单据开票后自动完结申请，缺的发票自动回传。"
            "未关联的单据只回传旺店通。"
            "\n\n例：syncd link FP202611200017 13213123\n\n例：syncd link --csv links.csv --preview"
            "\n\n例：syncd link --list --state held\n\n例：syncd link --retry 13213123"
        ),
        (
            "Link invoice orders to applications (apply_id) at Alibaba's invoice centre: once they are issued the"
            " application is ended there, and what it lacks is returned. Orders without a link end with WDT alone."
            "\n\nExample: syncd link FP202611200017 13213123\n\nExample: syncd link --csv links.csv --preview"
            "\n\nExample: syncd link --list --state held\n\nExample: syncd link --retry 13213123"
        ),
    ),
    "help.link.no": (
        "发票单号；用 --retry 或 --settled 时为申请 id",
        "invoice order number; with --retry or --settled the application's id",
    ),
    "help.link.apply_id": ("申请 id", "the application's id"),
    "help.link.csv": (
        "从表格文件关联：一列发票单号（invoice_order_no），一列申请 id（apply_id）；- 为标准输入；有一行不对就全部不做",
        "link from a file (-: standard input); columns invoice_order_no and apply_id; one bad line and nothing is done",
    ),
    "help.link.preview": ("只检查，不改动", "check only, change nothing"),
    "help.link.also": ("允许一张单据关联第二个申请", "let an order end a second application"),
    "help.link.list": ("列出全部申请及其状态", "list applications and where they stand"),
    "help.link.state": (
        "与 --list 同用：waiting、owed、done、withdrawn 或 held",
        "with --list: waiting, owed, done, withdrawn or held",
    ),
    "help.link.remove": ("取消关联（平台尚未被告知时）", "take a link back, as long as nothing was said"),
    "help.link.retry": ("重新处理挂起的申请", "go on with a held application"),
    "help.link.as_it_is": (
        "与 --retry 同用：金额或购方不同也照办（已人工核对）",
        "with --retry: whatever amount or buyer it names, a person has compared them",
    ),
    "help.link.settled": ("申请已在平台人工处理完毕，不再理会", "it was settled at the centre by hand; leave it"),
    # -- said ----------------------------------------------------------------------------------------------------------
    "link.usage": (
        (
            "请写：syncd link 单号 申请id，或 --csv 文件，或 --list，或 --remove 单号 申请id，或 --retry 申请id，"
            "或 --settled 申请id"
        ),
        (
            "one of: syncd link NO APPLY_ID · --csv FILE · --list · --remove NO APPLY_ID · --retry APPLY_ID ·"
            " --settled APPLY_ID"
        ),
    ),
    "link.no_file": ("没有文件 {file}", "there is no file {file}"),
    "link.folder": ("{file} 是文件夹，不是文件", "{file} is a folder, not a file"),
    "link.forbidden": ("没有读取 {file} 的权限", "{file} may not be read"),
    "link.unreadable": ("无法读取 {file}：{why}", "{file} cannot be read: {why}"),
    "link.line": ("第 {line} 行：{why}", "line {line}: {why}"),
    "link.nothing_done": (
        "有 {bad} 处不对，一行也没有关联。",
        "{bad} lines are wrong; nothing was linked.",
    ),
    "link.would": ("将关联 {no} → {apply_id}", "would link {no} → {apply_id}"),
    "link.previewed": (
        "可关联 {fit} 行，已关联 {there} 行；未作改动。",
        "{fit} to be linked, {there} linked already; nothing was changed.",
    ),
    "link.done": ("已关联 {fit} 行（另有 {there} 行此前已关联）。", "{fit} linked ({there} were linked already)."),
    "link.removed": ("已取消 {no} 与申请 {apply_id} 的关联。", "{no} is no longer linked to {apply_id}."),
    "link.not_linked": ("{no} 没有关联申请 {apply_id}", "{no} is not linked to {apply_id}"),
    "link.unknown": (
        "没有申请 {apply_id}；可用 syncd link --list 查看",
        "no application {apply_id}; see syncd link --list",
    ),
    "link.several": (
        "申请 {apply_id} 属于多个商户（{merchants}），请加 --merchant",
        "{apply_id} is known to several merchants ({merchants}); add --merchant",
    ),
    "link.retried": ("申请 {apply_id} 将立即重新处理。", "application {apply_id} goes on now."),
    "link.settled_now": ("申请 {apply_id} 记为线外已处理。", "application {apply_id} is noted as settled outside."),
    "link.is_done": ("申请 {apply_id} 已完结", "application {apply_id} is done"),
    "link.is_withdrawn": ("申请 {apply_id} 已被买家撤回", "the buyer has withdrawn application {apply_id}"),
    "link.none": ("没有申请。", "No applications."),
    "link.unlinked": ("未关联", "not linked"),
    "link.column.merchant": ("商户", "merchant"),
    "link.column.apply_id": ("申请 id", "apply_id"),
    "link.column.state": ("状态", "state"),
    "link.column.orders": ("发票单", "orders"),
    "link.column.next": ("下一步", "next"),
    "link.column.why": ("说明", "why"),
    # -- bad lines -----------------------------------------------------------------------------------------------------
    "link.bad.too_large": ("文件超过 {most} MB", "the file is larger than {most} MB"),
    "link.bad.too_many_lines": ("超过 {most} 行，请分成几个文件", "more than {most} lines: split the file"),
    "link.bad.encoding": ("文字编码无法识别，请存为 UTF-8 或 GBK", "the encoding is unknown: save it as UTF-8 or GBK"),
    "link.bad.no_header": ("第一行应为列名", "the first line must name the columns"),
    "link.bad.column_missing": (
        "缺少列 invoice_order_no（发票单号）或 apply_id（申请id）；读到的列：{found}",
        "the columns invoice_order_no and apply_id are needed, each once; found: {found}",
    ),
    "link.bad.quotes": ("引号不成对", "a quotation mark is never closed"),
    "link.bad.cells": ("有 {found} 列，应为 {wanted} 列", "{found} columns where {wanted} were named"),
    "link.bad.empty_cell": ("单号或申请 id 为空", "the number or the id is empty"),
    "link.bad.duplicate_line": ("{no} 与第 {first} 行重复", "{no} stands in line {first} already"),
    "link.bad.apply_id_unusable": (
        "申请 id“{apply_id}”不可用（是否被表格软件改成了科学计数法？）",
        '"{apply_id}" is no usable id (did the spreadsheet round it?)',
    ),
    "link.bad.order_unknown": ("没有读到过单据 {no}", "order {no} is unknown"),
    "link.bad.order_ambiguous": (
        "单号 {no} 属于多个商户（{merchants}），请加 --merchant",
        "{no} is known to several merchants ({merchants}); add --merchant",
    ),
    "link.bad.linked_elsewhere": (
        "{no} 已关联申请 {other}；确需关联第二个申请时加 --also",
        "{no} is linked to {other}; if it ends a second application too, add --also",
    ),
    "link.bad.order_wished_already": (
        "同一文件第 {first} 行已要求 {no} 关联申请 {other}；确需关联第二个申请时加 --also",
        "line {first} of this file links {no} to {other}; if it ends a second application too, add --also",
    ),
    "link.bad.other_buyer_in_file": (
        "同一文件第 {first} 行的 {other} 与 {no} 购方不同，不能同属申请 {apply_id}",
        "line {first} of this file links {apply_id} to {other}, whose buyer is not that of {no}",
    ),
    "link.bad.other_merchant": (
        "申请 {apply_id} 属于商户 {other}，{no} 不是该商户的单据",
        "{apply_id} belongs to merchant {other}, and {no} does not",
    ),
    "link.bad.other_buyer": (
        "申请 {apply_id} 已关联 {other}，其购方与 {no} 不同",
        "{apply_id} is linked to {other}, whose buyer is not that of {no}",
    ),
    "link.bad.already_told": (
        "申请 {apply_id} 的结果已告知平台，不能再改关联",
        "the centre was told how {apply_id} ended; its links are fixed",
    ),
    "link.bad.withdrawn": ("买家已撤回申请 {apply_id}", "the buyer has withdrawn {apply_id}"),
    # -- where an application stands -----------------------------------------------------------------------------------
    "application.waiting": ("等待单据", "waits for its orders"),
    "application.owed": ("待告知平台", "the centre is to be told"),
    "application.settled": ("线外已处理", "settled by a person"),
    "application.done": ("已完结", "done"),
    "application.withdrawn": ("买家已撤回", "withdrawn by the buyer"),
    "application.held": ("挂起，待人工", "held for a person"),
    "explain.applications": ("阿里发票申请", "Applications at Alibaba"),
    "explain.application": (
        "申请 {apply_id}：{state}{when}",
        "application {apply_id}: {state}{when}",
    ),
    "explain.application_answer": (
        "平台最近答复：{answer}（请求号 {request_id}）",
        "the centre last said: {answer} (request {request_id})",
    ),
    "explain.application_held": ("申请 {apply_id} 挂起：{why}", "application {apply_id} was held: {why}"),
    "show.applications": ("阿里申请", "applications"),
    "status.applications": ("阿里发票申请", "Applications at Alibaba"),
    "status.application_line": ("{merchant}：{counts}", "{merchant}: {counts}"),
    "status.application_held": (
        "{merchant}：{count} 个申请挂起（{why}）→ syncd link --list --state held",
        "{merchant}: {count} applications held ({why}) → syncd link --list --state held",
    ),
    "event.alibaba.linked": ("关联到阿里发票申请", "linked to an application at Alibaba"),
    "event.alibaba.unlinked": ("取消与申请的关联", "the link to an application was taken back"),
    "event.alibaba.ambiguous": ("指向多个申请，待人工关联", "more than one application is meant; a person links it"),
    "event.alibaba.missing": ("平台称发票未归集，需回传", "the centre has not collected invoices yet"),
    "event.alibaba.returned": ("发票已回传平台", "the invoice was returned to the centre"),
    "event.alibaba.done": ("申请已完结", "the application is ended at the centre"),
    "event.alibaba.withdrawn": ("买家撤回申请", "the buyer withdrew the application"),
    "event.alibaba.retried": ("要求重新处理申请", "the application was asked to go on"),
    "event.alibaba.settled": ("申请记为线外已处理", "the application was noted as settled outside"),
    "event.alibaba.held": ("申请挂起", "the application was held"),
    "fact.application": ("申请", "application"),
    "fact.applications": ("申请", "applications"),
    "fact.source": ("来源", "by way of"),
    "fact.status": ("状态", "status"),
    "fact.count": ("张数", "count"),
    "fact.time": ("次数", "time"),
    "fact.request": ("请求号", "request"),
    "fact.taken": ("平台接收", "taken"),
    "fact.as_it_is": ("差异已核对", "compared by hand"),
}
