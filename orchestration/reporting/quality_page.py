"""The data-quality report: its ten sections in their order.

What does not belong here: what a section says (sections/), HTML (templates).
"""

from __future__ import annotations

from expectations.owners import owner_name
from orchestration.reporting.figures import QualityInputs
from orchestration.reporting.formatting import Formats
from orchestration.reporting.privacy import masked
from orchestration.reporting.sections.accounts import accounts_section
from orchestration.reporting.sections.annex import annex_section
from orchestration.reporting.sections.compliance import compliance_section
from orchestration.reporting.sections.decisions import decisions_section
from orchestration.reporting.sections.impact import impact_section
from orchestration.reporting.sections.merges import merges_section
from orchestration.reporting.sections.reconciliation import reconciliation_section
from orchestration.reporting.sections.trends import trends_section
from orchestration.reporting.sections.verdict import quantity, rule_question, verdict_section
from orchestration.reporting.sections.worklist import worklist_section
from orchestration.reporting.wording import Wording

#: Section -> what fills its template `templates/quality/<section>.html.jinja`, in the order of the page.
SECTIONS = {
    "verdict": verdict_section,
    "accounts": accounts_section,
    "impact": impact_section,
    "worklist": worklist_section,
    "decisions": decisions_section,
    "merges": merges_section,
    "trends": trends_section,
    "compliance": compliance_section,
    "reconciliation": reconciliation_section,
    "annex": annex_section,
}


def quality_context(inputs: QualityInputs, t: Wording, f: Formats) -> dict[str, object]:
    """Everything the template `data_quality.html.jinja` reads."""
    return {
        "run": inputs.run,
        "sections": {name: fill(inputs, t, f) for name, fill in SECTIONS.items()},
        "quantity": lambda value: quantity(value, f),
        "question": lambda rule: rule_question(rule, t),
        "detail": lambda rule: t.pick(rule.detail_fr, rule.detail, rule.detail),
        "owner": lambda code: owner_name(code, t.language),
        "masked": masked,
    }
