"""The message queue (TMC) of the applications' owners, and the two calls that empty it by pulling."""

import json
import math
from typing import Any

from syncd.sandbox.moment import beijing_text
from syncd.sandbox.top.ask import Ask
from syncd.sandbox.top.dialect import Listed
from syncd.sandbox.top.refusal import invalid
from syncd.sandbox.top.world import Message, TopWorld

Json = dict[str, Any]
LEAST, MOST = 10, 200
PUBLISHER = "12497914"


def consume(world: TopWorld, ask: Ask) -> Json:
    """`taobao.tmc.messages.consume`: the oldest waiting messages; unconfirmed ones come again."""
    now, wanted = world.now(), _quantity(ask)
    waiting = [one for one in world.messages if one.app_key == ask.account.app_key and one.next_at <= now]
    given = waiting[:wanted]
    for message in given:
        message.delivered += 1
        message.next_at = now + world.switches.redeliver_after
    return {"messages": Listed("tmc_message", [_shown(message) for message in given])}


def confirm(world: TopWorld, ask: Ask) -> Json:
    """`taobao.tmc.messages.confirm`: they do not come again. Unknown ids are passed over."""
    ask.needed("s_message_ids")
    ids = ask.get("s_message_ids").split(",")
    if len(ids) > MOST or not all(one.strip().isdigit() for one in ids):
        raise invalid("s_message_ids", f"应为不超过{MOST}个数字")
    if world.switches.lost_confirms > 0:
        world.switches.lost_confirms -= 1
        return {"is_success": True}
    wanted = {int(one) for one in ids}
    for message in world.messages:
        if message.id in wanted and message.app_key == ask.account.app_key:
            message.next_at = math.inf
    return {"is_success": True}


def _quantity(ask: Ask) -> int:
    """How many messages the caller wants: 10 to 200, 100 when it does not say."""
    text = ask.get("quantity") or "100"
    if not text.isdigit() or not LEAST <= int(text) <= MOST:
        raise invalid("quantity", f"取值范围 {LEAST}-{MOST}")
    return int(text)


def _shown(message: Message) -> Json:
    return {
        "id": message.id,
        "topic": message.topic,
        "content": json.dumps(message.content, ensure_ascii=False, separators=(",", ":")),
        "pub_time": beijing_text(message.at),
        "pub_app_key": PUBLISHER,
        "user_id": 2074082786,
        "user_nick": message.seller_nick,
    }
