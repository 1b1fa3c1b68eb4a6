"""The page of what can go wrong on purpose."""

from __future__ import annotations

from sbcsim.device.boxfaults import BY_OTHERS
from sbcsim.device.faultpoints import POINTS
from sbcsim.device.rude import RUDE

_HEAD = """\
# Faults on purpose

What can go wrong because somebody wants it to: by `sbcsim ctl faults add`, by `POST /v1/faults`, or in Python by
`faults.add("sip.status", match="OPTIONS", nth=2, times=1, value="500")`. Off unless it is asked for, in force at once,
for sessions and connections that stand as well; a reset ends it.

A fault is met at its point by each subject that fits `match`, where `*` and `?` stand for any characters. It fires from
the `nth` meeting on, each time with `probability`, `times` times or without end, and at most once in each `period` of
simulated time; behind each firing it lets a `gap` of so many meetings pass. Chance follows the seed. Every firing is an
event `faultFired` in the journal. While a fault may still meet pings of the box, they are sent one by one over a move
of the clock, so that each of them counts.

What is compared with the kind of an event is met by what [the journal](reference/journal.md) tells: `match="commit"`
by every commit, `match="sftp"` by every file that comes. What happens then happens when the box has done with what was
told, at the same instant of its clock. No fault is met by what such a fault has caused: never by `faultFired`, and for
a second of simulated time behind one that has fired, or whose consequences end, only by what somebody outside does:
`BY_OTHERS`.
So a restart behind every handshake is one restart, although the peers come back at once.

Whatever goes wrong, the box stays sound: its configuration is the old one or the new one, never a part of each; the
next commit works; no session and no lock is left behind. What a tool cannot see is which of both it is. `cli.lost` and
`cli.drop` with the match `commit*` look the same to it, an end of the connection behind `commit`: with the first
nothing has been committed, with the second all has, and survives the process where there is a state directory. So do
`commit.veto` and `commit.false`, two refusals. A careful tool connects again and reads what is in force.

What one exec request sends is one command line for the points `cli.*`, but for `cli.question` and `cli.syntax`, which
meet each of its commands. `cli()` in Python is the console of whoever runs the simulator, and so is what the control
API does: it meets the points `pki.*`, `commit.locked`, `commit.conflict` and `commit.veto`, and no other `commit.*`, no
`cli.*`.

| point | `match` is compared with | what happens | `value`, and what it is otherwise |
|---|---|---|---|
"""


_RUDE = """
## A rude box

`sbcsim run --rude`, `Simulator(rude=True)`, `@pytest.mark.sbc(rude=True)` or, for every box of a run of pytest,
`--sbc-rude`: a box that is mildly unkind everywhere, all the time, as Let's Encrypt's Pebble turns good nonces down
on purpose. It does nothing that a careful tool does not survive: what is refused once is accepted at the next try, and
what comes late comes within some tens of milliseconds of the host's time. The same seed gives a tool the same list of
`faultFired` events, another seed another list. The faults of a rude box are ordinary ones, in `sbcsim ctl faults list`
and under `/v1/faults`; `clear` takes them away, a reset and the return to a snapshot set them again, with the same
chance. `sbcsim ctl status` says that a box is rude.

| point | `match` | probability | `gap` | `value` | a careful tool |
|---|---|---|---|---|---|
"""


def page() -> str:
    """Return the page."""
    rows = []
    for point in POINTS.values():
        value = point.value and point.value + (f": `{point.default}`" if point.default else "; must be given")
        rows.append(f"| `{point.name}` | {point.subject} | {point.effect} | {value} |")
    head = _HEAD.replace("`BY_OTHERS`", ", ".join(f"`{kind}`" for kind in sorted(BY_OTHERS)))
    rude = [
        f"| `{each.point}` | `{each.match}` | {each.probability} | {each.gap or ''} | {each.value} | {each.survives} |"
        for each in RUDE
    ]
    made = "Made by `make docs` from `sbcsim/device/faultpoints.py` and `sbcsim/device/rude.py`.\n"
    return head + "\n".join(rows) + "\n" + _RUDE + "\n".join(rude) + f"\n\n{made}"
