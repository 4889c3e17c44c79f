"""A faithful WDT (旺店通旗舰版): the two invoice methods and the clock, over real HTTP."""

from syncd.sandbox.wdt.document import Content, Document, Written
from syncd.sandbox.wdt.switches import WdtSwitches
from syncd.sandbox.wdt.world import WdtWorld

__all__ = ["Content", "Document", "WdtSwitches", "WdtWorld", "Written"]
