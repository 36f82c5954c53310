"""`etalon`: the command line. Commands load when called, so that `etalon --help` is quick.

What does NOT belong here: what a command does (see orchestration.commands).
"""

from __future__ import annotations

import atexit
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

_COMMANDS = {
    "demo": "Generate the demo company.",
    "run": "Collect, conform, match, judge, publish, report.",
    "cycle": "The framing note of a month: frame, approve, status of its seven steps, show, close.",
    "check": "The same up to the verdict; nothing is published.",
    "where": "The one fate of a source row.",
    "journal": "The cleaning journal of the last run.",
    "controls": "What the controls of deliveries measured in the last run.",
    "quarantine": "The rows that did not get in: list, show, repair, replay.",
    "deliveries": "What was delivered when; reject a wrong delivery, accept a snapshot that removes much.",
    "steward": "Answer what matching asks: same, different, can't say; take apart, set values, undo.",
    "outliers": "Values far from the others or impossible: list, give a class.",
    "thresholds": "Bars in force and proposed by segment: list, show, approve, export.",
    "exclusions": "Who is not to be contacted, or by one channel alone: list, add, end, propose.",
    "contactable": "Whether a person or company may be contacted, why not, and when; export for the CRM.",
    "worklist": "What is to be mended at the source, by owner: list, show, export.",
    "experiment": "Experiments: plan, register, draw arms, follow, read.",
    "publish": "Publish what `check` has built, or roll back.",
    "report": "Write the reports of the last run again.",
    "map": "Draft the mapping of a file never seen before, with its evidence.",
    "evaluate": "Precision and recall of matching, on a labelled file or on the demo company.",
    "waive": "Accept a failing rule or control until a date: list, add, remove.",
    "history": "What was published when, its verdict, and a KPI as each publication gave it.",
    "bridge": "Why published figures moved since the publication before, cause by cause.",
    "explain": "From a KPI, a row or a golden id down to the decisions and the lines behind it.",
    "metrics": "The dictionary of metrics, and a metric of the publication: list, show, query.",
    "access": "Roles and what each may read: list, build their files; log of what was read.",
    "impact": "What each cleaning decision does to the KPIs.",
    "doctor": "Versions, configuration, integrity of what was collected and published.",
}

_EPILOG = """\b
Exit codes:
  0   done
  1   unexpected failure (details in work/run/run.log)
  2   wrong usage or configuration; doctor: something is bad, damaged data too
  3   held by the gate: nothing published, the report says why
  4   a mapping was drafted and questions are open (map only)
  65  an extract is refused: each one is named
  74  reading or writing failed
  75  another run holds the company: it is named

\b
The company is --company, else ETALON_COMPANY, else var/demo.
"""


class _LazyGroup(click.Group):
    """Lists commands without importing them; imports one when it is called or asked for its help.

    A wrong use of a command that was asked for JSON is answered in JSON like everything else it says.
    """

    def main(
        self, args: Sequence[str] | None = None, *rest: Any, standalone_mode: bool = True, **extra: Any
    ) -> Any:
        given = sys.argv[1:] if args is None else list(args)
        options = given[: given.index("--")] if "--" in given else given
        if not standalone_mode or "--json" not in options:
            return super().main(given, *rest, standalone_mode=standalone_mode, **extra)
        try:
            # What ctx.exit() is given comes back (after --help); commands themselves return nothing.
            ended = super().main(given, *rest, standalone_mode=False, **extra)
        except click.ClickException as error:
            context = getattr(error, "ctx", None)
            following = f"{context.command_path} --help" if context else None
            _fail_in_json(error.exit_code, error.format_message(), following)
        except click.Abort:
            _fail_in_json(1, "aborted", None)
        sys.exit(ended if isinstance(ended, int) else 0)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        return importlib.import_module(f"orchestration.commands.{cmd_name}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


def _fail_in_json(exit_code: int, message: str, following: str | None) -> NoReturn:
    from orchestration.commands.output import emit_json

    emit_json({"status": "error", "exit_code": exit_code, "error": message, "next": following})
    sys.exit(exit_code)


@click.group(cls=_LazyGroup, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="etalon", prog_name="etalon")
def etalon() -> None:
    """Which sales number is right, and why did it move: extracts in, audited and published marts out."""


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the `etalon` script."""
    code: object = 0
    try:
        etalon.main(args=arguments, prog_name="etalon", standalone_mode=True)
    except SystemExit as leaving:
        code = leaving.code
    # The end of the interpreter walks a million objects of Dagster and dbt, seconds that free nothing the system would
    # not, and the database bindings then report each one they still hold. What must happen at exit happens here.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    main()
