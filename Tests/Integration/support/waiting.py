"""Waiting for conditions: never a fixed sleep, always a limit."""

import time


class TimeOut(AssertionError):
    pass


def wait_until(condition, limit, what, interval=0.05):
    """The first true answer of `condition`; raises after `limit` seconds, saying what was waited for."""
    end = time.monotonic() + limit
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= end:
            raise TimeOut(f"{what}: not within {limit} s (last answer: {answer!r})")
        time.sleep(interval)
