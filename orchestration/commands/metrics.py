"""`etalon metrics`: the dictionary of metrics, and the figures of the publication.

What does NOT belong here: definitions (dbt_project/models/metrics), the question asked of the file (dictionary.asking).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.typography import COLON
from orchestration.commands.output import cli_command, cli_group, emit_json, say, wording

if TYPE_CHECKING:
    from orchestration.dictionary.asking import Answer, Asked, UnknownNameError
    from orchestration.dictionary.metric import Metric

_EPILOG = """\b
Examples:
  etalon metrics list
  etalon metrics show cr --language fr
  etalon metrics query revenue_total --from 2026-01
  etalon metrics query cr --month 2026-05 --by channel --json

\b
list and show read the dictionary; query reads the published file and nothing else. Every command has --json and
--company.
"""
_LIST_EPILOG = """\b
Examples:
  etalon metrics list
  etalon metrics list --owner finance
  etalon metrics list --all --json

\b
--all adds the halves of ratios. Metrics that need an extract nobody gives are listed last, each with what is missing.
"""
_SHOW_EPILOG = """\b
Examples:
  etalon metrics show cr
  etalon metrics show revenue_total --language fr --json

\b
The trust is that of the last month of the publication that has a value.
"""
_QUERY_EPILOG = """\b
Examples:
  etalon metrics query mrr
  etalon metrics query cr --from 2026-01 --to 2026-06
  etalon metrics query cr --month 2026-05 --by channel
  etalon metrics query revenue_total --segment currency=USD --json

