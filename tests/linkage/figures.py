"""`make matching-figures`: the engine on generated sets and at size; writes docs/matching_figures.json and its tables.

Usage: python -m tests.linkage.figures [--record] [--rows 100000 ...]
Each size runs in a child process, so that its peak memory is its own. Wall seconds depend on what else the machine
does; CPU seconds hardly.
"""

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.evaluation.evaluating import scores_json
from orchestration.evaluation.metrics import score_clusters
from orchestration.matching.linkage import link
from orchestration.matching.linkage.model import MODELS, load_model
from tests.linkage import sets

ROOT = Path(__file__).resolve().parents[2]
FIGURES, PAGE = ROOT / "docs" / "matching_figures.json", ROOT / "docs" / "matching.md"
REPORT = MODELS / "training_report.json"
CONTACT = {
    "given_name": "first_name",
    "family_name": "last_name",
    "email": "email",
    "phone": "phone",
    "mobile": "mobile",
    "company": "company",
}
PLACE = {"address": "address", "postal_code": "postal_code", "city": "city", "phone": "phone"}
#: set -> entity, roles, entities planted, traps of each kind.
CASES: dict[str, tuple[str, dict[str, str], int, int]] = {
    "business_contacts": ("person", CONTACT, 5000, 100),
    "private_persons": (
        "person",
        dict(given_name="first_name", family_name="last_name", birth_date="birth_date", **PLACE),
        2000,
        100,
    ),
    "business_sites": ("site", dict(name="name", website="website", **PLACE), 2000, 100),
    "organisations": (
        "organisation",
        {
            "name": "name",
            "registration_number": "siren",
            "website": "website",
            "country": "country",
            "city": "city",
        },
        2000,
        100,
    ),
    "organisation_names": ("organisation", {"name": "name"}, 2000, 0),
}
SEED = 2026
PART = 1_000_000
#: Above it one run is measured, without a month that builds on it.
MOST_INCREMENTED = 1_000_000


def planted(name: str) -> sets.RecordSet:
    """The set of a case. Names alone: the organisations without those that changed their name."""
    _, _, n, traps = CASES[name]
    found = getattr(sets, "organisations" if name == "organisation_names" else name)(n, SEED, traps)
    if name == "organisation_names":
        found.rows = [row for row in found.rows if not row["name"].endswith("Holding")]
    return found


def quality(name: str, parameters: str) -> dict:
    """Figures of one set: scores, traps that merged, review pairs."""
    entity, roles, _, _ = CASES[name]
    found = planted(name)
    records = found.table()
    linked = link(records, entity, {**roles, "record_key": "rec_id"}, parameters=parameters, region="FR")
    table = records.sort_by("rec_id")
    cluster, truth, trap = (
        np.asarray(column.to_pylist(), dtype=str)
        for column in (linked.clusters["cluster_key"], table["truth"], table["trap"])
    )
    merged = {(t, c, true) for t, c, true in zip(trap, cluster, truth, strict=True) if t}
    cells = [(t, c) for t, c, _ in merged]
    return {
        "set": name,
        "parameters": parameters if linked.report.method == "scores" else "cosine",
        "n_traps": found.n_traps,
        "traps_merged": len(cells) - len(set(cells)),
        "review_pairs": linked.report.decisions.get("review", 0),
        **scores_json(score_clusters(cluster, truth)),
    }


def training(name: str) -> dict:
    """What the estimation recipe finds on one set, level by level beside the stored model."""
    entity, roles, _, _ = CASES[name]
    records = planted(name).table()
    linked = link(records, entity, {**roles, "record_key": "rec_id"}, parameters="estimated", region="FR")
    stored = {comparison.name: comparison for comparison in load_model(entity).comparisons}
    return {
        "set": name,
        "entity": entity,
        "model_version": load_model(entity).version,
        "n_records": records.num_rows,
        "expected_matches": round(linked.report.expected_matches, 1),
        "rules": linked.report.training,
        "levels": [
            {
                "comparison": comparison.name,
                "level": level.code,
                "stored_m": kept.m,
                "estimated_m": round(level.m, 6),
                "stored_u": kept.u,
                "estimated_u": round(level.u, 8),
            }
            for comparison in linked.model.comparisons
            for level, kept in zip(comparison.levels, stored[comparison.name].levels, strict=True)
        ],
    }


def measured(path: Path, **given) -> dict:
    """Time and memory of one linkage in this process, and its agreement with the truth."""
    load = round(os.getloadavg()[0], 1)
    started, cpu = time.perf_counter(), time.process_time()
    linked = link(path, "person", {**CONTACT, "record_key": "rec_id"}, region="FR", **given)
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    table = pq.read_table(path, columns=["rec_id", "truth"]).sort_by("rec_id")
    truth = np.unique(table["truth"].to_numpy(zero_copy_only=False), return_inverse=True)[1]
    scores = score_clusters(linked.clusters["cluster_key"].to_numpy(zero_copy_only=False), truth)
    edges = hashlib.sha256()
    for column in ("left_node", "right_node", "weight"):
        edges.update(linked.edges[column].to_numpy().tobytes())
    return {
        "rows": linked.report.n_records,
        "new_rows": linked.report.n_standardised,
        "candidate_pairs": linked.report.n_candidates,
        "wall_s": round(wall, 1),
        "cpu_s": round(cpu, 1),
        "peak_mib": round(peak),
        "load_at_start": load,
        "pair_precision": scores.pairs.precision,
        "pair_recall": scores.pairs.recall,
        "edges": edges.hexdigest()[:16],
    }


