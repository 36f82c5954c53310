"""The verdict on a cycle: publish, publish with warnings, or hold, in sentences a RevOps manager understands.

`decide` is pure. What does not belong here: evaluating rules (runner.py), thresholds (rules/*.yml), publishing.
An imbalance of 1 in the ledger holds; so does a ledger or a validation that is not there.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa

from expectations.assessment_index import absent_contracts, is_applicable
from expectations.connection import connect
from expectations.control_findings import ControlFinding, judged
from expectations.owners import owner_name
from expectations.policy import Effect, Policy
from expectations.ratchet import Comparison, Counted, Progress
from expectations.results import RuleResult, write_parquet
from expectations.waivers import is_used
from expectations.wording import sentences
from ingest.controls_result import ControlResult
from ingest.errors import catalogue, text_of
from ingest.typography import NARROW_SPACE, french_spaces

VerdictCode = Literal["publish", "publish_with_warnings", "hold"]
# Files, controls or rules named in one sentence; the rest is in the tables of collect/ and quality/.
MOST_NAMED = 10
# The file can be read; a person has to say whether what it removes is gone.
SNAPSHOT_ASKS = "E-ING-180"
# Rules on marts, which are built and assessed after the verdict.
_JUDGED_LATER = "R-MRT-"


@dataclass(frozen=True)
class Balance:
    """One identity of the row ledger: both sides and their difference, exact."""

    term: str
    stream: str
    scope: str
    left_value: Decimal
    right_value: Decimal
    difference: Decimal


@dataclass(frozen=True)
class Refusal:
    """One file that ingest refused."""

    source_instance: str
    file_path: str
    error_code: str
    why_fr: str
    why_en: str
    next_fr: str
    next_en: str


@dataclass(frozen=True)
class CollectWarning:
    """A control of ingest that asks for a look: `control` is delivered_for_cycle or unmapped_file."""

    source_instance: str
    file_path: str
    control: str
    observed: str


@dataclass(frozen=True)
class Sentence:
    """One reason. `code` is the key of sentences.yml, `rule_id` is set when a rule speaks."""

    effect: Effect
    code: str
    fr: str
    en: str
    rule_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The decision on a cycle. `sentences` are ordered: what holds, then warnings, then notes."""

    cycle: str
    verdict: VerdictCode
    headline: Sentence
    sentences: tuple[Sentence, ...]
    ledger_imbalances: int
    policy_version: str

    @property
    def reasons(self) -> tuple[str, ...]:
        """Codes of what holds or warns, each once."""
        return tuple(dict.fromkeys(each.code for each in self.sentences if each.effect != "note"))

    @property
    def rule_ids(self) -> tuple[str, ...]:
        """Rules that hold or warn, each once."""
        named = (rule_id for each in self.sentences if each.effect != "note" for rule_id in each.rule_ids)
        return tuple(sorted(set(named)))

    def lines(self, language: Literal["fr", "en"]) -> tuple[str, ...]:
        """Headline and sentences in one language."""
        return tuple(getattr(each, language) for each in (self.headline, *self.sentences))


def decide(
    results: Sequence[RuleResult],
    balances: Sequence[Balance],
    refusals: Sequence[Refusal],
    policy: Policy,
    *,
    cycle: str,
    cycle_end: date,
    collect_warnings: Sequence[CollectWarning] = (),
    controls: Sequence[ControlResult] = (),
    filled: Collection[str] | None = None,
    progress: Progress | None = None,
    framing_note: Literal["missing", "not_approved", "changed", "outdated", "approved"] | None = None,
) -> Verdict:
    """The verdict of a cycle. Pure: same inputs, same verdict and sentences.

    `results` come from runner.validate (waivers applied), `balances` from the warehouse, `refusals` from
    ingest, `controls` from control_findings.read_controls. `filled`: contracts that some mapping of the
    company fills (None: all of them); a rule on others does not apply and is only noted. `progress`: the
    comparison with the last publication (ratchet.compare), None when it is not asked for. `framing_note`: how the
    note of the cycle stands, None when it is not asked for.
    """
    controlled = judged(controls, policy, cycle_end)
    worse = progress.worse if progress else ()
    found = [
        *_framed(framing_note, policy, cycle),
        *_ledger(balances, policy),
        *_refused(refusals, policy),
        *_collected(collect_warnings, policy, cycle),
        *_controls(controlled, policy),
        *_rules(results, policy, filled),
        *(_ratchet(progress, policy, cycle_end) if progress else ()),
        *_waivers([*results, *controlled, *worse], policy, cycle, cycle_end),
    ]
    found.sort(key=lambda each: ("hold", "warn", "note").index(each.effect))
    effects = [each.effect for each in found]
    code: VerdictCode = "publish"
    if "hold" in effects:
        code = "hold"
    elif "warn" in effects:
        code = "publish_with_warnings"
    headline = _say(
        "note",
        f"verdict_{code}",
        cycle=cycle,
        n_pass=sum(result.status == "pass" for result in results),
        n_warnings=effects.count("warn"),
        n_holds=effects.count("hold"),
    )
    return Verdict(
        cycle=cycle,
        verdict=code,
        headline=headline,
        sentences=tuple(found),
        ledger_imbalances=sum(balance.difference != 0 for balance in balances),
        policy_version=policy.version,
    )


