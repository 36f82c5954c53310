"""Progress of a run on a terminal; silent elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orchestration.commands.output import is_quiet
from orchestration.masking import inert

#: Reports are left out: one is written before the marts, one after.
_STEPS = (
    "extracts", "staging", "matching", "master", "rules", "statistics", "mart", "mart_rules", "publication",
)  # fmt: skip


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[str, str], None]]:
    """Yield a function (step, text) that shows where the run is."""
    if quiet or is_quiet():
        yield lambda step, text: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    # markup off: names come from data
    text_column = TextColumn("{task.description}", markup=False)
    columns = (SpinnerColumn(), BarColumn(20), TimeElapsedColumn(), text_column)
    # the terminal as it is now: a run sends sys.stderr to its log
    console = Console(file=sys.stderr)
    with Progress(
        *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as display:
        task = display.add_task("starting", total=len(_STEPS))

        def show(step: str, text: str) -> None:
            display.update(task, description=f"{step}: {inert(text)[:60]}")
            if step in _STEPS:
                display.update(task, completed=_STEPS.index(step))

        yield show
