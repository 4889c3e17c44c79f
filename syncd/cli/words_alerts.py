"""What the commands about alerts say. Key → (Chinese, English), with the same fields in both."""

from __future__ import annotations

from collections.abc import Mapping

ALERTS: Mapping[str, tuple[str, str]] = {
    "help.alerts": (
        "告警消息的渠道：试发。\n\n例：syncd alerts test",
        "The channels that tell people of outages: try them.\n\nExample: syncd alerts test",
    ),
    "help.alerts.test": (
        (
            "向 [alerts] urls 的每个渠道发一条测试消息，逐一说明是否送达；只显示渠道种类，不显示地址。"
            "\n\n例：syncd alerts test"
        ),
        (
            "Send a test message to each channel of [alerts] urls and say which took it; addresses are not shown."
            "\n\nExample: syncd alerts test"
        ),
    ),
    "alerts.none": (
        "没有告警渠道：请在设置的 [alerts] 中填写 urls 或 urls_file。",
        "There is no channel: give urls or urls_file in [alerts] of the settings.",
    ),
    "alerts.taken": ("{scheme}：已送达", "{scheme}: taken"),
    "alerts.silent": ("{scheme}：未送达", "{scheme}: not taken"),
    "alerts.silent.remedy": (
        "检查地址中的令牌、机器人的安全设置（关键词请填 syncd）与本机网络。",
        'Check the token in the address, the robot\'s security settings (as a keyword use "syncd"), and the network.',
    ),
    "check.alerts": ("{count} 个告警渠道：{schemes}", "{count} alert channels: {schemes}"),
    "check.alerts.remedy": (
        "地址格式见 docs/deploy.md，改好后用 syncd alerts test 试发。",
        "The forms of addresses are in docs/deploy.md; then try `syncd alerts test`.",
    ),
}
