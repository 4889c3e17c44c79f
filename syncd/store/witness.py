"""The witness: a small file outside the backup set that remembers how far this installation has gone.

A store that is put back from a backup has forgotten what was sent since; the witness has not. It is written after the
commit that precedes an outside write and before the call, and read at every start. docs/decisions/0009 tells what was
weighed.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path


class WitnessUnusable(Exception):
    """The configured folder for the witness cannot be written to; nothing may be sent without one."""


class Overtaken(Exception):
    """The witness names another store, or another start of this one: somebody else goes on in our place."""


class WitnessBusy(Exception):
    """Another process is writing the witness and does not come to an end."""


@dataclass(frozen=True, slots=True)
class Witness:
    """What was last known to be about to go out."""

    instance: str
    epoch: int
    store: str  # absolute real path
    term: str  # drawn anew by each process that takes the store for itself
    written_at: str  # for people
    by: str = ""  # the process whose transaction it was; "" where somebody only said how far the store is


#: The term of a line that was ended by a move: no process draws it, so nobody ever advances such a witness.
ENDED = "moved"


class Finding(StrEnum):
    """What a start learns by comparing the store with its witness."""

    FINE = "fine"
    RESTORED = "restored"  # the witness has seen more than the store remembers
    WITNESS_MISSING = "witness_missing"  # something was sent once, and nothing tells whether it was the last
    MOVED_AWAY = "moved_away"  # `syncd db move` has ended this line: another store goes on in its place
    MOVED = "moved"  # the store was known at another path: moved, or a copy


def compare(instance: str, epoch: int, store: str, witness: Witness | None) -> Finding:
    """Whether the store at `store` is the newest of its line. A witness behind it is a crash before a call: fine."""
    if witness is None or witness.instance != instance:
        return Finding.WITNESS_MISSING if epoch else Finding.FINE
    if witness.term == ENDED:
        return Finding.MOVED_AWAY
    if witness.epoch > epoch:
        return Finding.RESTORED
    return Finding.FINE if witness.store == store else Finding.MOVED


class WitnessFolder:
    """Where witnesses are kept, one file for each instance id. `beside`: no better place than the store's own."""

    def __init__(self, folder: Path, *, beside: bool = False) -> None:
        self.folder = folder
        self.beside = beside

    def read(self, instance: str) -> Witness | None:
        """The witness of `instance`; None where there is none that can be read."""
        return _parsed(self._file(instance))

    def others_at(self, store: str, instance: str) -> list[Witness]:
        """Witnesses of other instances that lived at this very path: databases that were deleted."""
        found = (_parsed(path) for path in sorted(self.folder.glob("*.witness")))
        return [one for one in found if one is not None and one.store == store and one.instance != instance]

    def write(self, witness: Witness) -> None:
        """Replace the witness durably, whatever it said. Raises OSError, WitnessBusy."""
        with self._alone():
            self._put(witness)

    def advance(self, witness: Witness, *, after: str = "") -> Witness:
        """Replace the witness of the same store and term, unless it is further already; durable on return.

        Returns the witness that stands: another one than `witness` where somebody has gone as far or further.

        Compared and replaced under a kernel lock: of two processes that both believe they are the one, one gets past
        here. `after`: a term that this one may follow, no further back. Raises Overtaken, OSError, WitnessBusy.
        """
        with self._alone():
            current = self.read(witness.instance)
            if current is not None:
                ours = current.store == witness.store and current.term == witness.term
                if not (ours or _follows(current, witness, after)):
                    raise Overtaken(f"{current.store} at epoch {current.epoch}")
                as_far = current.epoch == witness.epoch and bool(current.by or not witness.by)
                if ours and (current.epoch > witness.epoch or as_far):  # another worker on the same store was faster
                    return current
            self._put(witness)
        return witness

    def _file(self, instance: str) -> Path:
        return self.folder / f"{instance}.witness"

    def _put(self, witness: Witness) -> None:
        path = self._file(witness.instance)
        fresh = path.with_suffix(".new")
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, json.dumps(asdict(witness)).encode() + b"\n")
            os.fsync(fd)
        finally:
            os.close(fd)
        fresh.rename(path)
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder's lock, which nobody holds longer than a write. Raises WitnessBusy instead of waiting."""
        with (self.folder / "lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise WitnessBusy(f"{self.folder} is being written to") from None
            yield


def _follows(current: Witness, witness: Witness, after: str) -> bool:
    """Whether the store we wrote `current` for took another term since: it was armed, or one process had it alone."""
    return bool(after) and current.term == after and current.store == witness.store and current.epoch <= witness.epoch


def witness_folder(wanted: str, store: Path | None, env: Mapping[str, str]) -> WitnessFolder:
    """The folder of the settings, else the user's state folder, else one beside the store's file, if it has one.

    Raises WitnessUnusable where the settings name a folder that cannot be written to.
    """
    if wanted:
        folder = Path(wanted).expanduser().absolute()
        if not _usable(folder):
            raise WitnessUnusable(f"{folder} cannot be written to")
        return WitnessFolder(folder)
    state = _state_folder(env)
    if state is not None and _usable(state):
        return WitnessFolder(state)
    if store is None:
        raise WitnessUnusable("a folder of this machine: none is named by [store] witness, and its user has no home")
    beside = _beside(store)
    if not _usable(beside):
        raise WitnessUnusable(f"{beside} cannot be written to")
    return WitnessFolder(beside, beside=True)


def find_witness(instance: str, wanted: str, store: Path | None, env: Mapping[str, str]) -> Witness | None:
    """The witness of `instance` wherever `witness_folder` would look for it; nothing is made."""
    state, beside = _state_folder(env), None if store is None else _beside(store)
    places = [Path(wanted).expanduser().absolute()] if wanted else [state, beside]
    found = (WitnessFolder(place).read(instance) for place in places if place is not None)
    return next((one for one in found if one is not None), None)


def _beside(store: Path) -> Path:
    return store.absolute().with_name(store.name + ".witness")


def _state_folder(env: Mapping[str, str]) -> Path | None:
    """`$XDG_STATE_HOME/syncd`, else `~/.local/state/syncd`; None for a user without a home."""
    given = env.get("XDG_STATE_HOME", "")
    if given.startswith("/"):
        return Path(given) / "syncd"
    home = env.get("HOME", "")
    return Path(home) / ".local" / "state" / "syncd" if home.startswith("/") else None


def _usable(folder: Path) -> bool:
    """Whether a witness can be kept in `folder`, which is made if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return False
    return os.access(folder, os.R_OK | os.W_OK | os.X_OK)


def _parsed(path: Path) -> Witness | None:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return Witness(
            instance=str(said["instance"]),
            epoch=int(said["epoch"]),
            store=str(said["store"]),
            term=str(said["term"]),
            written_at=str(said["written_at"]),
            by=str(said.get("by", "")),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
