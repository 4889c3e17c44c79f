"""A faithful Nuonuo (诺诺·诺税通): submit, query, re-push, red forms, session and tokens, over real HTTP."""

from syncd.sandbox.nuonuo.form import Blue, RedForm
from syncd.sandbox.nuonuo.ledger import LegalInvoice
from syncd.sandbox.nuonuo.script import Script
from syncd.sandbox.nuonuo.submission import Submission
from syncd.sandbox.nuonuo.switches import NuonuoSwitches
from syncd.sandbox.nuonuo.world import NuonuoWorld, Seller

__all__ = ["Blue", "LegalInvoice", "NuonuoSwitches", "NuonuoWorld", "RedForm", "Script", "Seller", "Submission"]
