"""Where a text of the data can stand in the two reports: one class of field each, all planted at once.

What does NOT belong here: the texts (payloads.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from orchestration.reporting.cycle_figures import CycleInputs
from orchestration.reporting.figures import AuditInputs, QualityInputs
from orchestration.reporting.pipeline_figures import PipelineReview
from orchestration.reporting.quality_figures import Compliance, History
from tests.unit.reporting import planted_cycles
from tests.unit.reporting import planted_reports as planted

#: Field class -> what it is, in the order of the page.
CLASSES = (
    *(
        "company",
        "verdict_sentence",
        "rule_detail",
        "rule_question",
        "owner",
        "waiver_author",
        "waiver_reason",
    ),
    *("refused_file", "refusal_text", "source_instance", "contract", "set_aside_reason", "ledger_scope"),
    *(
        "metric_label",
        "issue_label",
        "record_key",
        "item_field",
        "assignee",
        "impact_unit",
        "decision_reason",
    ),
    *("value_before", "value_after", "sample_place", "steward_author", "steward_comment", "steward_field"),
    *(
        "evidence",
        "review_kind",
        "id_change",
        "publication",
        "dimension",
        "check_code",
        "touch_key",
        "profile",
    ),
    *("cause_code", "currency", "control_fact", "control_example", "file_name", "time_zone"),
)
AUDIT_CLASSES = ("company", "kpi_label", "kpi_definition", "trust_rule", "segment_label", "stage")

#: Of the dashboard and the pages around it: each page shows its own.
CYCLE_CLASSES = {
    "sales_audit": (
        "company",
        "segment_label",
        "account",
        "outlier",
        "outlier_reason",
        "threshold_rule",
        "experiment",
    ),
    "decision": ("company", "decision_sought", "approver", "story", "threshold_rule", "experiment"),
    "monthly_note": ("company", "lesson", "question", "answer", "experiment"),
    "contact_charter": ("company", "policy_author", "policy_basis", "approver"),
    "standup": ("company", "account", "outlier", "step"),
    "pipeline_review": ("company", "deal", "deal_account", "movement", "stage", "forecast_category", "team"),
}
_CYCLE_NAMES = sorted(
    {name for names in CYCLE_CLASSES.values() for name in names} - {*CLASSES, *AUDIT_CLASSES}
)


def marker(name: str) -> str:
    """What is looked for in the page: it stands before the payload, where no label is cut."""
    return f"zq{(*CLASSES, *AUDIT_CLASSES, *_CYCLE_NAMES).index(name):02}z"


def quality(payload: str) -> QualityInputs:
    """The data-quality inputs with marker and payload in a field of every class."""

    def text(name: str) -> str:
        return marker(name) + payload

    base = planted.HELD_QUALITY
    sentences = (text("verdict_sentence"),)
    control = replace(
        planted.CONTROLS[0],
        fact_fr=text("control_fact"),
        fact_en=text("control_fact"),
        examples=(text("control_example"),),
    )
    aside = replace(
        planted.ACCOUNTS[0].set_aside[0], label_fr=text("set_aside_reason"), label_en=text("set_aside_reason")
    )
    owner = planted.WORK[0]
    item = replace(
        owner.items[0],
        record_key=text("record_key"),
        field_name=text("item_field"),
        assignee=text("assignee"),
        impact_unit=text("impact_unit"),
    )
    history = planted.history(2)
    return replace(
        base,
        run=replace(base.run, company=text("company"), timezone=text("time_zone")),
        verdict=replace(base.verdict, reasons_fr=sentences, reasons_en=sentences),
        rules=(
            replace(
                planted.RULES[1],
                status="fail",
                detail=text("rule_detail"),
                question_fr=text("rule_question"),
                question_en=text("rule_question"),
                owner=text("owner"),
            ),
        ),
        waivers=(replace(planted.WAIVERS[1], author=text("waiver_author"), reason=text("waiver_reason")),),
        refusals=(
            replace(
                planted.REFUSAL,
                file_path=text("refused_file"),
                why=text("refusal_text"),
                why_fr=text("refusal_text"),
            ),
        ),
        accounts=(
            replace(
                planted.ACCOUNTS[0],
                source_instance=text("source_instance"),
                contract=text("contract"),
                set_aside=(aside,),
            ),
            replace(planted.ACCOUNTS[1], source_instance=text("source_instance")),
        ),
        balances=(replace(planted.BALANCES[0], scope=f"x:{text('ledger_scope')}", difference=planted.D(1)),),
        impacts=(
            replace(
                planted.IMPACTS[0],
                metric_fr=text("metric_label"),
                metric_en=text("metric_label"),
                issue_fr=text("issue_label"),
                issue_en=text("issue_label"),
            ),
        ),
        work=(replace(owner, items=(item,)),),
        decisions=(
            replace(planted.DECISIONS[0], label_fr=text("decision_reason"), label_en=text("decision_reason")),
        ),
        samples=(
            replace(
                planted.SAMPLES[0],
                before=text("value_before"),
                after=text("value_after"),
                place=text("sample_place"),
            ),
        ),
        steward_decisions=(
            replace(
                planted.STEWARDS[0],
                author=text("steward_author"),
                reason=text("steward_comment"),
                field_name=text("steward_field"),
            ),
        ),
        merges=(replace(planted.MERGES[0], evidence_code=text("evidence")),),
        reviews=(replace(planted.REVIEWS[0], kind=text("review_kind")),),
        id_changes=(replace(planted.ID_CHANGES[0], cause=text("id_change")),),
        history=History(
            tuple(
                replace(point, dimension=text("dimension"), published_as=text("publication"))
                for point in history.dimensions[::7]
            ),
            history.sources[:1],
        ),
        compliance=Compliance(
            (replace(planted.COMPLIANCE.counts[0], check_code=text("check_code")),),
            (replace(planted.COMPLIANCE.breaches[0], touch_key=text("touch_key"), profile=text("profile")),),
            1,
        ),
        reconciliation=(
            replace(planted.RECONCILIATION[1], cause_code=text("cause_code"), currency=text("currency")),
        ),
        controls=(control,),
        files=(replace(planted.FILES[0], file_path=text("file_name")),),
    )


def audit(payload: str) -> AuditInputs:
    """The sales audit's inputs with marker and payload in a field of every class."""

    def text(name: str) -> str:
        return marker(name) + payload

    kpi = replace(
        planted.KPIS[3],
        label_fr=text("kpi_label"),
        label_en=text("kpi_label"),
        definition_fr=text("kpi_definition"),
        definition_en=text("kpi_definition"),
        trust_rule_ids=(text("trust_rule"),),
    )
    return replace(
        planted.AUDIT,
        run=replace(planted.RUN, company=text("company")),
        kpis=(kpi,),
        segments=(replace(planted.AUDIT.segments[0], code=text("segment_label")),),
        stages=(replace(planted.AUDIT.stages[0], stage_code=text("stage")),),
    )


