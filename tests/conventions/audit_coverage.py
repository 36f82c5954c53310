"""Which test proves which row of the sales audit: `python -m tests.conventions.audit_coverage` writes the page.

A test cites rows with `@pytest.mark.audit("DE13", "DE12")` on itself, its class or its module; the marks are read from
the source, so that nothing has to run. A row counts as proved when a cited test runs in the plain suite: a test of
the nightly or Spark suite, or one that needs samples of vendors, is shown and proves nothing alone.
`audit_open.yml` names the rows that nobody proves, with the reason; the command strikes off those that are proved.
What does NOT belong here: what a row asks for (audit_rows.yml), a judgement on a test.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PAGE_FILE = ROOT / "docs" / "audit_coverage.md"
OPEN_FILE = HERE / "audit_open.yml"
APART = frozenset({"nightly", "spark", "superset", "bench", "samples"})
SECTIONS = {
    "framing": "Framing",
    "collect": "Collect",
    "clean": "Clean",
    "visualise": "Visualise",
    "quantify": "Quantify",
    "decide": "Decide",
    "experiment": "Experiment and deploy",
    "outliers": "Outliers",
    "dashboard": "Dashboard",
    "compliance": "Compliance and access",
    "master_data": "Single source, master data",
    "kpis": "KPI dictionary",
    "objectives": "Objectives, baselines, targets",
    "slas": "SLAs and hand-overs",
    "forecast": "Forecast and deal scoring",
    "playbooks": "Playbooks, rituals, roles",
    "risks": "Risks",
    "mini_cases": "Mini-cases",
}


@dataclass(frozen=True)
class Row:
    """One row of the audit. metrics: those of the dictionary that are it."""

    code: str
    section: str
    scope: str
    fr: str
    en: str
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Citation:
    """A test that cites a row; apart: the marks that keep it out of the plain suite."""

    code: str
    path: str
    test: str
    apart: tuple[str, ...]


def rows(text: str | None = None) -> dict[str, Row]:
    """code -> row, in the order of audit_rows.yml. Raises ValueError for a code that stands there twice."""
    told = yaml.safe_load(text or (HERE / "audit_rows.yml").read_text(encoding="utf-8"))
    found: dict[str, Row] = {}
    for section, entries in told.items():
        for code, entry in entries.items():
            if code in found:
                raise ValueError(f"{code} stands twice in audit_rows.yml")
            metrics = tuple(entry.get("metrics", ()))
            found[code] = Row(code, section, entry["scope"], entry["fr"], entry["en"], metrics)
    return found


def open_rows() -> dict[str, str]:
    """code -> why no test proves it."""
    return yaml.safe_load(OPEN_FILE.read_text(encoding="utf-8")) or {}


def citations(folder: Path = ROOT / "tests") -> list[Citation]:
    """Every citation of every test under `folder`, by path and line."""
    found: list[Citation] = []
    for path in sorted(folder.rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        if "audit(" in source:
            told = path.relative_to(folder.parent).as_posix()
            found += [Citation(code, told, test, apart) for code, test, apart in cited(source)]
    return found


def cited(source: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(code, test, marks that keep it apart) of a module's source.

    Raises ValueError for a mark whose arguments are no plain text, which nothing could read here.
    """
    tree = ast.parse(source)
    module = [m for node in tree.body if _is_pytestmark(node) for m in _listed(node.value)]
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            for each in node.body:
                yield from _of(each, [*module, *node.decorator_list])
        else:
            yield from _of(node, module)


def _of(node: ast.stmt, inherited: list[ast.expr]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test"):
        return
    marks = [*inherited, *node.decorator_list]
    apart = tuple(sorted(APART & {name for name in map(_mark, marks) if name}))
    for mark in marks:
        if _mark(mark) == "audit":
            for argument in mark.args if isinstance(mark, ast.Call) else []:
                if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
                    raise ValueError(f"{node.name}: the codes of an audit mark are plain texts")
                yield argument.value, node.name, apart


def _is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(
        isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets
    )


def _listed(value: ast.expr) -> list[ast.expr]:
    return list(value.elts) if isinstance(value, ast.List | ast.Tuple) else [value]


def _mark(node: ast.expr) -> str | None:
    """Name of pytest.mark.<name> or pytest.mark.<name>(...)."""
    target = node.func if isinstance(node, ast.Call) else node
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Attribute):
        return target.attr if target.value.attr == "mark" else None
    return None


def faults(known: Mapping[str, Row], found: list[Citation], left_open: Mapping[str, str]) -> list[str]:
    """What is wrong, one sentence each: unknown codes, rows without proof, rows called open that are proved."""
    proved = {c.code for c in found if not c.apart}
    wrong = [f"{c.path}::{c.test} cites {c.code}, which is no row" for c in found if c.code not in known]
    wrong += [f"{code} is called open and is no row" for code in left_open if code not in known]
    wrong += [f"{code} is called open and has a test" for code in left_open if code in proved]
    wrong += [f"{code} is called open without a reason" for code, why in left_open.items() if not why]
    wrong += [f"{code} has no test" for code in known if code not in proved and code not in left_open]
    return wrong


def page(known: Mapping[str, Row], found: list[Citation], left_open: Mapping[str, str]) -> str:
    """docs/audit_coverage.md."""
    by_code: dict[str, list[Citation]] = {}
    for citation in found:
        by_code.setdefault(citation.code, []).append(citation)
    proved = [code for code in known if any(not c.apart for c in by_code.get(code, []))]
    lines = [
        "# Rows of the sales audit and the tests that prove them",
        "",
        "Written by `python -m tests.conventions.audit_coverage` from the marks `audit(...)` of the tests; a test"
        " fails when this page is stale, when a mark names no row, and when a row has neither a test nor a reason."
        " IN: works in the software. PART: the software does its side of a human act.",
        "",
        f"{len(proved)} of {len(known)} rows are proved; {len(left_open)} are open.",
        "",
        "## Open",
        "",
        *(
            ["| row | what | scope | why |", "|---|---|---|---|"]
            + [
                f"| {code} | {known[code].fr}: {known[code].en} | {known[code].scope} | {why} |"
                for code, why in left_open.items()
                if code in known
            ]
            if left_open
            else ["None."]
        ),
    ]
    for section, title in SECTIONS.items():
        lines += ["", f"## {title}", "", "| row | what | scope | tests |", "|---|---|---|---|"]
        for row in known.values():
            if row.section == section:
                told = "<br>".join(dict.fromkeys(map(_told, by_code.get(row.code, [])))) or "open"
                what = f"{row.fr}: {row.en}"
                if row.metrics:
                    what += f" ({', '.join(f'`{m}`' for m in row.metrics)})"
                lines.append(f"| {row.code} | {what} | {row.scope} | {told} |")
    return "\n".join(lines) + "\n"


def _told(citation: Citation) -> str:
    apart = f" ({', '.join(citation.apart)})" if citation.apart else ""
    return f"`{citation.path.removeprefix('tests/')}::{citation.test}`{apart}"


def write() -> list[str]:
    """Strikes proved rows off audit_open.yml, writes the page; returns what is still wrong."""
    known, found, left_open = rows(), citations(), open_rows()
    proved = {c.code for c in found if not c.apart}
    if proved & set(left_open):
        lines = OPEN_FILE.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.partition(":")[0] not in proved]
        OPEN_FILE.write_text("".join(kept), encoding="utf-8")
        left_open = open_rows()
    PAGE_FILE.write_text(page(known, found, left_open), encoding="utf-8")
    return faults(known, found, left_open)


if __name__ == "__main__":
    print("\n".join(write()))