def _framed(standing: str | None, policy: Policy, cycle: str) -> Iterable[Sentence]:
    if standing not in (None, "approved"):
        yield _say(getattr(policy.document.framing_note, standing), f"framing_{standing}", cycle=cycle)


def _ledger(balances: Sequence[Balance], policy: Policy) -> Iterable[Sentence]:
    present = {balance.term for balance in balances}
    for term in policy.document.required_terms:
        if term not in present:
            yield _say("hold", "ledger_missing", term=term)
    for balance in balances:
        if balance.difference != 0 or balance.left_value != balance.right_value:
            yield _say(
                "hold",
                "ledger_imbalance",
                term=balance.term,
                stream=balance.stream,
                scope=balance.scope,
                left=_number(balance.left_value),
                right=_number(balance.right_value),
                difference=_number(balance.difference),
            )


def _refused(refusals: Sequence[Refusal], policy: Policy) -> Iterable[Sentence]:
    texts = sentences()
    for refusal in refusals:
        place = {"file": refusal.file_path, "source": refusal.source_instance, "code": refusal.error_code}
        code = "file_asks" if refusal.error_code == SNAPSHOT_ASKS else "file_refused"
        yield Sentence(
            effect=policy.document.refused_file,
            code=code,
            fr=texts["fr"][code].format(**place, why=refusal.why_fr, next=refusal.next_fr),
            en=texts["en"][code].format(**place, why=refusal.why_en, next=refusal.next_en),
        )


def _collected(found: Sequence[CollectWarning], policy: Policy, cycle: str) -> Iterable[Sentence]:
    late = [each for each in found if each.control == "delivered_for_cycle"]
    if late:
        files = ", ".join(f"{each.file_path} ({each.observed})" for each in late)
        yield _say(policy.document.missing_delivery, "delivery_missing", cycle=cycle, files=files)
    unmapped = [each.file_path for each in found if each.control == "unmapped_file"]
    if unmapped:
        values = {"n_files": len(unmapped), "files": _first(unmapped)}
        yield _say(policy.document.unmapped_file, "files_unmapped", **values)


def _controls(found: Sequence[ControlFinding], policy: Policy) -> Iterable[Sentence]:
    """One sentence for each control that holds; the first warnings by name, the others as a number."""
    over = [each for each in found if each.status in ("fail", "warn", "waived")]
    by_effect: dict[Effect, list[ControlFinding]] = {}
    for each in over:
        effect = "warn" if each.status == "waived" else getattr(policy.document.controls, each.severity)
        by_effect.setdefault(effect, []).append(each)
    for effect, members in by_effect.items():
        named = members if effect == "hold" else members[:MOST_NAMED]
        for each in named if effect != "note" else ():
            yield _of_control(effect, each)
        n_more = len(members) - (len(named) if effect != "note" else 0)
        if n_more:
            yield _say(effect, "controls_more", _ids(members[-n_more:]), n_controls=n_more)
    unassessed: dict[Effect, list[ControlFinding]] = {}
    for each in found:
        if each.status == "not_assessed":
            effect = getattr(policy.document.controls_not_assessed, each.severity)
            unassessed.setdefault(effect, []).append(each)
    for effect, members in unassessed.items():
        yield _say(effect, "controls_not_assessed", _ids(members), n_controls=len(members))


