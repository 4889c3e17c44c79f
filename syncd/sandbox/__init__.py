"""Simulators of the outside parties as real HTTP servers, with faults on command. Imports nothing else of syncd."""

from syncd.sandbox.mix import ARRIVING, DEMO, HEALTHY, Mix
from syncd.sandbox.nuonuo import LegalInvoice, NuonuoSwitches, NuonuoWorld
from syncd.sandbox.sandbox import Sandbox, SandboxOptions
from syncd.sandbox.top import TopSwitches, TopWorld
from syncd.sandbox.wdt import WdtSwitches, WdtWorld
from syncd.sandbox.yuannian import YuannianSwitches, YuannianWorld

__all__ = [
    "ARRIVING",
    "DEMO",
    "HEALTHY",
    "LegalInvoice",
    "Mix",
    "NuonuoSwitches",
    "NuonuoWorld",
    "Sandbox",
    "SandboxOptions",
    "TopSwitches",
    "TopWorld",
    "WdtSwitches",
    "WdtWorld",
    "YuannianSwitches",
    "YuannianWorld",
]
