"""What is wrong with the settings, in Chinese. In English they speak for themselves: a line for each problem.

The lines are made where the settings are read, which knows no language. Names of settings, files and values stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from syncd.cli.words import Lang

#: What a line says after its place → how that is said in Chinese.
_PATTERNS: Sequence[tuple[str, str]] = (
    # -- what a value is not
    (r"is missing", "缺失，必须填写"),
    (
        r"is missing \(give it here, as (?P<a>\S+), in the environment or in a secrets directory\)",
        r"缺失（可写在此处、用 \g<a> 指定文件、用环境变量或 secrets 目录）",
    ),
    (
        r"is missing: with tmc = true, messages of merchant (?P<a>.+) come through the same queue",
        r"缺失：tmc = true 时，商户 \g<a> 的消息也从同一队列来",
    ),
    (r"must be a whole number", "应为整数"),
    (r"must be true or false", "应为 true 或 false"),
    (r"must be text, in quotes", "应为带引号的文本"),
    (r"must be a number", "应为数字"),
    (r"must be a number, not true or false", "应为数字，不是 true 或 false"),
    (r"must be a table", "应为一个表（[...]）"),
    (r"must be a list of tables", "应为表的列表（[[...]]）"),
    (r"must be a table of texts", "应为一个由文本组成的表"),
    (r"must be a list of texts, as (?P<a>\[.+\])", r"应为文本的列表，如 \g<a>"),
    (r"must be a path", "应为文件路径（带引号的文本）"),
    (r"is not valid \((?P<a>.+)\)", r"无效（\g<a>）"),
    (r"must be more than (?P<a>.+)", r"必须大于 \g<a>"),
    (r"must be at least (?P<a>\S+)", r"不能小于 \g<a>"),
    (r"must be at least three seconds below 30 days", "至少要比 30 天少三秒"),
    (r"must be less than (?P<a>.+)", r"必须小于 \g<a>"),
    (r"must be at most (?P<a>\S+)", r"不能大于 \g<a>"),
    (r"must be at most ten years", "不能超过十年"),
    (r"must be longer than nothing", "必须大于零"),
    (r"has more characters than (?P<a>.+)", r"不能超过 \g<a> 个字符"),
    (r"has fewer characters than (?P<a>.+)", r"不能少于 \g<a> 个字符"),
    (r"must be one of: (?P<a>.+)", r"只能是：\g<a>"),
    (r"must be empty or one of (?P<a>.+)", r"只能为空，或是：\g<a>"),
    (r"must not hold control characters", "不能含控制字符"),
    (r"must not be empty", "不能为空"),
    (r"must be plain ASCII without blanks", "只能是不含空格的英文字母、数字与符号"),
    (
        r"must be plain ASCII without blanks, (?P<a>\S+) characters at most",
        r"只能是不含空格的英文字母、数字与符号，至多 \g<a> 个字符",
    ),
    (r"must be 1 to 32 of a-z 0-9 _ -, the first a letter or digit", "应为 1 至 32 个 a-z 0-9 _ -，以字母或数字开头"),
    (r"must be 15 to 20 characters, digits and capital letters alone", "应为 15 至 20 位，只含数字与大写字母"),
    (
        r"must be omit, empty, invoice_no_prefix12 or \"literal:TEXT\" \(TEXT of 1 to 40 characters\)",
        '应为 omit、empty、invoice_no_prefix12 或 "literal:文本"（文本 1 至 40 个字符）',
    ),
    (r"must begin with \"/\" and be plain ASCII without blanks", '必须以 "/" 开头，不含空格与汉字'),
    (r"must be a URL", "应为网址"),
    (r"must begin with (?P<a>\"\S+\") or (?P<b>\"\S+\")", r"必须以 \g<a> 或 \g<b> 开头"),
    (r"must name a host", "缺少主机名，或含有空格"),
    (
        r"must be scheme, host and path only: no user, no query, no fragment",
        "只能有协议、主机与路径，不能带用户、参数或片段",
    ),
    (r"must look like (?P<a>\".+\") \(Beijing time\)", r"应形如 \g<a>（北京时间）"),
    (r"must look like (?P<a>\".+\") \(no colon found\)", r"应形如 \g<a>（没有冒号）"),
    (r"must look like (?P<a>\".+\") \(one side is empty\)", r"应形如 \g<a>（有一边为空）"),
    (r"must look like (?P<a>\".+\") or (?P<b>\S+)", r"应形如 \g<a> 或 \g<b>"),
    (r"must look like (?P<a>\"\S+\")", r"应形如 \g<a>"),
    (r"must be a span such as (?P<a>.+) or (?P<b>\S+)", r"应为时长，如 \g<a> 或 \g<b>"),
    (r"is no regular expression: (?P<a>.+)", r"不是正则表达式：\g<a>"),
    (r"must have one group at most", "最多只能有一个分组"),
    (
        r"must map prefixes of tax codes \(1 to 19 digits\) to exempt, untaxed or zero",
        "应把税收编码前缀（1 至 19 位数字）对应到 exempt、untaxed 或 zero",
    ),
    (r"url needs at least three path segments, as in (?P<a>\S+)", r"url 至少要有三段路径，如 \g<a>"),
    (r"(?P<a>\".+\") is neither \$app_id nor \$secret", r"\g<a> 既不是 $app_id 也不是 $secret"),
    (r"there is no preset (?P<a>\".+\"); there are (?P<b>.+)", r"没有预设 \g<a>，可用：\g<b>"),
    (r"(?P<a>\{.+\}) is none of (?P<b>.+)", r"\g<a> 不在可用之列：\g<b>"),
    (
        r"a template without a part in braces would give every request the same signature",
        "模板里没有花括号部分，所有请求的签名会相同",
    ),
    # -- what does not go together
    (r"is not a setting", "不是设置项"),
    (r"is also the sid of merchant (?P<a>\".+\")", r"与商户 \g<a> 的 sid 相同"),
    (
        r"is also the seller_nick of merchant (?P<a>\".+\"), which shares its queue",
        r"与共用队列的商户 \g<a> 的 seller_nick 相同",
    ),
    (r"names no (?P<a>\[issuers\.\S+\])", r"指向的 \g<a> 不存在"),
    (
        r"names no (?P<a>\[issuers\.\S+\]); there are: (?P<b>.+)",
        r"指向的 \g<a> 不存在；文件中有：\g<b>",
    ),
    (r"(?P<a>\".+\") is used by an earlier merchant; give this one another", r"\g<a> 与前面的商户重名，请另取一个"),
    (r"(?P<a>\".+\") is the name of another party's lane; choose another", r"\g<a> 是另一方通道的名字，请换一个"),
    (
        r"\"distributed\" needs a store on PostgreSQL: set store\.url to (?P<a>\S+)",
        r"为 distributed 时数据库须用 PostgreSQL：把 store.url 设为 \g<a>",
    ),
    (r"\"distributed\" needs procrastinate: (?P<a>.+)", r"为 distributed 时需要 procrastinate：\g<a>"),
    (r"(?P<a>\(\".+\"\)) is no address that Apprise can send to", r"\g<a> 不是 Apprise 能发送的地址"),
    (r"needs the package apprise: (?P<a>.+)", r"需要安装 apprise：\g<a>"),
    (
        r"is reachable from other machines: set console\.token, or listen on (?P<a>\S+)",
        r"可被其他机器访问：请设置 console.token，或改为监听 \g<a>",
    ),
    (
        r"is plain http beyond this machine: use https, or set allow_plain_http = true",
        "是本机以外的明文 http：请用 https，或设置 allow_plain_http = true",
    ),
    (r"return_api = \"detail_upload\" needs the shop's session", 'return_api = "detail_upload" 需要店铺的 session'),
    (r"link_pattern needs link_field, the field it is looked for in", "link_pattern 需要 link_field（在哪个字段里找）"),
    (r"needs either token or token_url, one of the two", "token 与 token_url 须且只须给一个"),
    (r"needs one of token, token_file and token_url", "token、token_file、token_url 须且只须给一个"),
    # -- where it is read from
    (r"there is no merchant (?P<a>\".+\") in the file", r"文件中没有商户 \g<a>"),
    (r"there is no issuer (?P<a>\".+\") in the file", r"文件中没有开票账号 \g<a>"),
    (r"cannot be read from (?P<a>.+) \((?P<why>.+)\)", r"无法读取 \g<a>（\g<why>）"),
    (r"cannot be read \((?P<why>.+)\)", r"无法读取（\g<why>）"),
    (r"is no secret: (?P<a>.+) is larger than 64 KiB", r"不是密钥：\g<a> 大于 64 KiB"),
    (r"is not UTF-8 text: (?P<a>.+)", r"不是 UTF-8 文本：\g<a>"),
    (r"is not UTF-8 text", "不是 UTF-8 文本，请另存为 UTF-8"),
    (r"is empty: (?P<a>.+)", r"是空文件：\g<a>"),
    (
        r"no settings file: looked for (?P<a>.+); give -c FILE or set SYNCD_CONFIG",
        r"没有设置文件：找过 \g<a>；请用 -c 文件 指定，或设置 SYNCD_CONFIG",
    ),
    # -- what is unwise
    (r"there is no \[\[merchants\]\]: nothing will be polled", "没有 [[merchants]]：不会拉取任何单据"),
    (r"= (?P<a>\S+) is below its safe default (?P<b>\S+)", r"= \g<a> 低于安全的缺省值 \g<b>"),
    (r"= (?P<a>\S+) is above its safe default (?P<b>\S+)", r"= \g<a> 高于安全的缺省值 \g<b>"),
    (
        r"is plain http: buyers' data cross the network readable; prefer https or a private tunnel",
        "是明文 http：购买方资料在网络上可被读取，建议用 https 或专用通道",
    ),
    (r"is shorter than (?P<a>\S+) characters", r"不足 \g<a> 个字符"),
    (
        r"is empty: the wallet part stays off, issuing goes on without it",
        "为空：卡包部分不启用，开票不受影响",
    ),
    (
        r"is empty: the signature is not published, and nothing is sent without one",
        "为空：签名规则未公布，没有它不发送任何请求",
    ),
    # -- what a client says of the account it is given
    (r"app key and tax number must be plain ASCII without spaces", "app_key 与税号只能是不含空格的英文字母与数字"),
    (r"the Nuonuo token is empty, too long, or not plain ASCII", "诺诺令牌为空、过长，或含有英文以外的字符"),
    (
        r"a Nuonuo address has at least three path segments, as in (?P<a>\S+)",
        r"诺诺的地址至少要有三段路径，如 \g<a>",
    ),
    (r"ca_file of Yuannian cannot be used \((?P<a>.+)\)", r"元年的 ca_file 不能用（\g<a>）"),
    # -- what is no TOML
    (r"expected '=' after a key in a key/value pair", "键的后面缺少 ="),
    (r"expected '\]' at the end of a table declaration", "表名的末尾缺少 ]"),
    (r"expected '\]\]' at the end of an array declaration", "表名的末尾缺少 ]]"),
    (r"expected newline or end of document after a statement", "一行只能有一个设置，后面有多余的内容"),
    (r"expected (?P<a>.+)", r"此处应为 \g<a>"),
    (r"invalid date or datetime", "日期或时间不对"),
    (r"invalid hex value", "十六进制转义不对"),
    (r"escaped character is not a Unicode scalar value", "转义的字符不存在"),
    (r"invalid initial character for a key part", "此处不能这样开始一个键"),
    (r"invalid statement", "看不懂这一行"),
    (r"invalid value", "看不懂这个值；文本要加引号"),
    (r"unclosed array", "数组没有结束，缺少 ]"),
    (r"unclosed inline table", "表没有结束，缺少 }"),
    (r"unescaped '.+' in a string", "文本中的 \\\\ 要写成两个，或用单引号"),
    (r"unterminated string", "文本没有结束，缺少引号"),
    (r"cannot overwrite a value", "这个键前面已经写过"),
    (r"cannot declare (?P<a>.+) twice", r"表 \g<a> 写了两次"),
    (r"cannot (?:mutate immutable|redefine) namespace (?P<a>.+)", r"\g<a> 前面已经写过，不能再加内容"),
    (r"duplicate inline table key (?P<a>.+)", r"键 \g<a> 写了两次"),
    (r"(?:found invalid|illegal) character (?P<a>.+)", r"不允许的字符 \g<a>"),
)
_LINES = tuple((re.compile(rf"(?P<place>.*\s)??{pattern}", re.DOTALL), said) for pattern, said in _PATTERNS)
_GUESS = re.compile(r" \(did you mean (\".+\")\?\)")
#: Parts of a place, and the system's own words for why a file cannot be read.
_PARTS: Sequence[tuple[str, str | Callable[[re.Match[str]], str]]] = (
    (r"^environment (?=\S+: )", "环境变量 "),
    (r"^secrets file (?=\S+)", "密钥文件 "),
    (r"(?<=: )merchants\[(\d+)\]", lambda found: f"{found[0]}（第 {int(found[1]) + 1} 个商户）"),
    (r"(?<=: )line (\d+), column (\d+): $", r"第 \1 行第 \2 列："),
)
_WHY = {
    "No such file or directory": "没有这个文件",
    "Permission denied": "没有权限：请以服务用户运行，或更正属主与权限",
    "Is a directory": "这是一个目录",
    "Not a directory": "路径中有一段不是目录",
}


def settings_line(line: str, lang: Lang) -> str:
    """One line about the settings in the reader's language; one that nobody translated as it is."""
    return _in_chinese(line) if lang == "zh" else line


def _in_chinese(line: str) -> str:
    guess = _GUESS.search(line)
    told = line[: guess.start()] if guess and guess.end() == len(line) else line
    for pattern, said in _LINES:
        found = pattern.fullmatch(told)
        if found is not None:
            return _place(found["place"] or "") + _said(found, said) + (f"（是否指 {guess[1]}？）" if guess else "")
    return line


def _said(found: re.Match[str], said: str) -> str:
    why = found.groupdict().get("why")
    text = found.expand(said)
    return text.replace(why, _WHY.get(why, why)) if why else text


def _place(place: str) -> str:
    for pattern, said in _PARTS:
        place = re.sub(pattern, said, place)
    return place