def _of_control(effect: Effect, finding: ControlFinding) -> Sentence:
    code = "control_failed" if effect == "hold" else "control_warned"
    if finding.status == "waived":
        code = "control_waived"
    values = {
        "control": finding.rule_id,
        "source": finding.result.source_instance,
        "waived_until": finding.waived_until,
    }
    texts = sentences()
    return Sentence(
        effect=effect,
        code=code,
        fr=texts["fr"][code].format(**values, fact=finding.fact("fr")),
        en=texts["en"][code].format(**values, fact=finding.fact("en")),
        rule_ids=(finding.rule_id,),
    )


def _rules(
    results: Sequence[RuleResult], policy: Policy, filled: Collection[str] | None
) -> Iterable[Sentence]:
    # structural tests pass on empty tables: they judge the models, not the company's data
    if not any(result.status != "not_assessed" and result.origin != "dbt" for result in results):
        yield _say("hold", "nothing_assessed")
    absent: list[RuleResult] = []
    unassessed: list[RuleResult] = []
    small: list[RuleResult] = []
    inapplicable: list[RuleResult] = []
    for result in results:
        effect = policy.effect(result)
        if effect is None:
            continue
        if not is_applicable(result, filled):
            inapplicable.append(result)
            continue
        if result.status != "not_assessed":
            code = "rule_waived" if result.status == "waived" else f"{result.severity}_rule_failed"
            yield _of_rule(effect, code, result)
        elif result.cause == "uncovered":
            yield _of_rule(effect, "table_not_assessed", result)
        elif result.cause == "small_sample":
            small.append(result)
        elif result.severity != "critical" or result.cause == "empty":
            unassessed.append(result)
        elif result.cause == "source_absent":
            absent.append(result)
        else:
            cause = "too_few_rows" if result.cause == "too_few_rows" else "broken"
            yield _of_rule(effect, f"critical_rule_{cause}", result)
    if inapplicable:
        contracts = ", ".join(sorted({name for each in inapplicable for name in absent_contracts(each)}))
        values = {"n_checks": len(inapplicable), "contracts": contracts}
        yield _say("note", "rules_not_applicable", _ids(inapplicable), **values)
    for effect, members in _by_effect(absent, policy).items():
        contracts = sorted({name for each in members for name in absent_contracts(each)})
        yield _say(
            effect,
            "critical_rules_source_absent",
            _ids(members),
            n_checks=len(members),
            contracts=", ".join(contracts),
        )
    for code, open_checks in (("rules_not_assessed", unassessed), ("rules_small_sample", small)):
        for effect, members in _by_effect(open_checks, policy).items():
            values = {"n_checks": len(members), "listed": _first(_ids(members))}
            yield _say(effect, code, _ids(members), **values)


def _ids(results: Iterable[RuleResult | ControlFinding | Comparison]) -> tuple[str, ...]:
    return tuple(sorted({result.rule_id for result in results}))


def _by_effect(results: Iterable[RuleResult], policy: Policy) -> Mapping[Effect, list[RuleResult]]:
    grouped: dict[Effect, list[RuleResult]] = {}
    for result in results:
        effect = policy.effect(result)
        if effect is not None:
            grouped.setdefault(effect, []).append(result)
    return grouped


def _ratchet(progress: Progress, policy: Policy, day: date) -> Iterable[Sentence]:
    """One sentence for each share that rose by more than its slack, and what could not be compared."""
    if progress.baseline_id is None:
        yield _say("note", "ratchet_first")
        return
    for each in progress.worse:
        waiver = policy.waiver(each, day)
        code = "ratchet_quarantine_worse" if each.is_quarantine else "ratchet_worse"
        yield _of_comparison(
            "warn" if waiver else each.effect,
            "ratchet_waived" if waiver else code,
            each,
            progress.baseline_id,
            waived_until=waiver.expires_on if waiver else None,
        )
    for effect, code, rules in (
        ("note", "ratchet_changed", progress.changed),
        (policy.document.ratchet.rules_gone, "ratchet_gone", progress.gone),
    ):
        if rules:
            values = {
                "n_rules": len(rules),
                "listed": _first(rules),
                "publication_id": progress.baseline_id,
            }
            yield _say(effect, code, rules, **values)


