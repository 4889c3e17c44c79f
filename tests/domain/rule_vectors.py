"""The machine-readable cases of the rules, as parameters for tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

_VECTORS = json.loads((Path(__file__).parents[1] / "data" / "vectors.json").read_text("utf-8"))["vectors"]


def vectors(kind: str) -> pytest.MarkDecorator:
    """Run a test once per vector of `kind`, given as `vector`; a kind without vectors is a mistake."""
    found = [v for v in _VECTORS if v["system"] == "rules" and v["kind"] == kind]
    assert found, kind
    return pytest.mark.parametrize("vector", [pytest.param(v, id=v["id"]) for v in found])
