"""One task for each step of one order, chained by the tasks themselves."""

import os

import steps
from celery import Celery

app = Celery("tasks", broker=os.environ["BENCH_BROKER"])
app.conf.task_ignore_result = True


@app.task
def submit(no):
    """To the issuer."""
    steps.submit(no)
    ask.delay(no)


@app.task(bind=True, max_retries=None, default_retry_delay=1)
def ask(self, no):
    """What became of it."""
    if not steps.ask(no):
        raise self.retry()
    write_back.delay(no)


@app.task
def write_back(no):
    """To WDT."""
    steps.write_back(no)
