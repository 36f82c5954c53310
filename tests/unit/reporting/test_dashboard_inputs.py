"""What the pages of a cycle read from a warehouse: each block from its mart, and nothing where the mart is not built."""

# ruff: noqa: E501 - planted tables read as tables

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from test_report_inputs import plant

from ingest.company import Company
from orchestration.reporting import render_reports
from orchestration.reporting.dashboard_inputs import load_cycle_inputs
from orchestration.reporting.workbook import LeadRow, lead_rows

D = Decimal
_LINE = """
    select 'half_year' as period_code, date '2025-12-01' as period_start, date '2026-06-01' as period_end, design as design_code,
        kind as segment_kind_code, segment as segment_code, n::bigint as n_leads, k::bigint as n_converted, 0::bigint as n_converted_before, 0::bigint as n_refused_before, 0::bigint as n_excluded,
        0::bigint as n_immature, 1.5::decimal(18, 10) as touches_mean, 0.4::decimal(18, 10) as conversion_rate, r::decimal(18, 10) as r,
        0.1::decimal(18, 10) as slope, case when design <> 'naive' then 'amber' end as colour_code, 'no_experiment' as colour_reason_codes, null as colour_flag_codes,
        null::decimal(18, 10) as r_low, null::decimal(18, 10) as r_high, null as line_reason_code
    from (values ('landmark_5', 'all', 'all', 6, 2, 0.3), ('landmark_5', 'size_band', 'enterprise', 2, 1, null), ('landmark_5', 'size_band', 'smb', 4, 1, null),
        ('landmark_5', 'channel', 'outbound', 6, 2, null), ('naive', 'all', 'all', 6, 2, 0.6), ('landmark_5', 'rep', 'rep_1', 6, 2, null)) t (design, kind, segment, n, k, r)"""
