"""What the data-quality report says: ordered rows, totals, sentences and its chart, as finished text.

What does not belong here: HTML (templates) and judgement (expectations/); the verdict is shown, not remade.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from orchestration.reporting.charts import StackedRow, places_of, stacked_bars
from orchestration.reporting.figures import (
    CONTROL_LEVELS,
    SEVERITIES,
    STATUSES,
    Balance,
    CleaningDecision,
    ControlOutcome,
    LineAccount,
    QualityInputs,
    RowAccount,
    RuleOutcome,
    Verdict,
)
from orchestration.reporting.formatting import Formats
from orchestration.reporting.wording import Wording

# What became of a record that is not kept as its own row, in the order of the chart and the tables.
FATES = ("merged", "exact_duplicate", "superseded", "excluded", "quarantined", "suppressed")
_FATE_ROLES = ("merged", "duplicate", "superseded", "excluded", "quarantined", "suppressed")
_EMAIL = re.compile(r"[^\s@<>\"']{1,64}@[^\s@<>\"']{1,255}")
_PHONE = re.compile(r"(?<![\w.])(?:\+\d[\d .()-]{7,16}\d|0\d(?:[ .-]?\d{2}){4})(?!\w)")


def masked(text: str) -> str:
    """Text of the data without e-mail addresses and telephone numbers."""
    return _PHONE.sub("•••", _EMAIL.sub("•••@•••", text))


def _fates(account: RowAccount) -> tuple[int, ...]:
    return tuple(getattr(account, name) or 0 for name in FATES)


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


def _account_chart(totals: list[RowAccount], t: Wording, f: Formats) -> str:
    bars = []
    for total in totals:
        scale = max(total.records_in, 1)
        shares = tuple(count / scale for count in _fates(total))
        note = t(
            "quality.accounts.chart_note",
            kept=f.percent(Decimal(total.kept_as_own) / scale),
            records=f.integer(total.records_in),
        )
        bars.append(StackedRow(total.source_instance, shares, note))
    return stacked_bars(
        bars,
        _FATE_ROLES,
        title=t("quality.accounts.chart_title"),
        name="accounts",
        tick=lambda share: f.percent(share, places_of(share * 100)),
    )


def rule_question(rule: RuleOutcome, t: Wording) -> str:
    return t.pick(rule.question_fr, rule.question_en, rule.rule_id)


def order_rules(rules: Iterable[RuleOutcome]) -> list[RuleOutcome]:
    """Worst first: by status, then severity, then share of failed rows, then id."""

    def rank(value: str, order: tuple[str, ...]) -> int:
        return order.index(value) if value in order else len(order)

    def failed_share(rule: RuleOutcome) -> float:
        return (rule.n_failed or 0) / rule.n_evaluated if rule.n_evaluated else 0.0

    return sorted(
        rules,
        key=lambda r: (rank(r.status, STATUSES), rank(r.severity, SEVERITIES), -failed_share(r), r.rule_id),
    )


def _rule_reason(rule: RuleOutcome, t: Wording, f: Formats) -> str:
    return t(
        "verdict.reason.rule",
        rule=rule.rule_id,
        question=rule_question(rule, t),
        failed=f.integer(rule.n_failed),
        evaluated=f.integer(rule.n_evaluated),
        table=rule.table_name,
    )


def verdict_reasons(inputs: QualityInputs, t: Wording, f: Formats) -> list[str]:
    """The gate's own sentences when it left some, else the same facts told from its inputs."""
    told = inputs.verdict.reasons_fr if t.language == "fr" else inputs.verdict.reasons_en
    if told:
        return [masked(sentence) for sentence in told]
    rules = order_rules(inputs.rules)
    critical = [r for r in rules if r.status == "fail" and r.severity == "critical"]
    others = [r for r in rules if r.status in ("fail", "warn") and r not in critical]
    sentences = [_rule_reason(rule, t, f) for rule in critical]
    sentences += [
        t(
            "verdict.reason.balance",
            term=balance.term,
            stream=balance.stream,
            scope=balance.scope,
            difference=_quantity(balance.difference, f),
        )
        for balance in inputs.balances
        if balance.difference != 0
    ]
    if others:
        named = ", ".join(r.rule_id for r in others[:6]) + (" …" if len(others) > 6 else "")
        sentences.append(
            t.plural("verdict.reason.warnings", len(others), n=f.integer(len(others)), rules=named)
        )
    for status in ("not_assessed", "waived"):
        n = sum(1 for rule in rules if rule.status == status)
        if n:
            sentences.append(t.plural(f"verdict.reason.{status}", n, n=f.integer(n)))
    if inputs.refusals:
        n = len(inputs.refusals)
        sentences.append(t.plural("verdict.reason.refusals", n, n=f.integer(n)))
    if not sentences and inputs.verdict.code == "publish":
        sentences.append(t("verdict.reason.clean", n=f.integer(len(rules))))
    return sentences


def verdict_banner(verdict: Verdict, cycle: str, t: Wording, f: Formats) -> dict[str, str]:
    return {
        "code": verdict.code,
        "label": t(f"verdict.{verdict.code}.label"),
        "sentence": t(f"verdict.{verdict.code}.sentence", month=f.month(cycle)),
        "advice": t(f"verdict.{verdict.code}.advice"),
        "command": t(f"verdict.{verdict.code}.command"),
    }


