"""Progress of a run on a terminal; silent elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orchestration.commands.output import inert, is_quiet

_STEPS = ("extracts", "staging", "matching", "master", "rules", "mart", "mart_rules", "publication", "report")


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[str, str], None]]:
    """Yield a function (step, text) that shows where the run is."""
    if quiet or is_quiet():
        yield lambda step, text: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.text import Text

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(20), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task("starting", total=len(_STEPS))

        def show(step: str, text: str) -> None:
            position = _STEPS.index(step) if step in _STEPS else None
            # Text, not markup: names come from data
            description = Text(f"{step}: {inert(text)[:60]}").plain.replace("[", "\\[")
            display.update(
                task, description=description, **({} if position is None else {"completed": position})
            )

        yield show