\b
Without --month, --from and --to: every month published. A figure without a value says why; rows of different cuts are
never added.
"""

command = cli_group(
    "metrics", "The dictionary of metrics, and a metric of the publication: list, show, query.", _EPILOG
)


@cli_command("list", epilog=_LIST_EPILOG)
@click.option("--owner", default=None, help="Only the metrics of an owner.")
@click.option("--all", "with_halves", is_flag=True, help="Halves of ratios too.")
def list_metrics(company: Path, as_json: bool, language: str, owner: str | None, with_halves: bool) -> None:
    """List the metrics: name, label, unit, owner and version of the definition."""
    from orchestration.dictionary import dictionary
    from orchestration.dictionary.asking import nearest
    from orchestration.dictionary.unavailable import unavailable

    metrics = [each for each in dictionary().values() if each.is_published or with_halves]
    owners = sorted({each.owner for each in metrics})
    if owner is not None and owner not in owners:
        raise click.BadParameter(_unknown(owner, nearest(owner, owners), language), param_hint="--owner")
    metrics = [each for each in metrics if owner in (None, each.owner)]
    missing = [] if owner else list(unavailable().values())
    if as_json:
        emit_json(
            {"metrics": [asdict(each) for each in metrics], "unavailable": [asdict(each) for each in missing]}
        )
        return
    width = max((len(each.name) for each in metrics), default=0)
    for each in metrics:
        say(f"{each.name:<{width}}  {each.label(language)}  ({each.unit}, {each.owner}, v{each.version})")
    if missing:
        say(wording("metrics_unavailable", language))
    for absent in missing:
        say(f"{absent.name:<{width}}  {absent.label(language)}{COLON[language]}{absent.missing(language)}")


@cli_command("show", epilog=_SHOW_EPILOG)
@click.argument("name")
def show_metric(company: Path, as_json: bool, language: str, name: str) -> None:
    """Show a metric: what it means, how it is computed, its edges, an example, and how far it is trusted."""
    from orchestration.dictionary import dictionary
    from orchestration.dictionary.asking import nearest
    from orchestration.dictionary.unavailable import unavailable

    known = dictionary()
    if name in unavailable():
        absent = unavailable()[name]
        if as_json:
            emit_json({"unavailable": asdict(absent)})
        else:
            say(f"{name}  {absent.label(language)}{COLON[language]}{absent.missing(language)}")
        return
    if name not in known:
        raise click.UsageError(_unknown(name, nearest(name, [*known, *unavailable()]), language))
    last = _last_figure(company, name)
    if as_json:
        emit_json({"metric": asdict(known[name]), "last": asdict(last) if last else None})
        return
    for line in _definition_lines(known[name], last, language):
        say(line)


@cli_command("query", epilog=_QUERY_EPILOG)
@click.argument("name")
@click.option("--month", default=None, metavar="YYYY-MM", help="One month.")
@click.option("--from", "first", default=None, metavar="YYYY-MM", help="First month.")
@click.option("--to", "last", default=None, metavar="YYYY-MM", help="Last month.")
@click.option("--by", "cut", default=None, metavar="CUT", help="Every segment of a cut, such as channel.")
@click.option("--segment", default=None, metavar="CUT=SEGMENT", help="One segment, such as channel=inbound.")
def query_metric(
    company: Path, as_json: bool, language: str, name: str, month: str | None, first: str | None,
    last: str | None, cut: str | None, segment: str | None,
) -> None:  # fmt: skip
    """Ask the published file for a metric: value, numerator / denominator, reason and trust, month by month."""
    from ingest import load_company
    from ingest.errors import NoRunYetError
    from orchestration.access.reading_log import log_read
    from orchestration.dictionary.asking import MART, UnknownNameError, ask, opened, standing

    asked = _asked(name, month, first, last, cut, segment, language)
    settings = load_company(company)
    marts = settings.published / "marts.duckdb"
    if not marts.is_file():
        raise NoRunYetError("nothing has been published here yet")
    with opened(marts) as con:
        publication = standing(con)
        try:
            answers = ask(con, asked)
        except UnknownNameError as error:
            raise click.UsageError(_unknown_name(error, name, language)) from error
    log_read(settings, "metrics query", MART, len(answers), publication["publication_id"])
    if as_json:
        rows = [asdict(each) | {"reason": _reason(each.reason_code, language)} for each in answers]
        emit_json({"metric_name": name, "publication": publication, "rows": rows})
        return
    say(f"{name}  {publication['company']}  {publication['publication_id']}")
    width = max(len(each.segment_code) for each in answers) if asked.cut != "all" else 0
    for each in answers:
        say(_answer_line(each, width, language))


for each_command in (list_metrics, show_metric, query_metric):
    command.add_command(each_command)


def _asked(
    name: str, month: str | None, first: str | None, last: str | None, cut: str | None, segment: str | None,
    language: str,
) -> Asked:  # fmt: skip
    from orchestration.dictionary.asking import Asked

    if month is not None and (first is not None or last is not None):
        raise click.UsageError(wording("metrics_month_or_span", language))
    code = None
    if segment is not None:
        kind, sign, code = segment.partition("=")
        if not (sign and kind and code):
            raise click.BadParameter(f"{segment}: CUT=SEGMENT", param_hint="--segment")
        if cut is not None and cut != kind:
            raise click.UsageError(wording("metrics_cut_or_segment", language))
        cut = kind
    bounds = [
        _first_day(value, option)
        for value, option in ((month or first, "--month" if month else "--from"), (month or last, "--to"))
    ]
    return Asked(name, cut or "all", code, *bounds)


def _first_day(month: str | None, option: str) -> date | None:
    if month is None:
        return None
    if not re.fullmatch(r"[12]\d{3}-(0[1-9]|1[0-2])", month):
        raise click.BadParameter(f"{month}: YYYY-MM", param_hint=option)
    return date.fromisoformat(f"{month}-01")


def _last_figure(company: Path, name: str) -> Answer | None:
    """The newest published figure of the whole company, None without a publication."""
    from orchestration.access.reading_log import log_read
    from orchestration.dictionary.asking import MART, Asked, UnknownNameError, ask, opened, standing

    if not (company / "company.yml").is_file():
        return None
    from ingest import load_company

    settings = load_company(company)
    marts = settings.published / "marts.duckdb"
    if not marts.is_file():
        return None
    with opened(marts) as con:
        try:
            answers = ask(con, Asked(name))
        except UnknownNameError:  # a half, or a metric newer than the publication
            return None
        log_read(settings, "metrics show", MART, len(answers), standing(con)["publication_id"])
    return next((each for each in reversed(answers) if each.metric_value is not None), answers[-1])


def _definition_lines(metric: Metric, last: Answer | None, language: str) -> Iterator[str]:
    from expectations.owners import owner_name
    from orchestration.dictionary.french import said
    from orchestration.dictionary.units import unit_name

    yield f"{metric.name}  {metric.label(language)}"
    yield f"  {metric.definition(language)}"
    unit = unit_name(metric.unit, language)
    facts = {
        "formula": said(metric.formula, language)[0],
        "halves": " / ".join(metric.halves) if metric.halves else None,
        "half_of": ", ".join(metric.half_of) or None,
        "grain": said(metric.grain, language)[0],
        "anchor": metric.anchor,
        "cuts": ", ".join(metric.cuts) or None,
        "unit": f"{unit} ({metric.currency})" if metric.currency else unit,
        "better": wording(f"metrics_better_{metric.better}", language),
        "minimum": str(metric.minimum_n) if metric.minimum_n else None,
        "owner": owner_name(metric.owner, language),
        "version": metric.version,
    }
    width = max(len(wording(f"metrics_{key}", language)) for key in facts)
    for key, text in facts.items():
        if text:
            yield f"  {wording(f'metrics_{key}', language):<{width}}  {text}"
    if metric.filters:
        yield f"  {wording('metrics_filters', language)}"
        yield from (f"  - {said(rule, language)[0]}" for rule in metric.filters)
    yield f"  {wording('metrics_edges', language)}"
    yield from (f"  - {said(rule, language)[0]}" for rule in metric.edge_rules)
    if metric.example is not None:
        example = metric.example
        where = (
            ""
            if example.segment_kind_code == "all"
            else f" {example.segment_kind_code}={example.segment_code}"
        )
        told = f"{said(example.text, language)[0]} = {example.value}{where}"
        yield f"  {wording('metrics_example', language)}{COLON[language]}{told}"
    if last is not None:
        yield f"  {wording('metrics_last', language)}{COLON[language]}{_answer_line(last, 0, language)}"
        caveat = last.caveat_fr if language == "fr" else last.caveat_en
        if caveat:
            yield f"  {caveat}"


def _answer_line(answer: Answer, width: int, language: str) -> str:
    line = f"{answer.period_month:%Y-%m}"
    if answer.segment_kind_code != "all":
        line += f"  {answer.segment_code:<{width}}"
    line += f"  {_number(answer.metric_value):>14}"
    if answer.metric_value is not None and answer.reporting_currency:
        line += f" {answer.reporting_currency}"
    if answer.numerator is not None and answer.denominator is not None:
        line += f"  = {_number(answer.numerator)} / {_number(answer.denominator)}"
    elif answer.denominator is not None:
        line += f"  n = {_number(answer.denominator)}"
    if answer.n_immature:
        line += f"  {wording('metrics_immature', language, n=answer.n_immature)}"
    if answer.reason_code:
        line += f"  {_reason(answer.reason_code, language)}"
    if answer.trust_code:
        line += f"  {wording(f'metrics_trust_{answer.trust_code}', language)}"
    if answer.is_too_few and answer.metric_value is not None:
        line += f", {wording('metrics_too_few', language)}"
    if answer.rule_ids:
        line += f" ({answer.rule_ids.replace(',', ', ')})"
    return line


def _number(value: Decimal | None) -> str:
    return "–" if value is None else f"{value.normalize():f}"


def _reason(code: str | None, language: str) -> str | None:
    from orchestration.reporting.wording import Wording

    return f"{code}: {Wording(language).or_raw('reason', code)}" if code else None


def _unknown(value: str, near: Any, language: str) -> str:
    return wording("unknown_value", language, value=value, nearest=", ".join(near) or "-")


def _unknown_name(error: UnknownNameError, metric: str, language: str) -> str:
    from orchestration.dictionary import dictionary

    half = dictionary().get(metric)
    if error.what == "metric" and half is not None and half.half_of:
        return wording("metrics_is_half", language, value=metric, metrics=", ".join(half.half_of))
    return _unknown(error.value, error.nearest, language)
