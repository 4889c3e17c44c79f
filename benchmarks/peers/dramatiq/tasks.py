"""One actor for each step of one order, chained by the actors themselves."""

import os

import dramatiq
import steps
from dramatiq.brokers.redis import RedisBroker

dramatiq.set_broker(RedisBroker(url=os.environ["BENCH_BROKER"]))


class Later(Exception):
    """Nothing is known yet."""


@dramatiq.actor
def submit(no):
    """To the issuer."""
    steps.submit(no)
    ask.send(no)


@dramatiq.actor(min_backoff=1000, max_backoff=1000)
def ask(no):
    """What became of it."""
    if not steps.ask(no):
        raise Later
    write_back.send(no)


@dramatiq.actor
def write_back(no):
    """To WDT."""
    steps.write_back(no)
