"""`etalon explain`: a KPI, a row or a golden id, down to the decisions and the lines behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.typography import COLON
from orchestration.commands.journal import journal_line
from orchestration.commands.output import cli_command, emit_json, say, wording
from orchestration.masking import masked

if TYPE_CHECKING:
    from ingest.company import Company
    from orchestration.explaining.golden import GoldenExplained
    from orchestration.explaining.kpi import KpiExplained
    from orchestration.explaining.row import RowExplained

_EPILOG = """\b
Examples:
  etalon explain conversion_rate --month 2026-04
  etalon explain revenue_total --segment currency=USD --json
  etalon explain crm:2026-06/Lead.csv:1204
  etalon explain acc_3f0c92d51b7e

\b
A KPI is counted again from its rows. Values of persons are masked; --raw shows them, and the line as delivered.
"""


@cli_command("explain", epilog=_EPILOG)
@click.argument("subject", metavar="KPI | SOURCE:FILE:LINE | SOURCE:KEY | GOLDEN_ID")
@click.option(
    "--month", default=None, metavar="YYYY-MM", help="Month of a KPI (default: its last one with a value)."
)
@click.option(
    "--segment", default=None, metavar="CUT=SEGMENT", help="Segment of a KPI, such as channel=inbound."
)
@click.option("--raw", is_flag=True, help="Show values as they are: personal data.")
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1, 10_000), help="Decisions shown."
)
def command(
    company: Path, as_json: bool, language: str, subject: str, month: str | None, segment: str | None, raw: bool,
    limit: int,
) -> None:  # fmt: skip
    """Walk from a figure to its rows, from a row to the figures, or through a golden record."""
    from ingest import load_company
    from ingest.errors import NoRunYetError
    from orchestration.access.reading_log import log_read_of_work
    from orchestration.dbt_running import WAREHOUSE
    from orchestration.explaining.definitions import definition_of
    from orchestration.publication.reach import KPI_MART
    from orchestration.publication.registry import is_golden_id
    from orchestration.run_lock import reading

    settings = load_company(company)
    if not (settings.work / WAREHOUSE).is_file():
        raise NoRunYetError("no run has been made here yet")
    definition = definition_of(subject)
    if (month or segment) and definition is None:
        raise click.UsageError(wording("explain_kpi_only", language))
    with reading(settings.work):
        if definition is not None:
            shown = _kpi(settings, definition, month, segment)
            lines, content = _kpi_lines(shown, language, limit), {"kpi": asdict(shown)}
            relation, n_rows = KPI_MART, 1
        elif is_golden_id(subject):
            golden = _golden(settings, subject, raw)
            lines, content = _golden_lines(golden, raw, language, limit), {"golden": asdict(golden)}
            relation, n_rows = f"dim_{golden.entity}s", 1
        elif ":" in subject:
            rows = _row(settings, subject, raw, limit)
            lines, content = _row_lines(rows, raw, language), {"rows": [asdict(each) for each in rows]}
            contracts = sorted({each.fate.contract for each in rows if each.fate.contract})
            relation, n_rows = ", ".join(contracts) or "extract", len(rows)
        else:
            raise click.UsageError(_unknown(subject, language))
    log_read_of_work(settings, "explain --raw" if raw else "explain", relation, n_rows)
    if as_json:
        emit_json(content)
        return
    for line in lines:
        say(line)


def _unknown(subject: str, language: str) -> str:
    import difflib

    from orchestration.explaining.definitions import definitions

    names = sorted(definitions())
    nearest = difflib.get_close_matches(subject, names, n=3, cutoff=0.3) or names[:3]
    return wording("unknown_value", language, value=subject, nearest=", ".join(nearest))


def _kpi(company: Company, definition: Any, month: str | None, segment: str | None) -> KpiExplained:
    from orchestration.explaining.kpi import WHOLE, UnknownFigureError, explain_kpi, months_of

    cut = WHOLE
    if segment is not None:
        kind, sign, code = segment.partition("=")
        if not sign:
            raise click.BadParameter(f"{segment}: CUT=SEGMENT", param_hint="--segment")
        cut = (kind, code)
    if month is not None and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise click.BadParameter(f"{month}: YYYY-MM", param_hint="--month")
    try:
        known = [date.fromisoformat(f"{month}-01")] if month else months_of(company.work, definition)
        if not known:
            raise UnknownFigureError(f"{definition.metric_name} has no value in any month")
        return explain_kpi(company.work, definition, known[-1], cut)
    except UnknownFigureError as error:
        raise click.UsageError(str(error)) from error


def _golden(company: Company, golden_id: str, raw: bool) -> GoldenExplained:
    from orchestration.explaining.golden import explain_golden

    try:
        return explain_golden(company.work, company.published, golden_id, raw=raw)
    except LookupError as error:
        raise click.UsageError(str(error)) from error


def _row(company: Company, address: str, raw: bool, limit: int) -> list[RowExplained]:
    from orchestration.explaining.row import explain_row
    from orchestration.fate import UnknownRowError

    try:
        rows = explain_row(company.work, address, raw=raw, limit=limit)
    except UnknownRowError as error:
        raise click.UsageError(str(error)) from error
    if not raw:
        for each in rows:
            for decision in each.decisions:
                decision |= {
                    name: masked(decision[name]) for name in ("record_key", "comment") if decision[name]
                }
    return rows


def _kpi_lines(shown: KpiExplained, language: str, limit: int) -> Iterator[str]:
    where = "" if shown.segment[0] == "all" else f"  {shown.segment[0]}={shown.segment[1]}"
    value = "–" if shown.metric_value is None else f"{shown.metric_value.normalize():f}"
    yield f"{shown.metric_name}  {shown.period_month:%Y-%m}{where}  = {value} ({shown.unit_code})"
    if shown.numerator is not None and shown.denominator is not None:
        yield f"  = {shown.numerator.normalize():f} / {shown.denominator.normalize():f}"
    for code in filter(None, (shown.reason_code, shown.caveat_code)):
        yield f"  {code}"
    yield wording("explain_rows", language, n=sum(each.n_rows for each in shown.states))
    for each in shown.states:
        yield f"  {each.n_rows:>10}  {wording(f'explain_state_{each.state}', language)}"
    for is_of_month in (True, False):
        listed = [each for each in shown.left_out if each.is_of_month is is_of_month]
        if listed:
            yield wording("explain_left_out" if is_of_month else "explain_left_out_undated", language)
        for left in listed[:limit]:
            yield f"  {left.n_records:>10}  {left.contract:<22} {left.action:<11} {_reason(left.reason_code, language)}"
    if shown.samples:
        yield wording("explain_samples", language)
    for sample in shown.samples[:limit]:
        state = wording(f"explain_state_{sample.state}", language)
        decided = wording("explain_n_decisions", language, n=sample.n_decisions)
        yield f"  {masked(sample.record_key)}  {sample.address or '-'}  {state}  {decided}"
    address = next((sample.address for sample in shown.samples if sample.address), None)
    if address:
        yield f"{wording('next', language)}{COLON[language]}etalon explain {address}"


def _row_lines(rows: list[RowExplained], raw: bool, language: str) -> Iterator[str]:
    from orchestration.commands.where import sentence_of

    for each in rows:
        yield sentence_of(each.fate, language)
        if each.text is not None:
            note = "" if raw else f"  ({wording('show_masked', language)})"
            yield f"  {each.text}{note}"
        yield wording("explain_decisions", language, n=len(each.decisions))
        for decision in each.decisions:
            yield f"  {journal_line(decision)}"
        if each.counted:
            yield wording("explain_counted", language)
        for counted in each.counted:
            state = wording(f"explain_state_{counted.state}", language)
            yield f"  {counted.metric_name:<28} {counted.period_month:%Y-%m}  {state}"
        for golden_id in each.fate.golden_ids:
            yield f"{wording('next', language)}{COLON[language]}etalon explain {golden_id}"


def _golden_lines(shown: GoldenExplained, raw: bool, language: str, limit: int) -> Iterator[str]:
    from orchestration.commands.where import sentence_of_id

    yield (
        sentence_of_id(shown.known, language)
        if shown.known
        else wording("explain_unpublished", language, golden_id=shown.golden_id)
    )
    yield wording("explain_records", language, n=len(shown.records))
    for record in shown.records[:limit]:
        place = (
            f"{record['source_instance']}:{record['file_path']}:{record['line']}"
            if record["file_path"]
            else "-"
        )
        key = record["record_key"] if raw else masked(record["record_key"])
        yield f"  {key}  {place}"
    if shown.links:
        yield wording("explain_links", language)
    for link in shown.links[:limit]:
        keys = [key if raw else masked(key) for key in (link.left_record_key, link.right_record_key)]
        yield f"  {' = '.join(keys)}  {_reason(link.evidence_code, language)}"
        if link.explanation is not None:
            yield f"    {' ; '.join(link.explanation.sentences(language))}"
    yield wording("explain_values", language)
    for value in shown.values:
        given = f"{value['record_key'] if raw else masked(value['record_key'] or '-')}"
        by = _criterion(value["criterion"], language) + (
            f" {value['decision_id']}" if value["decision_id"] else ""
        )
        yield f"  {value['attribute']:<22} {value['value']}  ({given}: {by})"
        for other in value["alternatives"]:
            lost_by = f"{wording('explain_lost_by', language)} {_criterion(other['lost_by'], language)}"
            yield f"  {'':<22} {wording('explain_not', language)} {other['value']}  ({other['sources']}: {lost_by})"
    for decision in shown.decisions:
        yield (
            f"  {decision['decision_id']}  {decision['decided_at']:%Y-%m-%d}  {decision['kind']}"
            f" ({decision['status']})  {decision['author']}: {decision['reason']}"
        )
    yield wording("explain_facts", language)
    for name, number in shown.facts.items():
        if number is not None:
            unit = f" {shown.currency}" if not name.startswith("n_") else ""
            yield f"  {wording(f'explain_fact_{name}', language):<28} {number}{unit}"


def _criterion(code: str | None, language: str) -> str:
    return wording(f"explain_criterion_{code}", language) if code else "-"


def _reason(code: str, language: str) -> str:
    from ingest.reasons import reasons

    known = reasons()
    return f"{code}{COLON[language]}{known[code].text(language)}" if code in known else code
