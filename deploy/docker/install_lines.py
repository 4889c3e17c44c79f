"""Runs the Dockerfile's installation without a container: same files, same commands, a clean folder.

What the build stage copies is copied, what it runs is run, with `/opt/syncd` moved into a temporary folder; then the
installed `syncd --version` must answer. So a file missing from COPY or .dockerignore fails here and not at a user's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
DOCKERFILE = Path(__file__).with_name("Dockerfile")
PREFIX = "/opt/syncd"


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile in order, as (keyword, rest); comments and line continuations resolved."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [(keyword, " ".join(rest)) for keyword, *rest in (line.split() for line in joined)]


def build_stage(text: str) -> list[tuple[str, str]]:
    """The instructions of the first stage, its FROM excepted."""
    stage: list[tuple[str, str]] = []
    for keyword, rest in instructions(text)[1:]:
        if keyword == "FROM":
            break
        stage.append((keyword, rest))
    return stage


def allowed(name: str, ignore: str) -> bool:
    """Whether .dockerignore, which begins by shutting everything out, lets `name` through."""
    return f"!{name}" in ignore.splitlines()


def copy(rest: str, tree: Path, folder: Path) -> None:
    *names, target = rest.split()
    ignore = (tree / ".dockerignore").read_text()
    for name in names:
        if not allowed(name, ignore):
            raise SystemExit(f".dockerignore keeps {name} from the builder")
        if (tree / name).is_dir():
            shutil.copytree(tree / name, folder / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(tree / name, folder / target)


def run(command: str, folder: Path, prefix: Path) -> None:
    command = command.replace("python -m venv", f"{sys.executable} -m venv").replace(PREFIX, str(prefix))
    env = os.environ | {"PIP_QUIET": "1"}
    subprocess.run(["/bin/sh", "-euc", command], cwd=folder, env=env, check=True, stdin=subprocess.DEVNULL)


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder, prefix = Path(temporary, "src"), Path(temporary, "venv")
        folder.mkdir()
        for keyword, rest in build_stage(DOCKERFILE.read_text()):
            if keyword == "COPY":
                copy(rest, TREE, folder)
            elif keyword == "RUN":
                run(rest, folder, prefix)
        shutil.rmtree(folder)
        bare = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        subprocess.run([prefix / "bin" / "syncd", "--version"], cwd=temporary, check=True, env=bare)


if __name__ == "__main__":
    main()
