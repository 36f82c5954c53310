"""The list of the reports of a folder, each with its languages and forms.

What does not belong here: the reports.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from orchestration.reporting.figures import RunFacts
from orchestration.reporting.formatting import LANGUAGES
from orchestration.reporting.wording import Wording

#: Page -> in the order of a reader: what is decided, what stands behind, what words mean.
PAGES = (
    *("sales_audit", "decision", "monthly_note", "contact_charter", "standup", "pipeline_review"),
    *("cycle_note", "sales_audit_detail", "data_quality", "glossary"),
)
FORMS = ("html", "pdf", "xlsx")


def index_context(run: RunFacts, present: Collection[str], t: Wording) -> dict[str, Any]:
    """Everything the template `cycle/index.html.jinja` reads. present: names of the files of the folder."""
    entries = []
    for name in PAGES:
        links = [
            (f"{name}.{language}.{form}", t(f"cycle.index.{form}"), language)
            for language in LANGUAGES
            for form in FORMS
            if f"{name}.{language}.{form}" in present
        ]
        if links:
            entries.append((t(f"cycle.page.{name}"), t(f"cycle.index.about.{name}"), links))
    return {"run": run, "entries": entries, "other": "en" if t.language == "fr" else "fr"}
