"""How the play is told: typed lines and answers, connections by certificate, checked statements, the timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sbcsim.clock import DAY, to_datetime

COLOURS = {"OLD": "yellow", "NEW": "green"}
WIDTH = 40
"""Columns of the timeline."""


@dataclass(frozen=True, slots=True)
class Row:
    """One connection, as the peer at its other end saw it. `end` is None while it stands; times in microseconds."""

    label: str
    certificate: str
    start: int
    end: int | None
    messages: int


class Teller:
    """Prints the play and remembers whether every statement in it was true."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.checked = 0
        self.failed = 0

    def act(self, number: int, title: str, moment: int, text: str) -> None:
        """Begin an act at a simulated time."""
        when = to_datetime(moment).strftime("%Y-%m-%d %H:%M")
        self._console.print()
        self._console.rule(f"[bold]{number}. {title}[/]   [dim]{when}[/]", align="left")
        self._console.print(text, highlight=False)

    def typed(self, prompt: str, line: str, answer: str) -> None:
        """Show a typed line and what the box answered."""
        # Soft wrap: the box never breaks a line, so neither does the play; the terminal may.
        self._console.print(Text.assemble((prompt, "dim"), (line, "bold cyan")), soft_wrap=True)
        shown = answer.rstrip("\n").removesuffix("[edit]").rstrip("\n")
        if shown:
            self._console.print(Text(shown, style="dim"), soft_wrap=True)

    def uploaded(self, name: str, size: int) -> None:
        """Show an upload."""
        self._console.print(Text(f"sftp> put {name} /opt/sonus/external/{name}   ({size} bytes)", style="bold cyan"))

    def connections(self, rows: Sequence[tuple[int, str, str, str, str, str]]) -> None:
        """Show the live connections: id, direction, peer, certificate, its end, since when."""
        table = Table("id", "direction", "peer", "our certificate", "valid until", "since", box=None, pad_edge=False)
        for number, direction, peer, name, until, since in rows:
            table.add_row(str(number), direction, peer, Text(name, style=COLOURS.get(name, "")), until, since)
        self._console.print(table)

    def check(self, statement: str, *, true: bool) -> None:
        """State something that was just looked at on the wire."""
        self.checked += 1
        self.failed += not true
        mark = Text("  ✓ ", style="bold green") if true else Text("  ✗ ", style="bold red")
        self._console.print(Text.assemble(mark, statement))

    def timeline(self, start: int, end: int, rows: Sequence[Row], marks: Sequence[tuple[int, str]]) -> None:
        """Show every connection as a bar in the colour of its certificate, with what happened above it."""

        def column(moment: int) -> int:
            return min(WIDTH - 1, max(0, (moment - start) * WIDTH // (end - start)))

        self._console.print()
        self._console.rule("[bold]Timeline[/]: which certificate each connection used", align="left")
        for moment, text in marks:
            day = (moment - start) // DAY
            self._console.print(Text(f"{'':16}{'':{column(moment)}}▾ day {day}: {text}", style="dim"), soft_wrap=True)
        for row in rows:
            first = column(row.start)
            last = WIDTH if row.end is None else max(first + 1, column(row.end))
            bar = Text(
                " " * first + "━" * (last - first) + " " * (WIDTH - last), style=COLOURS.get(row.certificate, "")
            )
            self._console.print(
                Text.assemble(f"{row.label:<16}", bar, f" {row.certificate}, {row.messages} messages"), soft_wrap=True
            )

    def verdict(self, seconds: float) -> bool:
        """Print how it went and return whether every statement was true."""
        good = self.failed == 0 and self.checked > 0
        text = (
            f"{self.checked} statements, each checked on the wire; 90 simulated days in {seconds:.1f} s"
            if good
            else f"{self.failed} of {self.checked} statements were not true on the wire"
        )
        self._console.print()
        self._console.print(Panel(text, style="green" if good else "bold red", expand=False))
        return good
