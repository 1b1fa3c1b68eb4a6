"""Run benchmarks and print the table: `python -m benchmarks [NAME ...] [--quick]`."""

from __future__ import annotations

import argparse
import os
import platform
import ssl
from collections.abc import Sequence

from OpenSSL import SSL
from rich.console import Console
from rich.table import Table

from . import (
    boxes,
    bulk,
    calling,
    commits,
    crowd,
    durable,
    logging_in,
    memory,
    playing,
    shells,
    showing,
    snapshots,
    soak,
    starting,
    time_travel,
    traffic,
)
from .registry import Figure, quantity

BENCHMARKS = {
    each.name: each
    for each in (
        starting.process_start,
        starting.start,
        time_travel.reset,
        snapshots.snapshot,
        boxes.boxes,
        logging_in.ssh,
        bulk.lines,
        bulk.load,
        showing.completion,
        showing.show,
        shells.shells,
        traffic.handshakes,
        traffic.options,
        calling.calls,
        memory.memory,
        crowd.crowd,
        commits.commit,
        durable.durable,
        soak.soak,
        time_travel.days,
        playing.scenarios,
    )
}
"""Every benchmark by its name, in the order of the table."""

WIDE = 160


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was asked for, and say at the end which aims were missed."""
    console = Console(width=None if os.isatty(1) else WIDE)
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", help=", ".join(BENCHMARKS) + "; all of them unless named")
    parser.add_argument("--quick", action="store_true", help="small numbers: shows that it runs, not how fast")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.name if name not in BENCHMARKS]:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    figures: list[Figure] = []
    try:
        for name in options.name or BENCHMARKS:
            with console.status(f"{name}: {BENCHMARKS[name].about}"):
                figures.extend(BENCHMARKS[name].run(options.quick))
    finally:  # what has been measured is worth seeing, also when the next one fails
        console.print(_table(figures, quick=options.quick))
    short = [figure.name for figure in figures if figure.verdict == "falls short"]
    if short:
        console.print(f"[bold red]{len(short)} of the aims missed:[/] {'; '.join(short)}")


def _table(figures: Sequence[Figure], *, quick: bool) -> Table:
    table = Table(title="small numbers, not for comparison" if quick else None, caption=_host(), caption_justify="left")
    for heading in ("measured", "sbcsim", "bare", "ratio", "aim", ""):
        table.add_column(heading, justify="left" if heading in {"measured", "aim", ""} else "right")
    table.add_column("bare is", style="dim")
    for figure in figures:
        table.add_row(
            figure.name,
            quantity(figure.ours, figure.unit),
            quantity(figure.bare, figure.unit),
            figure.ratio,
            figure.aim.text(figure.unit) if figure.aim is not None else "",
            {"met": "[green]met[/]", "falls short": "[bold red]falls short[/]"}.get(figure.verdict, ""),
            figure.baseline,
        )
    return table


def _host() -> str:
    load = os.getloadavg()[0]
    return (
        f"Medians. Python {platform.python_version()}, {ssl.OPENSSL_VERSION} (standard library), "
        f"{SSL.OpenSSL_version(SSL.OPENSSL_VERSION).decode()} (pyOpenSSL), {os.cpu_count()} processors, "
        f"load average {load:.1f}. Rates: more is better, the ratio is our share; all else: less is better."
    )


if __name__ == "__main__":
    main()
