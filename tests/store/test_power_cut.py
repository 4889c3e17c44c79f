"""Power cuts below the store's own recipe: an acknowledged intent that is forgotten would be a second invoice."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
import pytest
from power import Disk, Power

from syncd.store import engine

POWER = Power()


@pytest.fixture
def platter() -> Iterator[Path]:
    """A folder in memory where there is one: the disk that fails is ours, the host's would only slow it down."""
    shared = Path("/dev/shm")
    with TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else None) as folder:
        yield Path(folder)


#: The recipe of the store's writer, as SQLAlchemy applies it, with checkpoints often enough to be met.
FULL = (*(pragma for pragma in engine.WRITER if "cache_size" not in pragma), "PRAGMA wal_autocheckpoint=20")
NORMAL = tuple(pragma.replace("synchronous=FULL", "synchronous=NORMAL") for pragma in FULL)


def commits_until_the_cut(path: Path, dice: random.Random, recipe: Sequence[str]) -> int:
    """Write intents until the power fails; how many commits were acknowledged."""
    POWER.disk = Disk()
    db = apsw.Connection(str(path), vfs="power")
    for pragma in recipe:
        db.execute(pragma)
    db.execute("CREATE TABLE intent (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT")
    POWER.disk = Disk(fails_at=dice.randint(1, 400), cached=POWER.disk.cached)
    acknowledged = 0
    try:
        for number in range(1, 200):
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT INTO intent VALUES (?, ?)", (number, bytes(dice.randint(1, 3000))))
            db.execute("COMMIT")
            acknowledged = number
    except apsw.Error:
        pass
    try:
        db.close(True)
    except apsw.Error:
        pass
    return acknowledged


def found_after(path: Path) -> tuple[bool, int]:
    """Whether the file is sound, and the last intent it holds."""
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    db = apsw.Connection(str(path))
    sound = list(db.execute("PRAGMA integrity_check")) == [("ok",)]
    known = list(db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'intent'"))  # even the table may be forgotten
    last = next(iter(db.execute("SELECT coalesce(max(id), 0) FROM intent")))[0] if known else 0
    db.close(True)
    return sound, int(last)


def cuts(folder: Path, seeds: range, recipe: Sequence[str]) -> Counter[str]:
    met: Counter[str] = Counter()
    for seed in seeds:
        dice, path = random.Random(seed), folder / f"{seed}.db"
        acknowledged = commits_until_the_cut(path, dice, recipe)
        met["cut"] += POWER.disk.is_off
        POWER.disk.lose(dice)
        POWER.disk = Disk()
        sound, last = found_after(path)
        met["corrupt"] += not sound
        met["forgotten"] += last < acknowledged
        for name in folder.glob(f"{seed}.db*"):
            name.unlink()
    return met


def test_the_stores_recipe_forgets_nothing_in_a_power_cut_and_a_weaker_one_does(platter: Path) -> None:
    """F20, F21. The control must lose commits, or this test is blind."""
    full, normal = cuts(platter, range(100), FULL), cuts(platter, range(100), NORMAL)

    assert "PRAGMA synchronous=FULL" in FULL
    assert full["cut"] > 60
    assert (full["forgotten"], full["corrupt"]) == (0, 0)
    assert normal["forgotten"] > 20


@pytest.mark.storm
@pytest.mark.timeout(1800)
def test_two_thousand_power_cuts_forget_nothing(platter: Path) -> None:
    """F20."""
    met = cuts(platter, range(1000, 3000), FULL)

    assert (met["forgotten"], met["corrupt"]) == (0, 0)
    assert met["cut"] > 1500
