"""Celery over Redis: as many processes as submissions are allowed at once."""

import os
import sys

os.environ["BENCH_TASKS"] = os.path.abspath(__file__)

import queued
from tasks import submit


def worker(asked):
    """The command of the workers."""
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
    return [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--concurrency", str(asked.concurrency), *quiet]


if __name__ == "__main__":
    queued.run(worker, submit.delay)
