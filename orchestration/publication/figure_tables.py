"""The published tables of the history of figures: kpi_bridge, kpi_segment_bridge and kpi_restatements.

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
KPI_SEGMENT_BRIDGE = Table(
    "kpi_segment_bridge",
    "",
    "One row per metric, past month, segment, part, cause and movement for which the part differs from what was"
    " published before. The segments of a kind add up to the whole.",
    (
        "metric_name",
        "period_month",
        "segment_kind_code",
        "segment_code",
        "part_code",
        "step_order",
        "movement_code",
    ),
    (
        Column("metric_name", "Name in the semantic layer."),
        Column("period_month", "First day of the month; months that the former publication gave."),
        Column(
            "segment_kind_code", "What the segments are of, as in mart_management_kpis_month; all: the whole."
        ),
        Column("segment_code", "The segment; all for the whole."),
        Column(
            "part_code",
            "value of a count or sum; numerator or denominator of a rate. Medians have no part that adds up.",
        ),
        Column("from_publication_id", "The publication compared with."),
        Column("to_publication_id", "The publication these tables belong to."),
        Column("cause_code", "As in kpi_bridge."),
        Column(
            "movement_code",
            "within: changed in this segment; migration_in, migration_out: units that came from another segment or left"
            " for one, with what they counted before. Migrations of a kind cancel out.",
        ),
        Column("step_order", "Order in which the causes are applied, 1 to 9; movements by their code."),
        Column("value_before", "Part before this row; of the first one what was published before."),
        Column("value_after", "Part after this row; of the last one what is published now."),
        Column(
            "effect", "value_after - value_before; null where one of the two publications gives no figure."
        ),
        Column("n_units", "Units whose own share is another one; null where the difference is undivided."),
        Column(
            "reason_code",
            "Why a difference is undivided: evidence_not_kept, segments_not_kept (by a publication of an earlier"
            " version), rows_give_another_figure; null otherwise.",
        ),
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
        Column("value_restated", "Of this publication; null also where it tells the month no longer."),
        Column("n_publications", "Publications up to this one that told the month."),
        Column("n_changes", "How often one of them gave another figure than the one before it."),
    ),
)