MARTS = {
    "marts.mart_sales_touch_lines_cycle": _LINE,
    "marts.mart_sales_touch_points_cycle": """
        select 'half_year' as period_code, 'landmark_5' as design_code, 'all' as segment_kind_code, 'all' as segment_code, x::bigint as n_touches,
            n::bigint as n_leads, k::bigint as n_converted from (values (2, 3, 2), (1, 3, 0)) t (x, n, k)""",
    "marts.mart_sales_leads_month": """
        select m as period_month, 'all' as segment_kind_code, i::bigint as n_immature, 40::bigint as n_matured, v::decimal(18, 6) as touches_median,
            1::decimal(18, 6) as touches_first_quartile, 5::decimal(18, 6) as touches_third_quartile, null as touches_reason_code
        from (values (date '2026-06-01', 9, 2.0), (date '2026-05-01', 0, 3.0), (date '2026-04-01', 0, 4.0)) t (m, i, v)""",
    "marts.mart_sales_ttf_buckets_cycle": """
        select 'half_year' as period_code, 'all' as segment_kind_code, 'all' as segment_code, b as bucket_code, r::bigint as bucket_rank, u::decimal(18, 10) as until_hours,
            n::bigint as n_leads, 1::bigint as n_converted, 0.1::decimal(18, 10) as conversion_rate, null::decimal(18, 10) as conversion_low, null::decimal(18, 10) as conversion_high
        from (values ('later', 2, null, 5), ('within_1h', 1, 1, 10), ('within_2h', 3, 2, 0)) t (b, r, u, n)""",
    "marts.mart_sales_ttf_cycle": """
        select p as period_code, 'all' as segment_kind_code, 'all' as segment_code, 9::bigint as n_leads, 3::decimal(18, 10) as ttf_hours_median,
            null::decimal(18, 10) as ttf_hours_low, null::decimal(18, 10) as ttf_hours_high, 2::decimal(18, 10) as target_hours_min, 24::decimal(18, 10) as target_hours_max,
            9::bigint as n_target_due, 0.5::decimal(18, 10) as target_met_rate from (values ('month'), ('half_year')) t (p)""",
    "marts.mart_accounts_quadrants_cycle": """
        select a as account_id, q as quadrant_code, q as recurring_quadrant_code, r::bigint as list_rank, 2::decimal(18, 10) as touches_per_lead,
            0::decimal(18, 10) as conversion_rate, 3::bigint as n_leads from (values ('acc_2', 'q3', 2), ('acc_1', 'q3', 1), ('acc_9', 'q1', null)) t (a, q, r)""",
    "marts.mart_sales_top_outliers_cycle": """
        select 1::bigint as top_rank, 'touches_per_lead' as metric_code, 'lea_1' as record_key, 38::decimal(18, 4) as metric_value, 'risk' as class_code,
            'opt_out' as reason_code, 'propose_exclusion' as action_code""",
    "marts.mart_revops_guard_rails_week": """
        select w as iso_week_start_on, 'complaint' as rail_code, c as is_complete, 1000::bigint as n_trials, 3::bigint as n_events, 0.003::decimal(18, 10) as event_rate,
            0.007::decimal(18, 10) as rate_upper, 0.002::decimal(18, 10) as bar_rate, 'breach' as status_code, 'review_content_and_lower_cap' as action_code,
            'worse' as change_status_code
        from (values (date '2026-06-22', true), (date '2026-06-29', false), (date '2026-03-30', true), (date '2025-12-01', true)) t (w, c)""",
    "marts.mart_sales_thresholds_cycle": """
        select k as segment_kind_code, s as segment_code, rule as rule_code, is_action, 10::bigint as window_days, held::decimal(18, 4) as in_force_value,
            'human' as in_force_origin_code, 'v2' as in_force_version, date '2026-04-01' as in_force_from, 5::decimal(18, 4) as proposed_value,
            null::decimal(18, 4) as data_low, null::decimal(18, 4) as data_high, 9::bigint as n_units, 'coverage' as method_code, null as reason_code, d as decision_code
        from (values ('channel_size', 'inbound/smb', 'max_touches', true, 8, 'keep'), ('channel_size', 'inbound/smb', 'min_touches', true, 4, 'change'),
            ('all', 'all', 'ttf_max_hours', true, 24, 'keep'), ('all', 'all', 'coverage_rate', false, 0.9, 'keep'), ('channel', 'partner', 'min_touches', true, null, 'none'),
            ('channel', 'partner', 'ttf_max_hours', true, 24, 'keep'), ('channel_size', 'inbound/mid', 'ttf_max_hours', true, 24, 'keep'))
            t (k, s, rule, is_action, held, d)""",
    "marts.mart_sales_experiments_cycle": """
        select 'ttf_2h' as experiment_code, 'finished' as status_code, 'green' as colour_code, 'bar_met' as reason_codes, 'power_under_80' as flag_codes,
            2.4::decimal(18, 10) as delta_points, 0.6::decimal(18, 10) as delta_low_points, 4.2::decimal(18, 10) as delta_high_points, 200::bigint as n_test_leads,
            210::bigint as n_control_leads, date '2026-05-01' as start_on, date '2026-05-28' as end_on""",
    "marts.mart_management_steps_cycle": """
        select n::bigint as step_order, code as step_code, status as status_code, date '2026-07-06' as due_on, 'revops' as owner_role_code
        from (values (1, 'frame', 'done'), (6, 'decide', 'open'), (7, 'experiment', 'open')) t (n, code, status)""",
    "marts.mart_management_express_questions_cycle": """
        select 1::bigint as question_number, 'ttf_in_target' as question_code, 'yes' as answer_code, 0.5::decimal(18, 10) as answer_value,
            null::decimal(18, 10) as value_low, null::decimal(18, 10) as value_high, 9::bigint as n_units, null as reason_code""",
    "marts.mart_sales_touch_quality_cycle": """
        select 'half_year' as period_code, 'all' as segment_kind_code, 'all' as segment_code, c as touch_channel_code, 9::bigint as n_touches,
            0.02::decimal(18, 10) as answer_rate, 0.1::decimal(18, 10) as meetings_per_touch from (values ('email'), ('all')) t (c)""",
    # Six leads of the half year: the last four converted by day, in the landmark, after it, or not matured.
    "metrics.fct_lead_cadences": """
        select id as lead_id, 'inbound' as channel_code, 'smb' as size_band_code, created as created_at, created::date as created_on, is_matured, true as is_dated,
            is_converted as is_converted_in_window, 'acc_1' as account_id, 'r1' as rep_id, 0::bigint as n_effective_touches
        from (values ('lea_1', timestamp '2026-03-01 10:00', true, false), ('lea_2', timestamp '2026-03-01 10:00', true, true), ('lea_3', timestamp '2026-03-01 10:00', true, true),
            ('lea_4', timestamp '2026-03-01 10:00', true, true), ('lea_7', timestamp '2026-03-01 10:00', true, false), ('lea_8', timestamp '2026-03-01 10:00', true, false), ('lea_5', timestamp '2026-06-01 00:00', true, false), ('lea_6', timestamp '2026-03-01 10:00', false, false))
            t (id, created, is_matured, is_converted)""",
    "master.fct_leads": """
        select id as lead_id, converted::timestamp as converted_at, converted::date as converted_on, date '2026-03-01' as created_on, false as is_created_day_only,
            by_day as is_converted_day_only
        from (values ('lea_1', null, false), ('lea_2', '2026-03-06 10:00', false), ('lea_3', '2026-03-06 09:59', false), ('lea_4', '2026-03-06', true), ('lea_5', null, false),
            ('lea_6', null, false), ('lea_7', null, false), ('lea_8', null, false)) t (id, converted, by_day)""",
    "master.fct_touches": """
        select 'lea_1' as lead_id, is_effective, moment as occurred_at, 'email' as channel_code, 'outbound' as direction_code,
            'email' as source_stream_code, 'm' as source_key from (values (true, timestamp '2026-03-01 10:00'), (true, timestamp '2026-03-06 09:59'),
            (true, timestamp '2026-03-06 10:00'), (false, timestamp '2026-03-02 10:00'), (true, timestamp '2026-03-01 09:00')) t (is_effective, moment)""",
    "master.fct_email_sends": "select 's' as send_key, false as is_replied, null::timestamp as replied_at",
    "master.dim_reps": "select 'r1' as rep_id, 'Paris' as team_name",
    "conforming.int_contact_refusals": """
        select p as person_id, 'email' as channel_code, false as is_of_flag, begun as refused_at, ended::timestamp as ends_at from (values ('per_1', timestamp '2026-03-06 10:00', null),
            ('per_2', timestamp '2026-03-02 10:00', timestamp '2026-03-04 10:00'), ('per_7', timestamp '2026-03-06 09:59', null)) t (p, begun, ended)""",
    "conforming.int_undated_refusals": "select 'per_of_nobody' as person_id, true as is_mail_undated, false as is_call_undated",
    "conforming.int_contact_exclusions": """
        select p as person_id, null::varchar as account_id, begun as starts_at, ended::timestamp as ends_at from (values ('per_8', timestamp '2026-03-05 23:00', null),
            ('per_1', timestamp '2026-03-06 10:00', null), ('per_2', timestamp '2026-02-01', timestamp '2026-03-01 10:00')) t (p, begun, ended)""",
}


