"""Section 1: publishable or not, and why. The gate's verdict is shown, not remade.

What does not belong here: every check one by one (annex.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from orchestration.reporting.figures import (
    SEVERITIES,
    STATUSES,
    QualityInputs,
    RuleOutcome,
    RunFacts,
    Verdict,
)
from orchestration.reporting.formatting import Formats
from orchestration.reporting.privacy import masked
from orchestration.reporting.wording import Wording

RULES_SHOWN = 10
REASONS_SHOWN = 4


def verdict_banner(verdict: Verdict, run: RunFacts, t: Wording, f: Formats) -> dict[str, object]:
    """The verdict as a headline, what follows from it, and the commands that come next, the first one on top."""
    commands = t(f"verdict.{verdict.code}.command").split(" | ")
    if verdict.code.startswith("publish") and not run.publication_id:
        commands.insert(0, "etalon publish")
    return {
        "code": verdict.code,
        "label": t(f"verdict.{verdict.code}.label"),
        "sentence": t(f"verdict.{verdict.code}.sentence", month=f.month(run.cycle)),
        "advice": t(f"verdict.{verdict.code}.advice"),
        "commands": commands,
    }


def rule_question(rule: RuleOutcome, t: Wording) -> str:
    return t.pick(rule.question_fr, rule.question_en, rule.rule_id)


def order_rules(rules: Iterable[RuleOutcome]) -> list[RuleOutcome]:
    """Worst first: by status, then severity, then number of failed rows (half of two is no news), then id."""

    def rank(value: str, order: tuple[str, ...]) -> int:
        return order.index(value) if value in order else len(order)

    return sorted(
        rules,
        key=lambda r: (
            rank(r.status, STATUSES), rank(r.severity, SEVERITIES), -(r.n_failed or 0), r.rule_id, r.table_name,
        ),
    )  # fmt: skip


def quantity(value: Decimal, f: Formats) -> str:
    """A ledger value: counts without decimals, money to the cent."""
    return f.decimal(value, 0 if value == value.to_integral_value() else 2)


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
        return [masked(t.pick(sentence, sentence)) for sentence in told]
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
            difference=quantity(balance.difference, f),
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


def verdict_section(inputs: QualityInputs, t: Wording, f: Formats) -> dict[str, object]:
    reasons = verdict_reasons(inputs, t, f)
    by_status = Counter(rule.status for rule in inputs.rules if rule.origin != "dbt")
    models = Counter(rule.status for rule in inputs.rules if rule.origin == "dbt")
    controls = Counter(control.status for control in inputs.controls)
    # What was not assessed for want of a source is counted; what somebody can act on is listed.
    listed = [rule for rule in order_rules(inputs.rules) if rule.status in ("fail", "warn", "waived")]
    return {
        "banner": verdict_banner(inputs.verdict, inputs.run, t, f),
        "reasons": reasons[:REASONS_SHOWN],
        "more_reasons": reasons[REASONS_SHOWN:],
        "statuses": STATUSES,
        "counts": [
            (name, [count[status] for status in STATUSES])
            for name, count in (("rules", by_status), ("models", models), ("controls", controls))
        ],
        "n_checks": len(inputs.rules) + len(inputs.controls),
        "rules": listed[:RULES_SHOWN],
        "n_listed": len(listed),
        "waivers": inputs.waivers,
        "refusals": inputs.refusals,
    }
