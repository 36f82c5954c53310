"""A candidate warehouse with the few tables that the statistics step reads, and a company of sellers in it.

What does NOT belong here: what the step must say about it.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from tests.shipped_thresholds import shipped_thresholds

AS_OF = datetime(2026, 7, 1)
_TABLES = {
    "master.fct_opportunities": (
        "opportunity_id varchar, account_id varchar, lead_id varchar, rep_id varchar, opportunity_type_code varchar,"
        " stage_code varchar, size_band_code varchar, amount decimal(18,4), opened_at timestamp, closed_at timestamp,"
        " closed_on date, is_won boolean, is_lost boolean"
    ),
    "master.fct_opportunity_stages": (
        "opportunity_id varchar, stage_code varchar, stage_rank int, first_entered_at timestamp, n_source_rows bigint"
    ),
    "conforming.int_contact_refusals": (
        "person_id varchar, channel_code varchar, refused_at timestamp, ends_at timestamp, is_dispute boolean,"
        " is_of_flag boolean"
    ),
    "conforming.int_contact_exclusions": (
        "exclusion_id varchar, channel_code varchar, person_id varchar, account_id varchar, starts_at timestamp,"
        " ends_at timestamp"
    ),
    "master.fct_leads": (
        "lead_id varchar, channel_code varchar, converted_at timestamp, converted_on date,"
        " is_created_day_only boolean, is_converted_day_only boolean, lead_score decimal(18,4)"
    ),
    "master.fct_touches": (
        "account_id varchar, person_id varchar, lead_id varchar, occurred_at timestamp, is_effective boolean,"
        " channel_code varchar, direction_code varchar, source_stream_code varchar, source_key varchar"
    ),
    "master.dim_accounts": "account_id varchar, size_band_code varchar, is_strategic boolean",
    "master.dim_reps": "rep_id varchar, team_name varchar",
    "conforming.int_undated_refusals": "person_id varchar, is_mail_undated boolean, is_call_undated boolean",
    "metrics.fct_lead_cadences": (
        "lead_id varchar, channel_code varchar, size_band_code varchar, rep_id varchar, created_at timestamp,"
        " created_on date, is_dated boolean, is_matured boolean, is_converted_in_window boolean,"
        " n_effective_touches bigint, account_id varchar, ttf_status_code varchar, ttf_hours decimal(18,4),"
        " ttf_observed_hours decimal(18,4), ttf_business_hours decimal(18,4),"
        " ttf_business_observed_hours decimal(18,4), attempt_hours decimal(18,4),"
        " attempt_observed_hours decimal(18,4), first_touch_at timestamp, first_effective_at timestamp,"
        " mql_at timestamp, source_code varchar"
    ),
    "master.fct_email_sends": (
        "send_key varchar, person_id varchar, lead_id varchar, sent_at timestamp, is_delivered boolean,"
        " is_replied boolean, replied_at timestamp, is_complained boolean, complained_at timestamp"
    ),
    "metrics.fct_thresholds": (
        "threshold_key varchar, rule_code varchar, channel_code varchar, size_band_code varchar,"
        " threshold_value decimal(18,4), window_days int, origin_code varchar, threshold_version varchar,"
        " is_own boolean, valid_from date, valid_to date"
    ),
    "metrics.fct_email_send_days": (
        "sent_on date, n_sent bigint, n_delivered bigint, n_complained bigint, n_unsubscribed bigint,"
        " n_bounced_hard bigint, size_band_code varchar, sending_code varchar, complaint_max_rate decimal(18,10),"
        " worse_margin_rate decimal(18,10)"
    ),
    "master.fct_quotas": (
        "scope_code varchar, rep_id varchar, metric_code varchar, basis_code varchar, period_kind_code varchar,"
        " period_start date, target decimal(18,4)"
    ),
    "metrics.fct_revenue_lines": (
        "account_id varchar, invoiced_on date, net_amount_reporting decimal(18,4), is_recurring boolean"
    ),
    "metrics.fct_rep_months": (
        "rep_id varchar, team_name varchar, period_month date, is_selling boolean, is_employed boolean, n_won bigint,"
        " n_closed bigint, n_activities bigint"
    ),
    "metrics.fct_forecast_periods": (
        "period_month date, team_name varchar, is_judged boolean, unjudged_reason_code varchar, n_unconverted bigint"
    ),
    "metrics.fct_opportunity_snapshots": (
        "snapshot_on date, rep_id varchar, account_id varchar, opportunity_id varchar, expected_close_on date,"
        " forecast_category_code varchar, is_forecast_unconverted boolean, forecast_amount_reporting decimal(18,4)"
    ),
    "metrics.fct_opportunity_closings": (
        "opportunity_id varchar, rep_id varchar, account_id varchar, closed_on date, is_won boolean,"
        " is_unconverted boolean, amount_reporting decimal(18,4)"
    ),
    "master.bridge_strategic_accounts": "account_id varchar, record_key varchar, valid_from date, valid_to date",
    "metrics.fct_customer_starts": "start_quarter_on date, service_days bigint, is_lost boolean",
    "staging.stg_crm__opportunities": (
        "record_key varchar, source_instance varchar, source_record_id varchar"
    ),
    "staging.stg_crm__opportunity_events": (
        "record_key varchar, source_instance varchar, opportunity_id varchar, field varchar, changed_at timestamp,"
        " old_value varchar, new_value varchar, is_deleted boolean"
    ),
}  # fmt: skip


def open_warehouse(path: Path) -> duckdb.DuckDBPyConnection:
    """A new warehouse with empty tables, the default thresholds of the method apart."""
    con = duckdb.connect(str(path))
    for name, columns in _TABLES.items():
        con.execute(f"create schema if not exists {name.split('.')[0]}")
        con.execute(f"create table {name} ({columns})")
    for row in shipped_thresholds():
        add(
            con, "metrics.fct_thresholds", threshold_key="/".join(row.place), rule_code=row.rule_code,
            channel_code=row.channel_code, size_band_code=row.size_band_code, threshold_value=row.value,
            window_days=row.window_days, origin_code=row.origin_code, threshold_version=row.version, is_own=False,
        )  # fmt: skip
    return con


def add(con: duckdb.DuckDBPyConnection, table: str, **values: object) -> None:
    """One row; columns that are not named are null."""
    names = ", ".join(values)
    con.execute(
        f"insert into {table} ({names}) values ({', '.join('?' * len(values))})", list(values.values())
    )


def add_deal(
    con: duckdb.DuckDBPyConnection, name: str, opened: datetime, *, closed: datetime | None, won: bool
) -> None:
    """An opportunity of account a_<name> that enters the meeting ten days after it opened."""
    add(
        con, "master.fct_opportunities", opportunity_id=name, account_id=f"a_{name}", lead_id="unknown", rep_id="r1",
        opportunity_type_code="new", stage_code="meeting" if closed is None else "won" if won else "lost",
        size_band_code="mid", amount=500, opened_at=opened, closed_at=closed, closed_on=closed and closed.date(),
        is_won=closed is not None and won, is_lost=closed is not None and not won,
    )  # fmt: skip
    add(con, "staging.stg_crm__opportunities", record_key=name, source_instance="crm", source_record_id=name)
    add(
        con, "master.fct_opportunity_stages", opportunity_id=name, stage_code="meeting", stage_rank=3,
        first_entered_at=opened + timedelta(days=10), n_source_rows=1,
    )  # fmt: skip


def add_sellers(con: duckdb.DuckDBPyConnection, months: int = 12) -> None:
    """Five sellers in one team and one alone in another, twelve months each; the first wins most."""
    for place in range(6):
        for month in range(months):
            add(
                con, "metrics.fct_rep_months", rep_id=f"r{place}", team_name="Lyon" if place < 5 else "Paris",
                period_month=date(2025 + (month + 6) // 12, (month + 6) % 12 + 1, 1), is_selling=True,
                is_employed=True, n_won=9 if place == 0 else 2, n_closed=10, n_activities=40 + 2 * place,
            )  # fmt: skip