def cycle(payload: str) -> CycleInputs:
    """The inputs of the pages of a cycle with marker and payload in a field of every class."""

    def text(name: str) -> str:
        return marker(name) + payload

    base = planted_cycles.CYCLE
    whole, *others = base.lines
    return replace(
        base,
        audit=replace(base.audit, run=replace(base.audit.run, company=text("company"))),
        lines=(whole, *(replace(line, segment_code=text("segment_label")) for line in others[3:4])),
        accounts=tuple(replace(each, account_id=text("account")) for each in base.accounts[:1]),
        outliers=(replace(base.outliers[0], key=text("outlier"), reason_code=text("outlier_reason")),),
        thresholds=(replace(base.thresholds[1], rule=text("threshold_rule"), approved_by=text("approver")),),
        experiments=(replace(base.experiments[1], code=text("experiment")),),
        questions=(replace(base.questions[0], code=text("question"), answer=text("answer")),),
        steps=(replace(base.steps[0], code=text("step")),),
        note=replace(
            base.note,
            decision_sought=text("decision_sought"),
            business_story=text("story"),
            lessons=(text("lesson"),),
        ),
        policy=replace(base.policy, author=text("policy_author"), basis=text("policy_basis")),
        pipeline=_review(base.pipeline, text),
    )


def _review(base: PipelineReview, text: Callable[[str], str]) -> PipelineReview:
    segments = {"stage": "stage", "forecast_category": "forecast_category", "team": "team"}
    deal = replace(
        base.moved[0], opportunity_id=text("deal"), account_id=text("deal_account"), movement=text("movement")
    )
    return replace(
        base,
        movements=tuple(
            replace(row, segment=text(segments[row.kind])) if row.kind in segments else row
            for row in base.movements
            if row.kind == "all" or row.segment in ("proposal", "commit", "Paris")
        ),
        moved=(deal,),
    )