@pytest.fixture(scope="module")
def company(tmp_path_factory) -> Company:
    made = plant(tmp_path_factory.mktemp("company"))
    (made.work / "run" / "thresholds.json").write_text(
        '[{"rule_code": "min_touches", "version": "v2", "approved_by": "VP Sales"}]', encoding="utf-8"
    )
    with duckdb.connect(str(made.work / "warehouse.duckdb")) as connection:
        for name, query in MARTS.items():
            connection.execute(f"create schema if not exists {name.split('.')[0]}")
            connection.execute(f"create table {name} as {query}")
    return made


@pytest.fixture(scope="module")
def inputs(company):
    return load_cycle_inputs(company)


def test_lines_come_with_their_points_in_reading_order_without_sellers(inputs):
    assert [(line.segment_kind_code, line.segment_code) for line in inputs.segments()] == [
        ("channel", "outbound"),
        ("size_band", "smb"),
        ("size_band", "enterprise"),
    ]
    assert {line.segment_kind_code for line in inputs.lines} == {"all", "channel", "size_band"}
    assert [point.n_touches for point in inputs.line().points] == [1, 2]
    assert (inputs.line().r, inputs.line("naive").r) == (D("0.3"), D("0.6"))
    assert (inputs.line_first_day, inputs.line_end_day) == (date(2025, 12, 1), date(2026, 6, 1))


def test_touches_are_those_of_the_last_month_whose_windows_are_over(inputs):
    assert len(inputs.spread) == 13
    assert [(month.period, month.median) for month in inputs.spread[-2:]] == [("2026-04", 4), ("2026-05", 3)]
    assert inputs.spread[0].reason_code == "no_source_rows"


def test_delays_and_answers_leave_out_what_has_no_lead(inputs):
    assert [each.code for each in inputs.buckets] == ["within_1h", "later"]
    assert inputs.response(period="month").target_max == 24 and inputs.response().median == 3
    assert [each.channel for each in inputs.quality] == ["all", "email"]


def test_accounts_are_those_of_the_lists_in_their_order(inputs):
    assert [(each.account_id, each.quadrant, each.rank) for each in inputs.accounts] == [
        ("acc_1", "Q3", 1),
        ("acc_2", "Q3", 2),
    ]


