"""A small published file with two teams, and the record of what is live. What does NOT belong here: roles."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
from planted_candidate import COMPANY_YML

from orchestration.publication.files import file_sha256

#: Names that stand in the published file and must stand in no file of a role that may not read them.
NORTH_REP, SOUTH_REP, NOBODY = "crm/crm_user/north0001", "crm/crm_user/south0002", "unknown"
SOUTH_LEAD, NORTH_LEAD, SOUTH_TEAM, NOTE = (
    "lea_south_7777",
    "lea_north_1111",
    "Southern sellers",
    "Hours that nobody else knows",
)

_TABLES = f"""
create table dim_publication (publication_id varchar primary key, is_current boolean, cycle varchar, company varchar,
  verdict varchar, reporting_currency varchar);
insert into dim_publication values ('PUBLICATION', true, '2026-06', 'planted', 'publish', 'EUR');
create table dim_metric (metric_name varchar primary key, label varchar);
insert into dim_metric values ('cr', 'Conversion rate');
create table dim_rep_versions (rep_version_key varchar primary key, rep_id varchar, team_name varchar,
  is_current boolean);
insert into dim_rep_versions values ('n1', '{NORTH_REP}', 'North', true), ('s0', '{SOUTH_REP}', 'North', false),
  ('s1', '{SOUTH_REP}', '{SOUTH_TEAM}', true), ('u', '{NOBODY}', 'North', true);
create table mart_sales_late_contacts_cycle (lead_id varchar primary key, rep_id varchar, hours_late decimal(18,4));
insert into mart_sales_late_contacts_cycle values
  ('{NORTH_LEAD}', '{NORTH_REP}', 1), ('{SOUTH_LEAD}', '{SOUTH_REP}', 2),
  ('lea_nobody_0', '{NOBODY}', 3);
comment on column mart_sales_late_contacts_cycle.hours_late is '{NOTE}';
create table mart_sales_forecast_month (period_month date, segment_kind_code varchar, segment_code varchar,
  won decimal(18,4),  primary key (period_month, segment_kind_code, segment_code));
insert into mart_sales_forecast_month values
  ('2026-06-01', 'all', 'all', 98765.4321), ('2026-06-01', 'team', 'North', 1),
  ('2026-06-01', 'team', '{SOUTH_TEAM}', 2),
  ('2026-06-01', 'rep', '{NORTH_REP}', 3), ('2026-06-01', 'channel', 'inbound', 4);
create table mart_sales_ttf_cycle (period_code varchar primary key, hours decimal(18,4));
insert into mart_sales_ttf_cycle values ('month', 5);
create table mart_finance_revenue_month (period_month date primary key, revenue_amount decimal(18,4));
insert into mart_finance_revenue_month values ('2026-06-01', 1000);
create table dim_accounts (account_id varchar primary key, owner_rep_id varchar, account_name varchar);
insert into dim_accounts values ('acc_n', '{NORTH_REP}', 'Northern Star'), ('acc_s', '{SOUTH_REP}', 'Southern Cross');
create table fct_quotas (quota_key varchar primary key, rep_id varchar, team_name varchar, target decimal(18,4));
insert into fct_quotas values
  ('q_n', '{NORTH_REP}', 'North', 1), ('q_s', '{SOUTH_REP}', '{SOUTH_TEAM}', 2),
  ('q_team_n', '{NOBODY}', 'North', 3), ('q_team_s', '{NOBODY}', '{SOUTH_TEAM}', 4), ('q_none', '{NOBODY}', null, 5),
  ('q_moved', '{SOUTH_REP}', 'North', 6);
create table mart_sales_reps_month (period_month date, team_name varchar, won decimal(18,4),
  primary key (period_month, team_name));
insert into mart_sales_reps_month values ('2026-06-01', 'North', 1), ('2026-06-01', '{SOUTH_TEAM}', 2);
"""


def publish(company: Path, publication_id: str = "2026-06-0a1b2c3d4e5f", *statements: str) -> Path:
    """Write company.yml, the published file and the record of it; returns the file."""
    (company / "company.yml").write_text(COMPANY_YML)
    published = company / "published"
    published.mkdir(exist_ok=True)
    marts = published / "marts.duckdb"
    marts.unlink(missing_ok=True)
    with duckdb.connect(str(marts)) as con:
        for statement in (_TABLES.replace("PUBLICATION", publication_id), *statements):
            con.execute(statement)
    record = {"publication_id": publication_id, "marts_sha256": file_sha256(marts), "rolled_back_from": None}
    (published / "current.json").write_text(json.dumps(record))
    return marts
