"""`etalon demo`: generate the demo company."""

from __future__ import annotations

from pathlib import Path

import click

from ingest.typography import COLON
from orchestration.commands.output import cli_command, emit_json, say, shown, wording

_EPILOG = """\b
Examples:
  etalon demo
  etalon demo --size tiny --company var/tiny
  etalon demo --size bench-300k --company var/bench --seed 7
"""


@cli_command("demo", epilog=_EPILOG)
@click.option(
    "--size",
    default="demo",
    show_default=True,
    help="tiny, demo; for benchmarks bench-100k, bench-300k, bench-36m (300k leads over 36 months), bench-1m.",
)
@click.option("--seed", default=20260101, show_default=True, help="Same seed and size, same bytes.")
def command(company: Path, as_json: bool, language: str, size: str, seed: int) -> None:
    """Generate a company with known truth: vendor-shaped extracts, planted dirt, duplicates and effects."""
    generate_demo(company, size, seed)
    if as_json:
        emit_json({"status": "generated", "company": str(company), "size": size, "seed": seed})
    else:
        say(wording("demo_ready", language, size=size, path=shown(company)))
        say(f"{wording('next', language)}{COLON[language]}etalon run --company {shown(company)}")


def generate_demo(company: Path, size: str, seed: int = 20260101) -> None:
    """Generate under the run lock, so that no run reads half a company. Unknown sizes are a usage error."""
    from ingest.demo import generate
    from ingest.private_files import shared_files
    from orchestration.experiments.demo.planting import plant_experiments
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id

    with run_lock(company / "work", make_run_id()), shared_files():
        try:
            generate(company, size=size, seed=seed)
            plant_experiments(company)
        except KeyError as error:
            raise click.UsageError(f"unknown size {error}") from error
        except FileExistsError as error:
            raise click.UsageError(f"{error}; nothing was touched, name another --company") from error
