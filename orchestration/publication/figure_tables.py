"""The two published tables of the history of figures: kpi_bridge and kpi_restatements.

What does NOT belong here: filling them (orchestration.bridge).
"""

from __future__ import annotations

from orchestration.publication.tables import Column, Table

KPI_BRIDGE = Table(
    "kpi_bridge",
    "",
    "One row per metric, past month and cause for which its figure differs from the one published before.",
    ("metric_name", "period_month", "step_order"),
    (
        Column("metric_name", "Name in the semantic layer."),
        Column("period_month", "First day of the month; months that the former publication gave."),
        Column("from_publication_id", "The publication compared with."),
        Column("to_publication_id", "The publication these tables belong to."),
        Column(
            "cause_code",
            "definition_change, currency, cleaning_decision, merge, correction, late_data, new_data, elapsed_time or"
            " not_separable.",
        ),
        Column("step_order", "Order in which the causes are applied, 1 to 9."),
        Column("value_before", "Figure before this cause; of the first one the figure published before."),
        Column("value_after", "Figure after this cause; of the last one the figure published now."),
        Column(
            "effect", "value_after - value_before; null where one of the two publications gives no figure."
        ),
        Column("n_units", "Units of the metric that changed for this cause; null where no rows were kept."),
    ),
)
KPI_RESTATEMENTS = Table(
    "kpi_restatements",
    "",
    "One row per metric and month: the figure as first published, as last published, and now.",
    ("metric_name", "period_month"),
    (
        Column("metric_name", "Name in the semantic layer."),
        Column("period_month", "First day of the month."),
        Column("unit_code", "count, rate, hours, days, touches or money."),
        Column(
            "value_as_first_published",
            "Of the first publication of the month's own cycle, else the first one.",
        ),
        Column("first_publication_id", "The publication that gave it."),
        Column("is_of_own_cycle", "The first publication was made for this very month."),
        Column("value_as_last_published", "Of the publication before this one; null when it gave none."),
        Column(
            "last_publication_id", "The publication before this one; null for the first one of the company."
        ),
        Column("value_restated", "Of this publication."),
        Column("n_publications", "Publications up to this one that gave the month."),
        Column("n_changes", "How often one of them gave another figure than the one before it."),
    ),
)
