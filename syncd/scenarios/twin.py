"""Wrong twins: a deliberately broken version of one rule, put in place of the right one for one run.

A twin is a function without arguments that returns a context manager, in a Python file of the caller's (the tests
keep them in `tests/scenarios/twins.py`): inside, the program breaks its rule. A scenario that does not notice is blind.
"""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class NoSuchTwin(Exception):
    """The text does not name a twin: FILE:NAME."""


@contextmanager
def playing(twin: str) -> Iterator[None]:
    """Play the program as the twin `FILE:NAME` has it; as it is, when `twin` is empty. Raises NoSuchTwin."""
    if not twin:
        yield
        return
    file, _, name = twin.rpartition(":")
    if not Path(file).is_file():
        raise NoSuchTwin(twin)
    made = runpy.run_path(file).get(name)
    if not callable(made):
        raise NoSuchTwin(twin)
    with made():
        yield
