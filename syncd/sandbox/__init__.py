"""Simulators of the outside parties as real HTTP servers, with faults on command. Imports nothing else of syncd."""

from syncd.sandbox.mix import DEMO, HEALTHY, Mix
from syncd.sandbox.nuonuo import LegalInvoice, NuonuoSwitches, NuonuoWorld
from syncd.sandbox.sandbox import Sandbox, SandboxOptions
from syncd.sandbox.wdt import WdtSwitches, WdtWorld

__all__ = [
    "DEMO",
    "HEALTHY",
    "LegalInvoice",
    "Mix",
    "NuonuoSwitches",
    "NuonuoWorld",
    "Sandbox",
    "SandboxOptions",
    "WdtSwitches",
    "WdtWorld",
]
