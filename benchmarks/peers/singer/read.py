"""The Singer pair: `tap | target`, as they are always run."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

from parties import tell, wish

HERE = Path(__file__).resolve().parent


def main():
    """Run the pair once."""
    asked = wish()
    settings = {
        "tap": {"url": asked.url, "start": asked.start, "end": asked.end, "page_size": asked.page_size},
        "target": {"path": asked.store},
    }
    commands = {}
    for name, config in settings.items():
        path = Path(asked.folder) / f"{name}.json"
        path.write_text(json.dumps(config))
        commands[name] = [sys.executable, str(HERE / f"{name}.py"), "--config", str(path)]
    with open(Path(asked.folder) / "singer.log", "w") as said:
        tap = subprocess.Popen(commands["tap"], stdout=subprocess.PIPE, stderr=said)
        target = subprocess.Popen(commands["target"], stdin=tap.stdout, stdout=said, stderr=said)
        tap.stdout.close()
        codes = target.wait(), tap.wait()
    if any(codes):
        sys.exit((Path(asked.folder) / "singer.log").read_text()[-2000:])
    tell(sqlite3.connect(asked.store).execute("SELECT count(*) FROM orders").fetchone()[0])


if __name__ == "__main__":
    main()
