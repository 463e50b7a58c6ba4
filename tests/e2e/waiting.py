"""Waiting for a state of another process: polled, bounded, and clear about what did not come."""
import time


def wait_until(condition, what, timeout=60):
    """Returns the condition's first true value."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(0.05)  # poll: another process's state
