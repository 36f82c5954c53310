"""What every command shares: options, texts for people, JSON for machines, errors to exit codes.

What does NOT belong here: the commands. Text that comes from data is made inert before it is printed: control
characters are escaped, e-mail addresses and telephone numbers in error messages are masked.
"""

from __future__ import annotations

import difflib
import functools
import json
import os
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.typography import COLON, typeset
from orchestration.commands import exit_codes
from orchestration.masking import inert, masked
from orchestration.project import DEFAULT_COMPANY, ROOT

if TYPE_CHECKING:
    from ingest.company import Company

#: What the journal can say of a decision.
ACTIONS = (
    *("quarantine", "correct", "null", "exclude", "merge", "keep_apart"),
    *("override", "link", "supersede", "keep_flagged"),
)


def common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--company, --json and --language; every command has them."""
    command = click.option(
        "--language",
        type=click.Choice(["en", "fr"]),
        default=lambda: "fr" if os.environ.get("ETALON_LANGUAGE", "en") == "fr" else "en",
        help="Language of sentences (default: ETALON_LANGUAGE, else en).",
    )(command)
    command = click.option(
        "--json", "as_json", is_flag=True, help="One JSON object on stdout, nothing else."
    )(command)
    return click.option(
        "--company",
        "company",
        type=click.Path(path_type=Path, file_okay=False),
        default=lambda: Path(os.environ.get("ETALON_COMPANY", DEFAULT_COMPANY)),
        help="Company directory (default: ETALON_COMPANY, else var/demo).",
    )(command)


def cli_command(name: str, *, epilog: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A command with the common options, whose errors become messages and exit codes."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        @functools.wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            return _guarded(function, args, kwargs)

        return click.command(name, epilog=epilog, context_settings={"help_option_names": ["-h", "--help"]})(
            common_options(guarded)
        )

    return decorate


def cli_group(name: str, summary: str, epilog: str) -> click.Group:
    """A command made of commands; its options belong to them."""
    return click.Group(
        name, help=summary, epilog=epilog, context_settings={"help_option_names": ["-h", "--help"]}
    )


def is_quiet() -> bool:
    """True when progress would be noise: not a terminal, or CI."""
    return not sys.stderr.isatty() or os.environ.get("CI", "").lower() == "true"


def say(text: str = "", *, err: bool = False) -> None:
    """Print one line of text made inert."""
    click.echo(inert(text), err=err)


def emit_json(content: dict[str, Any]) -> None:
    """Print one JSON object; JSON escapes control characters by itself."""
    click.echo(json.dumps(content, indent=1, ensure_ascii=True, default=str))


@cache
def _catalogue() -> dict[str, dict[str, str]]:
    import yaml

    return typeset(yaml.safe_load(Path(__file__).with_name("wording.yml").read_text(encoding="utf-8")))


def wording(key: str, language: str, **values: Any) -> str:
    """One sentence of wording.yml."""
    return _catalogue()[language][key].format(**values)


def shown(path: Path) -> str:
    """A path as a person types it: relative to the working directory or the project when inside."""
    for base in (Path.cwd(), ROOT):
        if path.resolve().is_relative_to(base.resolve()):
            return path.resolve().relative_to(base.resolve()).as_posix()
    return str(path)


def check_values(company: Company, language: str, **given: str | None) -> None:
    """A usage error with the nearest names for a value that no journal can hold: 0 rows would say "none"."""
    from expectations.catalogue import load_catalogue
    from ingest.contract import load_contracts
    from ingest.reasons import reasons

    known: dict[str, Callable[[], Iterable[str]]] = {
        "rule": lambda: [rule.id for rule in load_catalogue().rules] + _control_ids(company),
        "reason": reasons,
        "contract": load_contracts,
        "source": lambda: [source.instance for source in company.sources],
        "action": lambda: ACTIONS,
    }
    for option, value in given.items():
        names = sorted(known[option]()) if value is not None else []
        if value is not None and value not in names:
            nearest = difflib.get_close_matches(value, names, n=3, cutoff=0.3) or names[:3]
            text = wording("unknown_value", language, value=value, nearest=", ".join(nearest) or "-")
            raise click.BadParameter(text, param_hint=f"--{option}")


def _control_ids(company: Company) -> list[str]:
    from expectations.control_findings import read_controls

    return sorted({each.control_id for each in read_controls(company.work)})


def _guarded(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    language, as_json = kwargs.get("language", "en"), kwargs.get("as_json", False)
    try:
        return function(*args, **kwargs)
    except (click.exceptions.ClickException, click.exceptions.Exit, SystemExit):
        raise
    except BrokenPipeError:  # the reader of the pipe has seen enough; what is still buffered goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(exit_codes.IO_ERROR) from None
    except Exception as error:
        code, message, following = describe_error(error, language)
        if as_json:
            emit_json({"status": "error", "exit_code": code, "error": message, "next": following})
        else:
            say(message, err=True)
            if following:
                say(f"{wording('next', language)}{COLON[language]}{following}", err=True)
        if os.environ.get("ETALON_TRACEBACK"):
            raise
        raise SystemExit(code) from None


def describe_error(error: BaseException, language: str) -> tuple[int, str, str | None]:
    """(exit code, message, next command) for an exception that reached the command line."""
    from ingest.errors import ConfigurationError, IngestError, NoRunYetError, text_of
    from orchestration.coded_errors import CodedError
    from orchestration.damaged_file import DamagedFileError
    from orchestration.run_lock import LockedByAnotherRunError

    if isinstance(error, DamagedFileError):
        said = wording("damaged_file", language, path=error.path, detail=error.detail)
        return exit_codes.IO_ERROR, said, error.remedy
    if isinstance(error, LockedByAnotherRunError):
        values = {"run_id": error.run_id, "pid": error.pid, "started_at": error.started_at}
        return exit_codes.LOCKED, wording("locked", language, **values), None
    if isinstance(error, IngestError):
        problem = error.problem
        what, why = problem.text("what", language), problem.text("why", language)
        message = f"{problem.code} {problem.where}: {what} {why}"
        is_usage = isinstance(error, ConfigurationError)
        code = exit_codes.USAGE if is_usage else exit_codes.DATA_REFUSED
        return code, masked(message), problem.text("next", language)
    if isinstance(error, CodedError):
        what, why = error.text("what", language), error.text("why", language)
        code = exit_codes.USAGE if error.is_usage else exit_codes.DATA_REFUSED
        return code, masked(f"{error.code} {what} {why}"), error.text("next", language)
    if isinstance(error, NoRunYetError):
        what, why = (text_of(error.CODE, part, language) for part in ("what", "why"))
        return exit_codes.IO_ERROR, f"{error.CODE} {what} {why}", text_of(error.CODE, "next", language)
    if isinstance(error, FileNotFoundError) and error.filename:
        folder = Path(os.fsdecode(error.filename)).parent
        if not folder.is_dir():
            return exit_codes.IO_ERROR, masked(wording("no_folder", language, folder=shown(folder))), None
    name = type(error).__name__
    if name == "CatalogueError":
        code, _, detail = str(error).partition(" ")
        said = [text_of(code, part, language, detail=detail) for part in ("what", "why", "next")]
        return exit_codes.USAGE, masked(f"{code} {said[0]} {said[1]}"), said[2]
    if name in ("NotAdmittedError", "SilentChangeError"):
        return exit_codes.HELD, masked(str(error)), "etalon check"
    if name in ("ArrowInvalid", "InvalidInputException") and ".parquet" in str(error):
        return exit_codes.IO_ERROR, masked(f"{name}: {error}"), "etalon run --force"
    if isinstance(error, OSError) or name == "IOException":
        return exit_codes.IO_ERROR, masked(f"{name}: {error}"), "etalon doctor"
    return exit_codes.FAILED, masked(f"{name}: {error}"), "etalon doctor"