def write_contacts(path: Path, rows: int) -> None:
    """Contacts in parts of a million at most; the firms and persons of each part are its own."""
    writer = None
    for part, begin in enumerate(range(0, rows, PART)):
        wanted = min(PART, rows - begin)
        # About 1.59 rows a person.
        table = sets.business_contacts(int(wanted / 1.57), SEED + part).table(part).slice(0, wanted)
        for column in ("rec_id", "truth"):
            own = pc.binary_join_element_wise(table[column], str(part), "-")
            table = table.set_column(table.column_names.index(column), column, own)
        if part:
            email = pc.replace_substring_regex(table["email"], r"\.fr$", f"-{part}.fr")
            table = table.set_column(table.column_names.index("email"), "email", email)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    writer.close()


def child(*arguments: str) -> str:
    """Run this module in a process of its own, so that its peak memory is its own."""
    return subprocess.run(
        [sys.executable, "-m", "tests.linkage.figures", *arguments],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip


def speed(rows: int) -> list[dict]:
    """Figures of one size: every record, then a fiftieth of the records new, then the same with every pair again."""
    with tempfile.TemporaryDirectory() as folder:
        path, earlier = Path(folder) / "contacts.parquet", Path(folder) / "earlier.parquet"
        child("--write", str(path), "--rows", str(rows))
        found = [{"run": "whole", **json.loads(child("--measure", str(path)))}]
        if rows > MOST_INCREMENTED:
            return found
        table = pq.read_table(path)
        pq.write_table(table.slice(0, table.num_rows - table.num_rows // 50), earlier)
        del table
        state = str(Path(folder) / "state")
        child("--measure", str(earlier), "--keep", state)
        found.append({"run": "2 % new", **json.loads(child("--measure", str(path), "--state", state))})
        again = json.loads(child("--measure", str(path), "--state", state, "--recompute"))
        found.append({"run": "2 % new, all again", **again})
        return found


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def tables(figures: dict) -> str:
    """The two tables of docs/matching.md."""
    lines = [
        "| set | parameters | rows | pair precision | pair recall | B-cubed F1 | traps planted | merged | for review |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in figures["quality"]:
        shares = [row["pairs"]["precision"], row["pairs"]["recall"], row["b_cubed"]["f1"]]
        lines.append(
            f"| {row['set']} | {row['parameters']} | {row['n_records']} | {' | '.join(map(_share, shares))} "
            f"| {row['n_traps']} | {row['traps_merged']} | {row['review_pairs']} |"
        )
    lines += [
        "",
        "| contacts | run | candidate pairs | wall s | CPU s | peak MiB | load | precision | recall | edges |",
    ]
    lines.append("|---|---|---|---|---|---|---|---|---|---|")
    for row in figures["speed"]:
        lines.append(
            f"| {row['rows']} | {row['run']} | {row['candidate_pairs']} | {row['wall_s']} | {row['cpu_s']} "
            f"| {row['peak_mib']} | {row['load_at_start']} | {_share(row['pair_precision'])} "
            f"| {_share(row['pair_recall'])} | {row['edges']} |"
        )
    return "\n".join(lines)


def page_with(text: str, figures: dict) -> str:
    """The page with its tables written anew."""
    begin, end = "<!-- figures -->\n", "\n<!-- end of figures -->"
    return text[: text.index(begin) + len(begin)] + tables(figures) + text[text.index(end) :]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--record", action="store_true", help="write docs/matching_figures.json and docs/matching.md"
    )
    parser.add_argument("--rows", type=int, nargs="*", default=[100_000])
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--keep", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--state", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--recompute", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.write:
        write_contacts(given.write, given.rows[0])
        return
    if given.measure:
        memory = "1500MB" if pq.read_metadata(given.measure).num_rows <= MOST_INCREMENTED else "3000MB"
        options = {"state": given.state, "keep": given.keep, "recompute": given.recompute, "memory": memory}
        print(json.dumps(measured(given.measure, **options)))
        return
    cases = [(name, parameters) for name in CASES for parameters in ("stored", "estimated")]
    figures = {
        "quality": [quality(*case) for case in cases if case != ("organisation_names", "estimated")],
        "speed": [row for rows in given.rows for row in speed(rows)],
    }
    print(tables(figures))
    if given.record:
        FIGURES.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        report = [training(name) for name in CASES if name != "organisation_names"]
        REPORT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(page_with(PAGE.read_text(encoding="utf-8"), figures), encoding="utf-8")


if __name__ == "__main__":
    main()
