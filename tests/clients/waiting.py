"""How tests wait for facts, and how they do what has to be done in time."""
import threading
import time


def wait_until(condition, deadline_s=20.0, what="the condition"):
    """Asks `condition` again and again until its answer is true, and returns that answer.

    After deadline_s seconds: AssertionError naming `what`."""
    end = time.monotonic() + deadline_s
    pause = threading.Event()
    interval_s = 0.002
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError("waited %g s in vain for %s" % (deadline_s, what))
        pause.wait(interval_s)
        interval_s = min(interval_s * 1.5, 0.05)


class Pace:
    """Of one attempt: its number, and the longest time in which nothing was done()."""

    def __init__(self, number):
        self.number, self.last, self.longest = number, time.monotonic(), 0

    def done(self):
        now = time.monotonic()
        self.longest, self.last = max(self.longest, now - self.last), now


def without_delay(seconds, attempt, before=lambda number: None):
    """For what has to be done before a short time-out passes: what attempt(pace) returns when it takes no longer than that,
    or no longer from one pace.done() to the next. When it took longer the machine stood still meanwhile, and whatever came
    of it is not looked at: it is made again, with another pace.number; what need not hurry is done `before`. One that
    fails in time fails."""
    for number in range(50):
        before(number)
        pace, failure, answer = Pace(number), None, None
        try:
            answer = attempt(pace)
        except (AssertionError, AttributeError, OSError) as error:
            failure = error
        pace.done()
        if pace.longest <= seconds:
            if failure is not None:
                raise failure
            return answer
    raise AssertionError("the machine never went on for %g s" % seconds)
