"""All planted worlds and what became of them: `python -m tests.simulation.suite` writes docs/simulation.md.

What does NOT belong here: how a world is made or judged (`cells.py`, `lives.py`, `trials.py`).
"""

from __future__ import annotations

from pathlib import Path

from tests.simulation.cells import cell_worlds
from tests.simulation.lives import life_worlds
from tests.simulation.outcomes import Outcome, Tally, by_family, tally
from tests.simulation.trials import trial_worlds

PAGE_FILE = Path(__file__).resolve().parents[2] / "docs" / "simulation.md"
WORLDS = {
    "no effect": "touches and conversion have nothing to do with each other; no form may be claimed",
    "real effect": "conversion rises with each touch, and an experiment says so too: green is right",
    "plateau": "conversion rises up to 5 to 7 touches; a form with another consequence is wrong",
    "S curve": "conversion jumps around 5 to 7 touches",
    "U": "conversion is lowest at 5 to 7 touches",
    "Simpson": "the whole rises, no segment does; the light is told of a successful experiment",
    "outliers": "at most one lead in a hundred makes the line; the light is told of a successful experiment",
    "tiny n": "0 to 29 leads, or fewer than ten conversions: grey, and no figure without a reason",
    "reverse causality: touches stop": "no effect; the converted are not called again",
    "immortal time": "no effect; leads that are given up collect no touches, late buyers do",
    "reverse causality: hot leads": "no effect; those who would buy anyway are called most",
    "early refusals": "no effect; who refuses contact within days is not called again and never converts",
    "early effect": "a true effect of the first five days on conversions after them, without an experiment",
    "hot leads with a score": "the same by a score of the CRM; with it held equal the line must not claim the same",
    "experiment without gain": "the arms differ by nothing, while touches go with conversion for another reason",
    "experiment with a gain": "the test arm converts 3 to 6 points more often",
    "sample-ratio mismatch": "no gain; leads of the test arm that did not convert are lost on the way",
    "peeking": "no gain, and a look every week: wrong as soon as one look claims a difference",
}


def all_worlds() -> list[Outcome]:
    """Every world, judged: the same outcomes on every run."""
    return [*cell_worlds(), *life_worlds(), *trial_worlds()]


def table(outcomes: list[Outcome]) -> str:
    """The table of the page."""
    lines = ["| worlds | n | right | undetermined | wrong | false green |", "|---|---|---|---|---|---|"]
    return "\n".join(lines + [_line(t) for t in [*by_family(outcomes), tally("all", outcomes)]])


def _line(told: Tally) -> str:
    figures = (told.n, told.n_right, told.n_open, told.n_wrong, told.n_false_green)
    return f"| {told.family} | {' | '.join(map(str, figures))} |"


def page(outcomes: list[Outcome]) -> str:
    """docs/simulation.md."""
    found = tally("all", outcomes)
    families = "\n".join(f"- **{family}**: {what}." for family, what in WORLDS.items())
    return f"""# Planted worlds

Written by `python -m tests.simulation.suite`; `tests/simulation` runs the same worlds and fails when this page is
stale, when fewer than 95 % of the answers are right or undetermined, or when more than 1 % are a false green.

Each world is generated with a known truth and goes through the functions that a run uses: points, line, sensitivity,
composition, form and light; worlds that unfold in time through the query that builds the landmarks; experiments
through assignment, sample-ratio check, read-out and verdict. *Undetermined* is an answer too: amber asks for an
experiment, grey for more leads, a form is left open when two that differ in consequence are equally good.

{found.n_right + found.n_open} of {found.n} answers are right or undetermined, {found.n_false_green} are a false green.

{table(outcomes)}

{families}
"""


if __name__ == "__main__":
    PAGE_FILE.write_text(page(all_worlds()), encoding="utf-8")
