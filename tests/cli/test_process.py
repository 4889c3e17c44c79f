"""The command line as a process: exit codes, languages, pipes, and no traceback for anybody."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from typing import Any

import pytest
from cli_world import Place, process


def test_fine_is_zero(place: Place) -> None:
    done = process(place, "--version")

    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"syncd \d+\.\d+\.\d+\S*\n", done.stdout)


def test_failed_is_one(place: Place) -> None:
    done = process(place, "health", "--url", "http://127.0.0.1:9")

    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_usage_and_settings_are_two(place: Place) -> None:
    usage = process(place, "orders", "lsit")
    place.change('sid = "demo_sid"', 'sod = "demo_sid"')
    settings = process(place, "status")

    assert (usage.returncode, settings.returncode) == (2, 2)
    assert "list" in usage.stderr
    assert "merchants.m001.wdt.sod is not a setting" in settings.stderr
    assert "Traceback" not in usage.stderr + settings.stderr


def test_something_for_a_person_is_three(place: Place) -> None:
    done = process(place, "status", env={"LANG": "zh_CN.UTF-8"})

    assert done.returncode == 3
    assert "需要人工" in done.stdout


def test_the_settings_file_may_be_named_after_the_command(place: Place) -> None:
    (place.folder / "elsewhere").mkdir()
    moved = place.settings.rename(place.folder / "elsewhere" / "my.toml")

    without, named = process(place, "lane", "list"), process(place, "lane", "list", "--json", "-c", str(moved))

    assert (without.returncode, named.returncode) == (2, 0)
    assert "give -c FILE" in without.stderr


def test_a_reader_who_goes_away_is_not_bothered(place: Place) -> None:
    kept = {"PATH": os.environ["PATH"], "PYTHONUTF8": "1"}
    command = [sys.executable, "-c", "from syncd.cli import main; main()", "orders", "list", "--json"]
    with subprocess.Popen(
        command, cwd=place.folder, env=kept, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        started.stdout.close()
        said = started.stderr.read()

    assert said == b""


def test_characters_a_terminal_cannot_show_do_no_harm(place: Place) -> None:
    done = process(place, "--lang", "zh", "status", env={"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"})

    assert done.returncode == 3
    assert "Traceback" not in done.stderr


def test_the_simulators_serve_with_a_settings_file_that_fits_until_they_are_told_to_stop(place: Place) -> None:
    path = place.folder / "sim.toml"
    command = [sys.executable, "-c", "from syncd.cli import main; main()", "sim", "serve", "--rows", "5"]
    kept = {"PATH": os.environ["PATH"], "PYTHONUTF8": "1"}
    with subprocess.Popen(
        [*command, "--write-config", str(path)], cwd=place.folder, env=kept, stdout=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout is not None
        said = _until(started, "Ctrl-C")
        check = process(place, "check", "-c", str(path))
        again = process(place, "sim", "serve", "--write-config", str(path))
        control = re.search(r"control\s+(http://\S+)", said)
        assert control
        with urllib.request.urlopen(f"{control[1]}/counts", timeout=5) as answer:
            counted = answer.status
        started.send_signal(signal.SIGINT)
        started.wait(10)

    assert check.returncode == 0, check.stdout
    assert again.returncode == 2
    assert counted == 200
    assert started.returncode == 0
    assert path.stat().st_mode & 0o077 == 0


def test_ctrl_c_ends_a_command_quietly(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        silent.settimeout(20)
        # As at a terminal: what runs the tests may have been started with the interrupt ignored, which is inherited.
        begun = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
        command = [sys.executable, "-c", f"{begun}; from syncd.cli import main; main()", "health", "--url", address]
        kept = {"PATH": os.environ["PATH"], "PYTHONUTF8": "1"}
        with subprocess.Popen(command, env=kept, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
            connection, _ = silent.accept()
            connection.recv(1)
            started.send_signal(signal.SIGINT)
            said = started.communicate(timeout=10)
            connection.close()

    assert started.returncode == 130, said
    assert "Traceback" not in "".join(said)


def _until(started: subprocess.Popen[str], word: str) -> str:
    assert started.stdout is not None
    said = ""
    while word not in said:
        line = started.stdout.readline()
        assert line, said
        said += line
    return said


def test_importing_the_command_line_imports_nothing_heavy() -> None:
    """`syncd --help` and shell completion must answer at once."""
    heavy = "'sqlalchemy', 'aiohttp', 'pydantic_settings', 'alembic', 'apscheduler'"
    code = f"import sys; from syncd.cli import build; build('en'); print([m for m in ({heavy}) if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_the_daemon_loads_nothing_that_it_does_not_need() -> None:
    """What shows help, migrates, speaks to another database, or does what nobody has configured stays on the disk."""
    unneeded = "'rich', 'pygments', 'alembic', 'sqlalchemy.dialects.postgresql', 'psycopg', 'procrastinate', 'apprise'"
    other = "'syncd.cli.status', 'syncd.cli.sim', 'cryptography'"
    code = f"""
import sys
from syncd.cli import build
build("en", ["run"])
from syncd.cli.run import _without_colours
_without_colours()
import syncd.app, syncd.reload, syncd.watch.notify
print([m for m in ({unneeded}, {other}) if sys.modules.get(m)])
import rich.console  # whoever shows something has it
"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_every_command_is_known_by_the_module_that_has_it() -> None:
    import typer.main

    from syncd.cli import COMMANDS, build

    whole: Any = typer.main.get_command(build("en"))
    assert sorted(whole.commands) == sorted(COMMANDS)
    for name in COMMANDS:
        alone: Any = typer.main.get_command(build("en", ["--lang", "en", name, "--help"]))
        assert name in alone.commands
        assert len(alone.commands) <= 2


@pytest.mark.parametrize(
    ("args", "command"),
    [
        (["run"], "run"),
        (["-c", "run", "status", "-h"], "status"),
        (["--config=x.toml", "--lang=zh", "lane", "list"], "lane"),
        (["-h", "run"], ""),
        (["--version", "run"], ""),
        (["--", "run"], ""),
        (["--lang"], ""),
        ([], ""),
    ],
)
def test_one_command_is_asked_for_or_all_of_them(args: list[str], command: str) -> None:
    from syncd.cli.frame import asked

    assert asked(args) == command


def test_every_command_explains_itself_with_an_example(place: Place) -> None:
    import typer.main

    from syncd.cli import build
    from syncd.cli.words import Lang

    def commands(command: object, path: str) -> list[tuple[str, str]]:
        inner = getattr(command, "commands", {})
        own = [(path, str(getattr(command, "help", "") or ""))]
        return own + [found for name, one in inner.items() for found in commands(one, f"{path} {name}")]

    languages: tuple[tuple[Lang, str], ...] = (("zh", "例：syncd"), ("en", "Example: syncd"))
    for lang, example in languages:
        for path, text in commands(typer.main.get_command(build(lang)), "syncd"):
            assert example in text, (lang, path)
