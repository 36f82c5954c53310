"""Section 2: the exact row account of each source, what changed since the last publication, lines and ledger.

What does not belong here: the records that were set aside one by one (`etalon quarantine`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from orchestration.reporting.drawing import Flow, Node, flows
from orchestration.reporting.figures import Balance, LineAccount, QualityInputs, RowAccount
from orchestration.reporting.formatting import Formats
from orchestration.reporting.wording import Wording

# What became of a record that is not kept as its own row, in the order of the drawing and the tables.
FATES = ("merged", "exact_duplicate", "superseded", "excluded", "quarantined", "suppressed")
_ROLES = {"kept_as_own": "kept", "exact_duplicate": "duplicate"}
# What is compared with the last publication: merges belong to golden records, which its account does not count.
_COMPARED = (
    *("records_in", "kept", "exact_duplicate", "superseded"),
    *("excluded", "quarantined", "suppressed"),
)


def _sum_accounts(source: str, accounts: Iterable[RowAccount]) -> RowAccount:
    rows = list(accounts)
    merged = [row.merged for row in rows if row.merged is not None]
    return RowAccount(
        source_instance=source,
        contract="",
        records_in=sum(row.records_in for row in rows),
        kept=sum(row.kept for row in rows),
        quarantined=sum(row.quarantined for row in rows),
        excluded=sum(row.excluded for row in rows),
        exact_duplicate=sum(row.exact_duplicate for row in rows),
        superseded=sum(row.superseded for row in rows),
        suppressed=sum(row.suppressed for row in rows),
        merged=sum(merged) if merged else None,
    )


def accounts_by_source(accounts: Iterable[RowAccount]) -> list[tuple[RowAccount, list[RowAccount]]]:
    """(total of the source, its contracts) in the order of the sources' names."""
    by_source: dict[str, list[RowAccount]] = defaultdict(list)
    for account in sorted(accounts, key=lambda a: (a.source_instance, a.contract)):
        by_source[account.source_instance].append(account)
    return [(_sum_accounts(source, rows), rows) for source, rows in by_source.items()]


def _drawing(totals: list[RowAccount], total: RowAccount, t: Wording, f: Formats) -> str:
    def count(row: RowAccount, fate: str) -> int:
        return getattr(row, fate) or 0

    fates = [fate for fate in ("kept_as_own", *FATES) if count(total, fate)]
    ways = [
        Node(
            t(f"fate.{fate}"),
            t(
                "quality.accounts.of_all",
                n=f.integer(count(total, fate)),
                share=f.share(Decimal(count(total, fate)) / max(total.records_in, 1)),
            ),
            _ROLES.get(fate, fate),
        )
        for fate in fates
    ]
    sources = [Node(row.source_instance, f.integer(row.records_in)) for row in totals]
    bands = [
        Flow(
            left,
            right,
            count(row, fate),
            f"{row.source_instance} → {t(f'fate.{fate}')}: {f.integer(count(row, fate))}",
        )
        for left, row in enumerate(totals)
        for right, fate in enumerate(fates)
    ]
    return flows(sources, ways, bands, title=t("quality.accounts.chart_title"), name="flows")


@dataclass(frozen=True)
class Change:
    """One source against the last publication, in the order of _COMPARED; 0 stands for a source that one lacks."""

    source_instance: str
    differences: tuple[int, ...]


def changes(inputs: QualityInputs) -> list[Change]:
    """This run minus the last publication, of the sources in which anything differs."""
    now = {total.source_instance: total for total, _ in accounts_by_source(inputs.accounts)}
    before: dict[str, list] = defaultdict(list)
    for each in inputs.former_accounts:
        before[each.source_instance].append(each)
    found = []
    for source in sorted(now.keys() | before.keys()):
        found.append(
            Change(
                source,
                tuple(
                    (getattr(now[source], name) if source in now else 0)
                    - sum(getattr(row, name) for row in before[source])
                    for name in _COMPARED
                ),
            )
        )
    return [change for change in found if any(change.differences)]


def _line_total(lines: Iterable[LineAccount]) -> dict[str, int]:
    names = ("n_files", "file_bytes", "physical_lines", "header_lines", "blank_lines", "record_lines")
    names += ("quarantined_lines", "repaired_lines", "difference")
    rows = list(lines)
    return {name: sum(getattr(row, name) for row in rows) for name in names}