def _of_comparison(
    effect: Effect, code: str, each: Comparison, publication_id: str, waived_until: date | None
) -> Sentence:
    texts, said = sentences(), {}
    for language in ("fr", "en"):
        said[language] = texts[language][code].format(
            rule_id=each.rule_id,
            source=each.rule_id.split("/", 1)[0],
            table=each.table_name,
            publication_id=publication_id,
            waived_until=waived_until,
            n_failed=each.now.n_failed,
            n_evaluated=each.now.n_evaluated,
            n_failed_before=each.before.n_failed,
            n_evaluated_before=each.before.n_evaluated,
            share=_percent(_share(each.now), language),
            share_before=_percent(_share(each.before), language),
            slack=_points(each.slack, language),
        )
    return Sentence(effect, code, said["fr"], said["en"], (each.rule_id,))


def _share(counted: Counted) -> Decimal:
    return Decimal(counted.n_failed) / counted.n_evaluated if counted.n_evaluated else Decimal(0)


def _waivers(
    found: Sequence[RuleResult | ControlFinding | Comparison], policy: Policy, cycle: str, day: date
) -> Iterable[Sentence]:
    """What stands in waivers.csv and no other sentence says: the dead, the too long, the unused, those of marts."""
    first_day = date.fromisoformat(f"{cycle}-01")
    for waiver in policy.waivers:
        named = {"rule_id": waiver.rule_id, "author": waiver.author, "expires_on": waiver.expires_on}
        covered = [each for each in found if waiver.covers(each)]
        failing = is_used(waiver, covered)
        if not waiver.is_alive(day):
            if failing:
                if not any(policy.waiver(each, day) for each in covered):
                    yield _say("warn", "waiver_expired", (waiver.rule_id,), **named)
            elif first_day < waiver.expires_on:
                yield _say("note", "waiver_ended", (waiver.rule_id,), **named)
        elif not policy.is_in_force(waiver, day):
            most = policy.document.waiver_max_days
            yield _say("warn", "waiver_too_far", (waiver.rule_id,), **named, day=day, most=most)
        elif not failing:
            is_of_marts = not covered and waiver.rule_id.startswith(_JUDGED_LATER)
            effect, code = ("warn", "waiver_of_marts") if is_of_marts else ("note", "waiver_unused")
            yield _say(effect, code, (waiver.rule_id,), **named)


def _of_rule(effect: Effect, code: str, result: RuleResult) -> Sentence:
    values = {
        "rule_id": result.rule_id,
        "table": result.table_name,
        "n_failed": result.n_failed,
        "n_evaluated": result.n_evaluated,
        "waived_until": result.waived_until,
    }
    share, tolerance = result.failed_share or Decimal(0), result.tolerance
    fr = {
        "question": french_spaces(result.question_fr),
        "detail": result.detail_fr or result.detail,
        "owner": owner_name(result.owner, "fr"),
        "share": _percent(share, "fr"),
        "tolerance": _percent(tolerance, "fr"),
    }
    en = {
        "question": result.question_en,
        "detail": result.detail,
        "owner": owner_name(result.owner, "en"),
        "share": _percent(share, "en"),
        "tolerance": _percent(tolerance, "en"),
    }
    texts = sentences()
    return Sentence(
        effect=effect,
        code=code,
        fr=texts["fr"][code].format(**values, **fr),
        en=texts["en"][code].format(**values, **en),
        rule_ids=(result.rule_id,),
    )


def _say(effect: Effect, code: str, rules: tuple[str, ...] = (), **values: object) -> Sentence:
    texts = sentences()
    return Sentence(
        effect, code, texts["fr"][code].format(**values), texts["en"][code].format(**values), rules
    )


def _percent(share: Decimal, language: Literal["fr", "en"]) -> str:
    """0.0123 -> 1.23 % (en 1.23%), never rounded to a zero that it is not."""
    text = f"{share * 100:.2f}"
    if share > 0 and text == "0.00":
        text = "< 0.01"
    return f"{text.replace('.', ',')}{NARROW_SPACE}%" if language == "fr" else f"{text}%"