def test_rails_are_the_whole_weeks_of_the_last_quarter(inputs):
    assert [each.week_start_on for each in inputs.rails] == [date(2026, 6, 22)], (
        "another week is cut by the cycle's end, and two are too old"
    )
    assert (inputs.rails[0].status, inputs.rails[0].change) == ("breach", "worse")


def test_thresholds_are_those_people_keep_to_by_segment_with_who_approved(inputs):
    assert [(each.segment, each.rule, each.value) for each in inputs.thresholds] == [
        ("all", "ttf_max_hours", 24),
        ("inbound/smb", "min_touches", 4),
        ("inbound/smb", "max_touches", 8),
    ]
    assert [(each.is_change, each.approved_by) for each in inputs.thresholds[1:]] == [
        (True, "VP Sales"),
        (False, None),
    ]


def test_a_threshold_that_a_wider_segment_says_already_is_shown_once(inputs):
    assert [each.segment for each in inputs.thresholds if each.rule == "ttf_max_hours"] == ["all"]


def test_a_gain_in_points_is_read_as_a_share(inputs):
    (experiment,) = inputs.experiments
    assert (experiment.delta, experiment.low, experiment.n_leads) == (D("0.024"), D("0.006"), 410)
    assert (experiment.reasons, experiment.flags) == (("bar_met",), ("power_under_80",))


def test_steps_questions_outliers_and_the_policy_in_force(inputs):
    assert (inputs.steps[0].code, inputs.questions[0].answer, inputs.outliers[0].key) == (
        "frame",
        "yes",
        "lea_1",
    )
    assert inputs.policy.values["cool_down_touches"] == 5
    assert inputs.note is None


@pytest.mark.audit("PB9", "FR10")
def test_a_page_tells_what_people_did_after_the_month_and_the_mart_does_not(company, inputs):
    assert [(each.code, each.state) for each in inputs.steps] == [
        ("frame", "done"), ("decide", "open"), ("experiment", "open"),
    ]  # fmt: skip
    path = company.root / "thresholds.yml"
    path.write_text("thresholds: [{rule_code: min_touches, valid_from: 2026-07-01}]\n", encoding="utf-8")
    try:
        now = load_cycle_inputs(company).steps
    finally:
        path.unlink()
    assert [each.state for each in now] == ["done", "done", "open"]


@pytest.mark.audit("VI9")
def test_the_exported_leads_are_those_of_the_landmark(company, inputs):
    """Touches from creation on and before day 5; converted at the landmark or later, by day after day 5; matured.

    Of the refusals one comes at the landmark itself, one is over by then, and one still stands: that lead is out. Of the
    entries of the exclusion list one begins at the landmark, one ends with the creation; the third takes its lead out.
    """
    assert lead_rows(company, inputs) == [
        LeadRow("lea_1", "inbound", "smb", 2, 0),
        LeadRow("lea_2", "inbound", "smb", 0, 1),
    ]


def test_a_block_without_its_mart_is_none_and_the_page_is_written(tmp_path: Path):
    bare = plant(tmp_path)
    inputs = load_cycle_inputs(bare)
    for name in (
        "buckets",
        "responses",
        "accounts",
        "outliers",
        "rails",
        "thresholds",
        "experiments",
        "steps",
        "questions",
        "quality",
    ):
        assert getattr(inputs, name) is None
    assert inputs.lines == () and lead_rows(bare, inputs) is None
    names = {path.name for path in render_reports(bare, "run-1")}
    assert "sales_audit.fr.html" in names and "sales_audit.fr.xlsx" not in names


def test_the_whole_set_is_written_and_linked(company):
    names = {path.name for path in render_reports(company, "run-1")}
    page = (company.published / "reports" / "latest" / "index.fr.html").read_text(encoding="utf-8")
    assert {name for name in names if f'href="{name}"' not in page} == {"index.fr.html"}
    assert (company.published / "reports" / "run-1" / "sales_audit.en.xlsx").read_bytes().startswith(b"PK")


def test_a_page_written_again_takes_its_print_away(company):
    render_reports(company, "run-1", names=("decision",))
    printed = company.published / "reports" / "latest" / "decision.fr.pdf"
    printed.write_bytes(b"%PDF-")
    render_reports(company, "run-1", names=("sales_audit",))
    assert printed.is_file()
    render_reports(company, "run-1", names=("decision",))
    assert not printed.exists()
