"""A faithful TOP gateway with Alibaba's invoice centre behind it: applications, uploads, messages, over real HTTP."""

from syncd.sandbox.top.account import Account, Ban, Session
from syncd.sandbox.top.application import Application, Collected, InvoiceKey
from syncd.sandbox.top.switches import TopSwitches
from syncd.sandbox.top.uploads import Upload
from syncd.sandbox.top.world import TopWorld

__all__ = [
    "Account",
    "Application",
    "Ban",
    "Collected",
    "InvoiceKey",
    "Session",
    "TopSwitches",
    "TopWorld",
    "Upload",
]
