"""A faithful Yuannian (元年税务管理平台, WeChat invoices): seven interfaces and the wallets behind, over real HTTP."""

from syncd.sandbox.yuannian.card import Card, Import, StatusChange
from syncd.sandbox.yuannian.switches import YuannianSwitches
from syncd.sandbox.yuannian.world import YuannianWorld

__all__ = ["Card", "Import", "StatusChange", "YuannianSwitches", "YuannianWorld"]