def _first(names: Sequence[str]) -> str:
    """The first names of a list that may be long."""
    return ", ".join(names[:MOST_NAMED]) + (" ..." if len(names) > MOST_NAMED else "")


def _points(slack: Decimal, language: Literal["fr", "en"]) -> str:
    """0.02 -> 2: percentage points."""
    text = _number(slack * 100)
    return text.replace(".", ",") if language == "fr" else text


def _number(value: Decimal) -> str:
    """Without trailing zeros and without an exponent."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def read_balances(warehouse: Path) -> list[Balance]:
    """quality_dbt.dq_ledger_balances of a warehouse; empty when the table is missing, which holds."""
    if not warehouse.exists():
        return []
    with connect(warehouse) as connection:
        exists = connection.execute(
            "select count(*) from information_schema.tables"
            " where table_schema = 'quality_dbt' and table_name = 'dq_ledger_balances'"
        ).fetchone()
        if not exists or not exists[0]:
            return []
        rows = connection.execute(
            "select term, stream, scope, cast(left_value as decimal(38, 4)),"
            " cast(right_value as decimal(38, 4)),"
            " cast(difference as decimal(38, 4)) from quality_dbt.dq_ledger_balances order by all"
        ).fetchall()
    return [Balance(*row) for row in rows]


def read_refusals(work: Path) -> list[Refusal]:
    """collect/refusals.parquet, empty when there is none."""
    file = work / "collect" / "refusals.parquet"
    if not file.exists():
        return []
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select source_instance, file_path, error_code, why, next_command, params from read_parquet(?)"
            " order by all",
            [str(file)],
        ).fetchall()
    return [_refusal(*row) for row in rows]


def read_collect_warnings(work: Path) -> list[CollectWarning]:
    """What collect/control_results.parquet says of deliveries that are late and files that nobody reads."""
    file = work / "collect" / "control_results.parquet"
    if not file.exists():
        return []
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select source_instance, file_path, control, coalesce(measured, '') from read_parquet(?)"
            " where (control = 'delivered_for_cycle' and status <> 'pass') or control = 'unmapped_file'"
            " order by all",
            [str(file)],
        ).fetchall()
    return [CollectWarning(*row) for row in rows]


def _refusal(source: str, path: str, code: str, why: str, next_command: str, params: str) -> Refusal:
    """Ingest writes its sentences in one language; its error catalogue has the other, where it knows the
    code.
    """
    if code not in catalogue():
        return Refusal(source, path, code, why, why, next_command, next_command)
    values = json.loads(params)
    fr, en = (
        {part: text_of(code, part, language, **values) for part in ("why", "next")}
        for language in ("fr", "en")
    )
    return Refusal(source, path, code, fr["why"], en["why"], fr["next"], en["next"])


VERDICT_SCHEMA = pa.schema(
    [
        ("cycle", pa.string()),
        ("verdict", pa.string()),
        ("reasons", pa.string()),  # codes joined by commas
        ("rule_ids", pa.string()),  # joined by commas
        ("ledger_imbalances", pa.int64()),
        ("policy_version", pa.string()),
        ("sentences_fr", pa.list_(pa.string())),
        ("sentences_en", pa.list_(pa.string())),
    ]
)


def verdict_row(verdict: Verdict) -> dict[str, object]:
    """The row of quality/gate_verdicts.parquet."""
    return {
        "cycle": verdict.cycle,
        "verdict": verdict.verdict,
        "reasons": ",".join(verdict.reasons),
        "rule_ids": ",".join(verdict.rule_ids),
        "ledger_imbalances": verdict.ledger_imbalances,
        "policy_version": verdict.policy_version,
        "sentences_fr": list(verdict.lines("fr")),
        "sentences_en": list(verdict.lines("en")),
    }


def write_verdict(verdict: Verdict, path: Path) -> None:
    """quality/gate_verdicts.parquet: one row, this cycle. Written beside and renamed."""
    write_parquet(pa.Table.from_pylist([verdict_row(verdict)], schema=VERDICT_SCHEMA), path)
