"""Running a task queue's workers until every order is written back."""

import os
import signal
import subprocess
import time

import steps
from parties import tell, wish

PATIENCE, PATIENCE_EACH = 60.0, 0.1


def run(worker, send):
    """Start `worker(asked)` (a command), read everything with `send` for each order, wait for the end, stop it."""
    asked = wish()
    os.environ.update(BENCH_STORE=asked.store, BENCH_URL=asked.url)
    steps.done()  # the store is there before anybody needs it
    command = worker(asked)
    with open(os.path.join(asked.folder, "worker.log"), "w") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, cwd=os.path.dirname(os.environ["BENCH_TASKS"]))
    try:
        steps.read(asked, send)
        deadline = time.monotonic() + PATIENCE + asked.orders * PATIENCE_EACH
        while (count := steps.done()) < asked.orders and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.1)
        tell(count)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