def _quantity(value: Decimal, f: Formats) -> str:
    """A ledger value: counts without decimals, money to the cent."""
    return f.decimal(value, 0 if value == value.to_integral_value() else 2)


def _rule_groups(rules: list[RuleOutcome]) -> list[tuple[str, list[RuleOutcome]]]:
    return [(status, [r for r in rules if r.status == status]) for status in STATUSES]


@dataclass(frozen=True)
class SourceControls:
    """Controls of one source: how many of each status, and those to be shown. Passed ones are only counted.

    over: beyond their threshold; told: the same at level info; open: not assessed.
    """

    source_instance: str
    counts: tuple[tuple[str, int], ...]
    over: tuple[ControlOutcome, ...]
    told: tuple[ControlOutcome, ...]
    open: tuple[ControlOutcome, ...]


def controls_by_source(controls: Iterable[ControlOutcome]) -> list[SourceControls]:
    """Sources with the gravest control first; within a source by status, level and share of failing rows."""
    by_source: dict[str, list[ControlOutcome]] = defaultdict(list)
    for each in controls:
        by_source[each.source_instance].append(each)
    found = []
    for source, members in by_source.items():
        ordered = sorted(members, key=_control_rank)
        over = [each for each in ordered if each.status in ("fail", "warn", "waived")]
        found.append(
            SourceControls(
                source,
                tuple((status, sum(each.status == status for each in members)) for status in STATUSES),
                tuple(each for each in over if each.severity != "info"),
                tuple(each for each in over if each.severity == "info"),
                tuple(each for each in ordered if each.status == "not_assessed"),
            )
        )
    return sorted(
        found, key=lambda s: (_control_rank(s.over[0]) if s.over else (9, 9, 0, ""), s.source_instance)
    )


def _control_rank(control: ControlOutcome) -> tuple[int, int, float, str]:
    share = (control.n_failed or 0) / control.n_evaluated if control.n_evaluated else 0.0
    status, severity = STATUSES.index(control.status), CONTROL_LEVELS.index(control.severity)
    return status, severity, -share, control.control_id


@dataclass(frozen=True)
class DecisionLine:
    """All decisions of one reason and action; `places` are (table and field, count), most first."""

    label: str
    reason_code: str
    action: str
    places: tuple[tuple[str, int], ...]
    n: int


def decision_lines(decisions: Iterable[CleaningDecision], t: Wording) -> list[DecisionLine]:
    """Decisions by reason and action, most first."""
    grouped: dict[tuple[str, str], list[CleaningDecision]] = defaultdict(list)
    for decision in decisions:
        grouped[(decision.reason_code, decision.action)].append(decision)
    lines = []
    for (reason_code, action), members in grouped.items():
        # A merge gives its evidence as the reason; its wording stands with the evidence.
        wording = t.or_raw("evidence", reason_code) if action == "merge" else reason_code
        counts: dict[str, int] = defaultdict(int)
        for each in members:
            counts[".".join(part for part in (each.table_name, each.field_name) if part)] += each.n_decisions
        lines.append(
            DecisionLine(
                label=t.pick(members[0].label_fr, members[0].label_en, wording),
                reason_code=reason_code,
                action=action,
                places=tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
                n=sum(counts.values()),
            )
        )
    return sorted(lines, key=lambda line: (-line.n, line.reason_code, line.action))


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


def quality_context(inputs: QualityInputs, t: Wording, f: Formats) -> dict[str, object]:
    """Everything the template `data_quality.html.jinja` reads."""
    sources = accounts_by_source(inputs.accounts)
    totals = [total for total, _ in sources]
    rules = order_rules(inputs.rules)
    return {
        "inputs": inputs,
        "run": inputs.run,
        "banner": verdict_banner(inputs.verdict, inputs.run.cycle, t, f),
        "reasons": verdict_reasons(inputs, t, f),
        "sources": sources,
        "total": _sum_accounts("", totals) if totals else None,
        "account_chart": _account_chart(totals, t, f) if totals else "",
        # Only a company that declares a retention suppresses anything.
        "fates": FATES if any(row.suppressed for row in totals) else FATES[:-1],
        "lines": sorted(inputs.lines, key=lambda row: row.source_instance),
        "line_total": _line_total(inputs.lines),
        "rule_groups": _rule_groups(rules),
        "n_rules": len(rules),
        "controls": controls_by_source(inputs.controls),
        "n_controls": len(inputs.controls),
        "fact": lambda control: masked(t.pick(control.fact_fr, control.fact_en)),
        "decisions": decision_lines(inputs.decisions, t),
        "entities_known": bool(inputs.entities),
        "merges": sorted(inputs.merges, key=lambda m: (m.entity, m.decision, -m.n_edges, m.evidence_code)),
        "terms": ledger_terms(inputs.balances),
        "n_imbalances": sum(1 for balance in inputs.balances if balance.difference != 0),
        "files": sorted(inputs.files, key=lambda d: (d.source_instance, d.file_path, d.file_sha256)),
        "quantity": lambda value: _quantity(value, f),
        "question": lambda rule: rule_question(rule, t),
        "masked": masked,
    }
