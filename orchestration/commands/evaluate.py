"""`etalon evaluate`: precision and recall of matching, on a labelled file or on the demo company."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.typography import COLON
from orchestration.commands.output import cli_command, emit_json, say, shown, wording

if TYPE_CHECKING:
    from orchestration.evaluation.evaluating import Evaluation

_EPILOG = """\b
Examples:
  etalon evaluate people.csv --truth person_id
  etalon evaluate left.csv right.csv --truth entity --entity site --map name=title --map phone=tel
  etalon evaluate firms.csv --truth cluster --entity organisation --map name=firm --json
  etalon evaluate --company var/demo

\b
One file: which of its rows are the same. Two files: which rows of the one are rows of the other; both have the truth
column, and a role may be mapped once per file (--map name=title --map name=label). No row is matched with the help
of the truth. Without --map the roles are guessed from the column names and printed. Without a file the matching of
the last run is held against the truth of the demo company.
Roles: docs/matching.md lists them per entity; a wrong one is answered with the list.
"""


@cli_command("evaluate", epilog=_EPILOG)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--truth", "truth_column", default=None, help="Column that names the real entity of a row.")
@click.option(
    "--map", "mapped", multiple=True, metavar="ROLE=COLUMN", help="What a column means; repeatable."
)
@click.option(
    "--entity",
    type=click.Choice(["person", "site", "organisation"]),
    default=None,
    help="What a row describes.",
)
@click.option("--region", default=None, metavar="CC", help="Country of phones without a prefix, such as FR.")
@click.option(
    "--parameters",
    type=click.Choice(["estimated", "stored"]),
    default="estimated",
    help="Weights estimated from the file without its truth (default), or those of the stored model.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder for figures, chart, review.",
)
def command(
    company: Path,
    as_json: bool,
    language: str,
    files: tuple[Path, ...],
    truth_column: str | None,
    mapped: tuple[str, ...],
    entity: str | None,
    region: str | None,
    parameters: str,
    out: Path | None,
) -> None:
    """Measure matching: pairs, clusters, B-cubed, review queue, what blocking missed."""
    if not files:
        _company(company, as_json, language)
        return
    if len(files) > 2 or truth_column is None:
        raise click.UsageError(wording("evaluate_usage", language))
    from orchestration.evaluation.evaluating import FILE_COLUMN, evaluate_table, first_filled, read_tables
    from orchestration.matching.standardise.roles import guess_entity, guess_roles

    table = read_tables(list(files))
    columns = [name for name in table.column_names if name not in (truth_column, FILE_COLUMN)]
    chosen = entity or guess_entity(columns)
    roles = {}
    for role, named in _roles(mapped, language).items():
        table, roles[role] = first_filled(table, named)
    is_guess = not roles
    if is_guess:
        roles = guess_roles(columns, chosen)
    if (is_guess or not entity) and not as_json:
        listed = ", ".join(f"{role}={column}" for role, column in roles.items()) or "-"
        say(wording("evaluate_guess", language, entity=chosen, roles=listed))
    result = evaluate_table(
        table, truth_column, chosen, roles, two_files=len(files) == 2, region=region, parameters=parameters
    )
    written = []
    if out is not None:
        from orchestration.evaluation.report_files import write_files

        written = write_files(result, out, language)
    if as_json:
        guess = {
            "entity": chosen,
            "roles": roles,
            "roles_guessed": is_guess,
            "files": [str(each) for each in written],
        }
        emit_json({"status": "evaluated", **guess, **result.as_json()})
        return
    _tell(result, language)
    for path in written:
        say(f"  {shown(path)}")


def _roles(mapped: tuple[str, ...], language: str) -> dict[str, list[str]]:
    roles: dict[str, list[str]] = {}
    for each in mapped:
        role, equals, column = each.partition("=")
        if not equals or not role.strip() or not column.strip():
            raise click.UsageError(wording("evaluate_map", language, value=each))
        roles.setdefault(role.strip(), []).append(column.strip())
    return roles


def _company(company: Path, as_json: bool, language: str) -> None:
    from ingest import load_company
    from orchestration.evaluation.company import as_json as entity_json
    from orchestration.evaluation.company import evaluate_company, evaluate_traps, traps_json

    work = load_company(company).work
    results = evaluate_company(company, work)
    traps = evaluate_traps(company, work)
    if as_json:
        by_entity = {each.entity: entity_json(each) for each in results}
        emit_json({"status": "evaluated", **by_entity, "traps": traps_json(traps)})
        return
    for each in results:
        say(wording(f"evaluate_{each.entity}", language, records=each.scores.n_records))
        _tell_scores(entity_json(each), language)
        _tell_evidence(each.by_evidence, language)
        say(f"  {wording('evaluate_unknown', language)}{COLON[language]}{each.n_unknown}")
    if traps:
        sums = {name: value for name, value in traps_json(traps).items() if name != "by_kind"}
        say(wording("evaluate_traps", language, **sums))
        for trap in traps:
            counted = wording(
                "evaluate_trap_kind",
                language,
                planted=trap.planted,
                merged=trap.merged,
                in_review=trap.in_review,
            )
            say(f"  {trap.kind}: {counted}")


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _tell_scores(scores: dict[str, Any], language: str) -> None:
    for key in ("pairs", "merged_clusters", "b_cubed"):
        row = scores[key]
        label = wording(f"evaluate_{key}", language)
        say(f"  {label:<24} P {_share(row['precision'])}  R {_share(row['recall'])}  F1 {_share(row['f1'])}")


def _tell_evidence(by_evidence: dict[str, dict[str, float]], language: str) -> None:
    for code, row in by_evidence.items():
        say(f"    {code}: {row['pairs']:.0f}, P {_share(row['precision'])}")


def _tell(result: Evaluation, language: str) -> None:
    content = result.as_json()
    report = result.linked.report
    counted = {"records": content["n_records"], "clusters": content["n_clusters"], "method": report.method}
    say(wording("evaluate_counts", language, largest=content["largest_cluster"], **counted))
    _tell_scores(content, language)
    _tell_evidence(result.by_evidence, language)
    review = wording("evaluate_review", language, n=result.review_pairs, true=result.review_true_pairs)
    say(f"  {review}")
    say(f"  {wording('evaluate_blocking', language)}{COLON[language]}{_share(result.blocking_recall)}")
    for rule in report.blocking:
        if rule.dropped_pairs and rule.rule != "all_pairs":
            say("  " + wording("evaluate_dropped", language, rule=rule.rule, blocks=rule.dropped_blocks))
    for role, why in report.unused.items():
        say(f"  {wording(f'evaluate_{why}', language, role=role)}")
    if report.method == "names":
        say(f"  {wording('evaluate_names_alone', language)}")
    cost = {"seconds": content["seconds"], "cpu": content["cpu_seconds"], "memory": content["peak_megabytes"]}
    say(f"  {wording('evaluate_cost', language, **cost)}")
