"""The reports and their glossary as HTML text, from planted or loaded inputs.

One Jinja2 environment that escapes everything. The only markup that enters a page unescaped is this folder's
stylesheet and the SVG that charts.py serialised; no template uses a raw filter. What does not belong here:
reading (inputs.py), files (publishing.py), the choice of figures (quality_page.py, audit_page.py, glossary_page.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from orchestration.dictionary import Metric, dictionary
from orchestration.dictionary.unavailable import Unavailable, unavailable
from orchestration.reporting.audit_page import audit_context
from orchestration.reporting.charter_page import charter_context
from orchestration.reporting.cycle_figures import CycleInputs
from orchestration.reporting.cycle_inputs import CycleNote
from orchestration.reporting.cycle_page import cycle_context
from orchestration.reporting.dashboard_page import dashboard_context
from orchestration.reporting.decision_page import decision_context
from orchestration.reporting.figures import AuditInputs, QualityInputs, RunFacts
from orchestration.reporting.formatting import Formats
from orchestration.reporting.glossary_page import glossary_context
from orchestration.reporting.index_page import index_context
from orchestration.reporting.note_page import note_context
from orchestration.reporting.pipeline_page import pipeline_context
from orchestration.reporting.quality_page import quality_context
from orchestration.reporting.standup_page import standup_context
from orchestration.reporting.wording import Wording

_FOLDER = Path(__file__).parent


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["style"] = _own_markup((_FOLDER / "report.css").read_text(encoding="utf-8"))
    environment.globals["cycle_style"] = _own_markup((_FOLDER / "cycle.css").read_text(encoding="utf-8"))
    environment.globals["drawing"] = _own_markup
    return environment


def _own_markup(text: str) -> Markup:
    """Marks text that this folder wrote itself: its stylesheet, and drawings of charts.py."""
    return Markup(text)  # noqa: S704


def _render(template: str, language: str, context: dict) -> str:
    page = _environment().get_template(template)
    return page.render(language=language, t=Wording(language), f=Formats(language), **context)


def render_data_quality(inputs: QualityInputs, language: str) -> str:
    """The data-quality report of a run in 'fr' or 'en': one HTML file that needs nothing else."""
    context = quality_context(inputs, Wording(language), Formats(language))
    return _render("data_quality.html.jinja", language, context)


def render_sales_audit(inputs: CycleInputs, language: str) -> str:
    """The one-page sales audit of a cycle in 'fr' or 'en': one HTML file, one A4 page in landscape."""
    context = dashboard_context(inputs, Wording(language), Formats(language))
    return _render("sales_audit.html.jinja", language, context)


def render_sales_audit_detail(inputs: AuditInputs, language: str) -> str:
    """The page behind the sales audit in 'fr' or 'en': every indicator, revenue, stages, complaints, definitions."""
    context = audit_context(inputs, Wording(language), Formats(language))
    return _render("sales_audit_detail.html.jinja", language, context)


def _document(context_of: Callable[..., dict], inputs: CycleInputs, language: str) -> str:
    context = context_of(inputs, Wording(language), Formats(language))
    return _render("cycle/document.html.jinja", language, context)


def render_decision(inputs: CycleInputs, language: str) -> str:
    """The decision page of a cycle in 'fr' or 'en': one HTML file, one A4 page upright."""
    return _document(decision_context, inputs, language)


def render_contact_charter(inputs: CycleInputs, language: str) -> str:
    """The contact charter of a cycle in 'fr' or 'en': one HTML file, one A4 page upright."""
    return _document(charter_context, inputs, language)


def render_monthly_note(inputs: CycleInputs, language: str) -> str:
    """The monthly note of a cycle in 'fr' or 'en': one HTML file, one A4 page upright."""
    return _document(note_context, inputs, language)


def render_standup(inputs: CycleInputs, language: str) -> str:
    """The agenda of the audit stand-up in 'fr' or 'en': one HTML file, one A4 page upright."""
    return _document(standup_context, inputs, language)


def render_pipeline_review(inputs: CycleInputs, language: str) -> str:
    """The weekly review of the pipeline in 'fr' or 'en': one HTML file, A4 upright."""
    return _document(pipeline_context, inputs, language)


def render_index(run: RunFacts, present: Collection[str], language: str) -> str:
    """The page that links the reports of a folder. present: names of its files."""
    return _render("cycle/index.html.jinja", language, index_context(run, present, Wording(language)))


#: Page of a cycle -> what renders it; file names are `<page>.<language>.html`.
CYCLE_PAGES: Mapping[str, Callable[[CycleInputs, str], str]] = {
    "sales_audit": render_sales_audit,
    "sales_audit_detail": lambda inputs, language: render_sales_audit_detail(inputs.audit, language),
    "decision": render_decision,
    "contact_charter": render_contact_charter,
    "monthly_note": render_monthly_note,
    "standup": render_standup,
    "pipeline_review": render_pipeline_review,
}


def render_glossary(
    run: RunFacts,
    language: str,
    metrics: Mapping[str, Metric] | None = None,
    absent: Mapping[str, Unavailable] | None = None,
) -> str:
    """The glossary of metrics in 'fr' or 'en': one HTML file beside the reports of a run.

    metrics, absent: the tree's own unless given.
    """
    given = (dictionary() if metrics is None else metrics, unavailable() if absent is None else absent)
    context = glossary_context(run, *given, Wording(language), Formats(language))
    return _render("glossary.html.jinja", language, context)


def render_cycle_note(inputs: CycleNote, language: str) -> str:
    """The framing note of a cycle in 'fr' or 'en': one HTML file beside the reports of a run."""
    context = cycle_context(inputs, Wording(language), Formats(language))
    return _render("cycle_note.html.jinja", language, context)
