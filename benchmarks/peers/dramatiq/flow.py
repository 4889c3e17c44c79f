"""Dramatiq over Redis: two processes, and so many threads in all as submissions are allowed at once."""

import os
import sys

os.environ["BENCH_TASKS"] = os.path.abspath(__file__)

import queued
from tasks import submit


def worker(asked):
    """The command of the workers."""
    threads = str(max(1, asked.concurrency // 2))
    return [sys.executable, "-m", "dramatiq", "tasks", "--processes", "2", "--threads", threads]


if __name__ == "__main__":
    queued.run(worker, submit.send)
