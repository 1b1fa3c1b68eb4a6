"""What schemathesis leaves out when it tries the control API: moves of the clock that take minutes."""

import re

import schemathesis

LATEST = "2027"
LONGEST = 365
"""Days."""


@schemathesis.hook
def filter_case(context: object, case: schemathesis.Case) -> bool:
    """Let a request pass, unless it moves the clock by centuries: every midnight on the way has its re-check."""
    body = case.body if isinstance(case.body, dict) else {}
    by, to, rate = body.get("by"), body.get("to"), body.get("rate")
    if isinstance(to, str) and to[:4].isdigit() and to[:4] >= LATEST:
        return False
    if isinstance(rate, float | int) and rate > 60:
        return False
    days = [float(count) * (7 if unit == "w" else 1) for count, unit in re.findall(r"([0-9.]+)([dw])", str(by))]
    return sum(days) <= LONGEST