@dataclass(frozen=True)
class LedgerLine:
    """Identities of one kind shown together: those of many files that all balance, or one that does not."""

    identity: str
    stream: str
    place: str
    n: int
    left_value: Decimal
    right_value: Decimal
    difference: Decimal


@dataclass(frozen=True)
class LedgerTerm:
    term: str
    n: int
    n_differing: int
    lines: tuple[LedgerLine, ...]


def ledger_terms(balances: Iterable[Balance]) -> list[LedgerTerm]:
    """The ledger by term. Identities of files that balance are added up; currencies and differences never."""
    grouped: dict[tuple, list[Balance]] = defaultdict(list)
    for balance in balances:
        identity, _, place = balance.scope.partition(":")
        if balance.difference == 0 and "/" in place:
            place = ""
        grouped[(balance.term, balance.difference == 0, balance.stream, identity, place)].append(balance)
    by_term: dict[str, list[LedgerLine]] = defaultdict(list)
    for (term, _, stream, identity, place), members in sorted(grouped.items()):
        sums = (
            sum(getattr(each, side) for each in members)
            for side in ("left_value", "right_value", "difference")
        )
        by_term[term].append(LedgerLine(identity, stream, place, len(members), *sums))
    return [
        LedgerTerm(
            term,
            sum(line.n for line in lines),
            sum(line.n for line in lines if line.difference != 0),
            tuple(lines),
        )
        for term, lines in by_term.items()
    ]


def unreadable(n_lines: int, t: Wording, f: Formats) -> str:
    """What is added to an account of records for the lines that are none; '' without any."""
    return t.plural("quality.accounts.unreadable", n_lines, n=f.integer(n_lines)) if n_lines else ""


def _lead(total: RowAccount | None, n_unreadable: int, n_imbalances: int, t: Wording, f: Formats) -> str:
    if total is None:
        return t("quality.accounts.empty")
    said = t(
        "quality.accounts.lead",
        records=f.integer(total.records_in),
        kept=f.integer(total.kept_as_own),
        merged=f.integer(total.merged or 0),
        repeated=f.integer(total.exact_duplicate + total.superseded),
        aside=f.integer(total.quarantined + total.excluded + total.suppressed),
        unreadable=unreadable(n_unreadable, t, f),
    )
    if n_imbalances:
        return f"{said} {t.plural('quality.accounts.unbalanced', n_imbalances, n=f.integer(n_imbalances))}"
    return f"{said} {t('quality.accounts.balanced')}"


def _figures(total: RowAccount, n_unreadable: int) -> list[tuple[str, int]]:
    """(key of the wording, count): the account in one line, and the lines that are no record of it."""
    return [
        ("column.records_in", total.records_in),
        ("fate.kept_as_own", total.kept_as_own),
        ("fate.merged", total.merged or 0),
        ("quality.accounts.repeated", total.exact_duplicate + total.superseded),
        ("quality.accounts.aside", total.quarantined + total.excluded + total.suppressed),
        ("quality.accounts.unreadable_lines", n_unreadable),
    ]


def accounts_section(inputs: QualityInputs, t: Wording, f: Formats) -> dict[str, object]:
    sources = accounts_by_source(inputs.accounts)
    totals = [total for total, _ in sources]
    total = _sum_accounts("", totals) if totals else None
    n_imbalances = sum(1 for balance in inputs.balances if balance.difference != 0)
    line_total = _line_total(inputs.lines)
    former = inputs.former_accounts[0] if inputs.former_accounts else None
    return {
        "lead": _lead(total, line_total["quarantined_lines"], n_imbalances, t, f),
        "figures": _figures(total, line_total["quarantined_lines"]) if total else [],
        "sources": sources,
        "total": total,
        "drawing": _drawing(totals, total, t, f) if total else "",
        # Only a company that declares a retention suppresses anything.
        "fates": FATES if any(row.suppressed for row in totals) else FATES[:-1],
        "former": former,
        "compared": _COMPARED,
        "changes": changes(inputs) if former and total else [],
        "aside": [(row, item) for _, contracts in sources for row in contracts for item in row.set_aside],
        "lines": sorted(inputs.lines, key=lambda row: row.source_instance),
        "line_total": line_total,
        "terms": ledger_terms(inputs.balances),
    }
