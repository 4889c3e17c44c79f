"""docs/settings.md says what the models say."""

from __future__ import annotations

from pathlib import Path

from syncd.config import Settings
from syncd.config.fields import table_in
from syncd.config.reference import render
from syncd.config.values import Says

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_is_the_one_the_models_give() -> None:
    """Regenerate it: python -m syncd.config.reference > docs/settings.md"""
    assert PAGE.read_text(encoding="utf-8") == render()


def test_every_key_says_what_it_means_in_both_languages() -> None:
    tables = [table for info in Settings.model_fields.values() if (table := table_in(info))]
    tables += [table for model in tables for info in model.model_fields.values() if (table := table_in(info))]
    silent = [
        f"{table.__name__}.{key}"
        for table in tables
        for key, info in table.model_fields.items()
        if not any(isinstance(mark, Says) and mark.en and mark.zh for mark in info.metadata)
    ]

    assert len(tables) > 10
    assert silent == []
