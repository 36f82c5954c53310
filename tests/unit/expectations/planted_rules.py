"""A small warehouse in which every rule passes, and one bad row per rule and table.

Column types follow the naming law (docs/conventions.md), so a rule on a column that breaks the law fails
here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.contract import load_contracts

Row = dict[str, Any]

MONTH = "2026-06-01"
NEXT = "2026-07-01"
IN_JUNE = "2026-06-10 09:00:00"
LATER = "2026-06-12 09:00:00"
EARLIER = "2026-06-01 09:00:00"


def staged(contract: str, identifier: str, **values: Any) -> Row:
    return {
        "source_instance": "one",
        "record_key": f"one/{contract}/{identifier}",
        "source_record_id": identifier,
        "_delivery_id": "0123456789ab",
        "_source_row_id": 7,
        "_record_part": 0,
        "is_deleted": False,
        **values,
    }


LEAD = {
    "email": "a@b.example",
    "phone": None,
    "mobile": None,
    "status": "converted",
    "is_converted": True,
    "created_at": IN_JUNE,
    "converted_at": LATER,
}
OPPORTUNITY = {
    "status": "won",
    "created_at": IN_JUNE,
    "closed_at": LATER,
    "amount": 100,
    "account_id": "a1",
    "owner_id": "u1",
}
CALL = {
    "direction": "outbound",
    "talk_s": 5,
    "duration_s": 10,
    "external_phone": "+33600000000",
    "agent_key": "201",
    "started_at": IN_JUNE,
}
MRR = {
    "opening_mrr": 100,
    "new_mrr": 0,
    "reactivation_mrr": 0,
    "expansion_mrr": 10,
    "contraction_mrr": 0,
    "churn_mrr": 0,
    "closing_mrr": 110,
}
SUBSCRIPTION = {
    "customer_id": "k1",
    "product_id": "p1",
    "billing_period_months": 12,
    "status": "active",
    "started_on": "2026-01-01",
    "ended_on": None,
    "is_test": False,
}
QUOTA = {
    "owner_id": "u1",
    "owner_email": None,
    "team_name": None,
    "metric": "revenue",
    "currency": "EUR",
    "target": 10,
}
USAGE = {"account_id": "a1", "customer_id": None, "subscription_id": None, "person_key": None, "email": None}
SEGMENT = {"segment_kind_code": "all", "segment_code": "all"}
SENDS = {"iso_week_start_on": "2026-06-08", "complaint_rate": "0.001"}
IN_GROUP = {"account_id": "acc_1", "kind_code": "legal", "valid_from": MONTH}

GOOD: dict[str, list[Row]] = {
    "staging.stg_crm__users": [staged("crm_user", "u1", phone_extension="201")],
    "staging.stg_crm__accounts": [
        staged(
            "crm_account",
            "a1",
            registration_number="552 081 317",
            country_code="FR",
            created_at=EARLIER,
            modified_at=IN_JUNE,
        )
    ],
    "staging.stg_crm__contacts": [staged("crm_contact", "c1", account_id="a1")],
    "staging.stg_crm__leads": [staged("crm_lead", "l1", owner_id="u1", **LEAD)],
    "staging.stg_crm__opportunities": [staged("crm_opportunity", "o1", **OPPORTUNITY)],
    "staging.stg_crm__opportunity_events": [staged("crm_opportunity_event", "e1", opportunity_id="o1")],
    "staging.stg_crm__activities": [staged("crm_activity", "t1", occurred_at=IN_JUNE)],
    "staging.stg_crm__opportunity_lines": [staged("crm_opportunity_line", "ol1", opportunity_id="o1")],
    "staging.stg_crm__campaigns": [staged("crm_campaign", "ca1")],
    "staging.stg_crm__campaign_members": [staged("crm_campaign_member", "cm1", campaign_id="ca1")],
    "staging.stg_crm__quotas": [staged("crm_quota", "q1", **QUOTA)],
    "staging.stg_crm__merges": [staged("crm_merge", "g1", surviving_id="a1", merged_id="a0")],
    "staging.stg_crm__consents": [staged("crm_consent", "co1", person_id="l1", email=None, phone=None)],
    "staging.stg_erp__customers": [
        staged("erp_customer", "k1", registration_number="552081317", country_code="FR")
    ],
    "staging.stg_erp__invoices": [
        staged(
            "erp_invoice",
            "i1",
            document_type="invoice",
            customer_id="k1",
            invoice_date="2026-06-10",
            net_amount=100,
        )
    ],
    "staging.stg_erp__invoice_lines": [staged("erp_invoice_line", "n1", invoice_id="i1", net_amount=100)],
    "staging.stg_erp__payments": [staged("erp_payment", "y1", payment_type="payment", amount=100)],
    "staging.stg_erp__products": [staged("erp_product", "p1")],
    "staging.stg_erp__subscriptions": [staged("erp_subscription", "s1", **SUBSCRIPTION)],
    "staging.stg_erp__ledger_entries": [
        staged("erp_ledger_entry", "g1", debit=100, credit=0),
        staged("erp_ledger_entry", "g2", debit=0, credit=100),
    ],
    "staging.stg_finance__exchange_rates": [staged("exchange_rate", "x1", rate="1.08")],
    "staging.stg_finance__marketing_costs": [staged("marketing_cost", "mc1")],
    "staging.stg_telephony__call_legs": [staged("telephony_call_leg", "q1", **CALL)],
    "staging.stg_emailing__events": [
        staged("email_event", "m1", recipient_email="a@b.example", occurred_at=IN_JUNE)
    ],
    "staging.stg_emailing__messages": [staged("email_message", "ms1")],
    "staging.stg_calendar__events": [staged("calendar_event", "v1", starts_at=IN_JUNE, ends_at=LATER)],
    "staging.stg_calendar__attendees": [staged("calendar_attendee", "w1", event_key="v1")],
    "staging.stg_survey__responses": [staged("nps_response", "np1", score=10)],
    "staging.stg_product__usages": [staged("product_usage", "us1", **USAGE)],
    "master.xref_accounts": [{"record_key": "one/crm_account/a1", "account_id": "acc_1"}],
    "master.xref_persons": [{"record_key": "one/crm_lead/l1", "person_id": "per_1"}],
    "master.dim_accounts": [
        {"account_id": "acc_1", "registration_number": "552081317", "n_source_records": 2},
        {"account_id": "unknown", "registration_number": None, "n_source_records": 0},
    ],
    "master.dim_persons": [{"person_id": "per_1", "n_source_records": 2}],
    "master.dim_corporate_groups": [{"group_id": "grp_1"}],
    "master.dim_reps": [{"rep_id": "one/crm_user/u1"}],
    "master.dim_products": [{"product_id": "one/erp_product/p1"}],
    "master.dim_dates": [{"date_day": MONTH}],
    "master.bridge_account_groups": [{**IN_GROUP, "group_id": "grp_1"}],
    "master.bridge_person_accounts": [
        {"person_id": "per_1", "account_id": "acc_1", "valid_from": MONTH, "is_primary": True}
    ],
    "master.bridge_person_contact_points": [
        {"person_id": "unknown", "contact_kind": "phone", "is_shared": True}
    ],
    "master.xref_accounts_history": [
        {"record_key": "one/crm_account/a1", "account_id": "acc_1", "valid_from": MONTH, "valid_to": None}
    ],
    "master.xref_persons_history": [
        {"record_key": "one/crm_lead/l1", "person_id": "per_1", "valid_from": MONTH, "valid_to": NEXT}
    ],
    "master.golden_alternatives": [
        {
            "golden_id": "acc_1",
            "attribute": "city",
            "alternative_rank": 2,
            "value": "Lyon",
            "record_key": "r2",
        }
    ],
    "master.golden_conflicts": [{"item_id": "rev_1", "left_record_key": "r1", "right_record_key": "r2"}],
    "master.fct_leads": [{"lead_id": "lea_1", "account_id": "acc_1"}],
    "master.fct_calls": [{"call_key": "c"}],
    "master.fct_email_sends": [{"send_key": "s"}],
    "master.fct_meetings": [{"meeting_key": "m"}],
    "master.fct_touches": [
        {"touch_key": "t", "person_id": "per_1", "lead_id": "led_1", "account_id": "unknown"}
    ],
    "master.fct_opportunities": [{"opportunity_id": "o1", "account_id": "acc_1"}],
    "master.fct_opportunity_stages": [{"opportunity_stage_key": "o1/won"}],
    "master.fct_invoice_lines": [
        {
            "invoice_line_id": "n1",
            "account_id": "acc_1",
            "invoiced_on": "2026-06-10",
            "net_amount_reporting": 100,
            "currency": "EUR",
        }
    ],
    "master.fct_ledger_revenues": [
        {"ledger_line_key": "g2", "entry_on": "2026-06-10", "revenue_amount": 100}
    ],
    "master.fct_subscription_months": [{"account_month_key": "acc_1/2026-06-01", "n_rates_missing": "0"}],
    "master.fct_mrr_movements": [{"account_month_key": "acc_1/2026-06-01", "account_id": "acc_1", **MRR}],
    "metrics.fct_lead_cadences": [{"lead_id": "lea_1", "ttf_status_code": "contacted"}],
    "metrics.fct_email_send_days": [{"send_day_key": "d"}],
    "metrics.fct_opportunity_closings": [{"opportunity_id": "o1"}],
    "metrics.fct_stage_passages": [{"stage_passage_key": "p"}],
    "metrics.fct_revenue_lines": [
        {"invoice_line_id": "n1", "period_month": MONTH, "net_amount_reporting": 100}
    ],
    "metrics.fct_revenue_group_months": [{"group_month_key": "g"}],
    "metrics.time_spine_daily": [{"date_day": MONTH}],
    "marts.mart_sales_leads_month": [
        {"period_month": MONTH, **SEGMENT, "n_leads": 3, "conversion_rate": "0.4"},
        {"period_month": MONTH, "segment_kind_code": "channel", "segment_code": "inbound", "n_leads": 1},
        {"period_month": MONTH, "segment_kind_code": "channel", "segment_code": "outbound", "n_leads": 2},
    ],
    "marts.mart_sales_leads_cycle": [{**SEGMENT, "converted_share_rate": "0.4"}],
    "marts.mart_sales_opportunities_month": [{"period_month": MONTH, **SEGMENT, "win_rate": "0.5"}],
    "marts.mart_sales_stages_month": [
        {"period_month": MONTH, **SEGMENT, "stage_code": "meeting", "stage_conversion_rate": "1"}
    ],
    "marts.mart_finance_revenue_month": [{"period_month": MONTH, **SEGMENT, "revenue_amount": 100}],
    "marts.mart_finance_groups_month": [
        {
            "period_month": MONTH,
            "view_code": "as_was",
            "kind_code": "legal",
            "group_id": "grp_1",
            "revenue_amount": 100,
        }
    ],
    "marts.mart_finance_mrr_month": [
        {"period_month": MONTH, **SEGMENT, "opening_mrr": 100, "closing_mrr": 110},
        {"period_month": NEXT, **SEGMENT, "opening_mrr": 110, "closing_mrr": 110},
    ],
    "marts.mart_marketing_complaints_week": [{**SENDS, **SEGMENT}],
    "marts.mart_management_kpis_month": [
        {"metric_name": "cr", "period_month": MONTH, **SEGMENT, "metric_value": "0.4", "reason_code": None}
    ],
}

# One bad row per rule and table. A rule of uniqueness counts both rows of the pair: EXPECTED says so.
BAD: dict[str, dict[str, Row]] = {
    "R-CRM-002": {"staging.stg_crm__leads": staged("crm_lead", "bad")},
    "R-CRM-003": {"staging.stg_crm__leads": staged("crm_lead", "bad", created_at=None)},
    "R-CRM-006": {"staging.stg_crm__leads": staged("crm_lead", "bad", status="new", is_converted=True)},
    "R-CRM-009": {
        "staging.stg_crm__opportunities": staged("crm_opportunity", "bad", status="lost", closed_at=None)
    },
    "R-CRM-010": {"staging.stg_crm__opportunities": staged("crm_opportunity", "bad", status="won", amount=0)},
    "R-CRM-012": {
        "staging.stg_crm__accounts": staged("crm_account", "bad", registration_number="55208131"),
        "staging.stg_erp__customers": staged("erp_customer", "bad", registration_number="FR 552 081 317"),
    },
    "R-CRM-013": {
        "staging.stg_crm__leads": staged("crm_lead", "bad", created_at="2026-05-01 00:00:00")
        | {"source_instance": "two"},
        "staging.stg_crm__activities": staged("crm_activity", "bad", occurred_at="2026-05-01 00:00:00")
        | {"source_instance": "two"},
    },
    "R-CRM-016": {
        "staging.stg_crm__quotas": staged(
            "crm_quota", "bad", **QUOTA | {"owner_id": None, "metric": "activities"}
        )
    },
    "R-CRM-017": {"staging.stg_crm__merges": staged("crm_merge", "bad", surviving_id="a1", merged_id="a1")},
    "R-CRM-018": {"staging.stg_crm__consents": staged("crm_consent", "bad")},
    "R-ERP-003": {
        "staging.stg_erp__invoice_lines": staged(
            "erp_invoice_line", "bad", invoice_id="i1", net_amount="0.02"
        )
    },
    "R-ERP-004": {
        "staging.stg_erp__invoices": staged("erp_invoice", "bad", document_type="credit_note", net_amount=10)
    },
    "R-ERP-006": {
        "staging.stg_erp__subscriptions": staged("erp_subscription", "bad", billing_period_months=0)
    },
    "R-ERP-007": {"staging.stg_finance__exchange_rates": staged("exchange_rate", "bad", rate="-1")},
    "R-ERP-008": {
        "staging.stg_erp__invoices": staged("erp_invoice", "bad", invoice_date="2026-05-01")
        | {"source_instance": "two"}
    },
    "R-ERP-009": {"staging.stg_erp__subscriptions": staged("erp_subscription", "s2", **SUBSCRIPTION)},
    "R-ERP-011": {
        "staging.stg_erp__payments": staged("erp_payment", "bad", payment_type="refund", amount=10)
    },
    "R-LED-001": {
        "staging.stg_erp__ledger_entries": staged("erp_ledger_entry", "bad", debit="0.01", credit=0)
    },
    "R-LED-002": {
        "master.fct_ledger_revenues": {
            "ledger_line_key": "bad",
            "entry_on": "2026-05-10",
            "revenue_amount": 50,
        }
    },
    "R-TEL-001": {
        "staging.stg_telephony__call_legs": staged("telephony_call_leg", "bad", **CALL | {"talk_s": 11})
    },
    "R-TEL-002": {
        "staging.stg_telephony__call_legs": staged(
            "telephony_call_leg", "bad", **CALL | {"duration_s": 28801}
        )
    },
    "R-TEL-003": {
        "staging.stg_telephony__call_legs": staged(
            "telephony_call_leg", "bad", **CALL | {"external_phone": None}
        )
    },
    "R-TEL-004": {
        "staging.stg_telephony__call_legs": staged("telephony_call_leg", "bad", **CALL | {"agent_key": "999"})
    },
    "R-TEL-005": {
        "staging.stg_telephony__call_legs": staged(
            "telephony_call_leg", "bad", **CALL | {"started_at": "2026-05-01 00:00:00"}
        )
        | {"source_instance": "two"}
    },
    "R-EML-001": {
        "staging.stg_emailing__events": staged("email_event", "bad", recipient_email="a b@c.example")
    },
    "R-EML-002": {
        "staging.stg_emailing__events": staged("email_event", "bad", occurred_at="2026-05-01 00:00:00")
        | {"source_instance": "two"}
    },
    "R-SVY-001": {"staging.stg_survey__responses": staged("nps_response", "bad", score=11)},
    "R-USE-002": {"staging.stg_product__usages": staged("product_usage", "bad")},
    "R-MST-002": {
        "master.xref_accounts": {"record_key": "bad", "account_id": "acc_none"},
        "master.xref_persons": {"record_key": "bad", "person_id": "per_none"},
        "master.bridge_account_groups": {**IN_GROUP, "valid_from": NEXT, "group_id": "grp_none"},
        "master.bridge_person_accounts": {"person_id": "per_1", "account_id": "acc_none", "valid_from": NEXT},
    },
    "R-MST-003": {"master.dim_accounts": {"account_id": "acc_2", "registration_number": "552081317"}},
    "R-MST-004": {
        "master.bridge_person_contact_points": {
            "person_id": "per_1",
            "contact_kind": "email",
            "is_shared": True,
        }
    },
    "R-MST-005": {
        "master.dim_accounts": {"account_id": "acc_2", "n_source_records": 51},
        "master.dim_persons": {"person_id": "per_2", "n_source_records": 0},
    },
    "R-MST-006": {
        "master.xref_accounts_history": {"record_key": "bad", "valid_from": MONTH, "valid_to": MONTH},
        "master.xref_persons_history": {"record_key": "bad", "valid_from": NEXT, "valid_to": MONTH},
    },
    "R-MST-007": {
        "master.golden_alternatives": {
            "golden_id": "acc_1",
            "attribute": "city",
            "alternative_rank": 3,
            "value": "Nice",
        },
        "master.golden_conflicts": {"item_id": "bad", "left_record_key": "r1"},
    },
    "R-FCT-002": {
        "master.fct_leads": {"lead_id": "bad", "account_id": "acc_none"},
        "master.fct_opportunities": {"opportunity_id": "bad", "account_id": "acc_none"},
        "master.fct_invoice_lines": {"invoice_line_id": "bad", "account_id": "acc_none"},
        "master.fct_mrr_movements": {"account_month_key": "bad", "account_id": "acc_none"},
    },
    "R-FCT-003": {
        "master.fct_touches": {
            "touch_key": "bad",
            "person_id": "per_2",
            "lead_id": "unknown",
            "account_id": "unknown",
        }
    },
    "R-FCT-004": {"master.fct_invoice_lines": {"invoice_line_id": "bad", "account_id": "unknown"}},
    "R-FCT-005": {
        "master.fct_invoice_lines": {
            "invoice_line_id": "bad",
            "net_amount_reporting": None,
            "currency": "XYZ",
        }
    },
    "R-FCT-008": {"metrics.fct_lead_cadences": {"lead_id": "bad", "ttf_status_code": "negative_ttf"}},
    "R-FCT-007": {"master.fct_subscription_months": {"account_month_key": "bad", "n_rates_missing": "1"}},
    "R-FCT-006": {
        "master.fct_mrr_movements": {"account_month_key": "bad", **MRR | {"closing_mrr": "110.01"}}
    },
    "R-MRT-001": {
        "marts.mart_sales_leads_month": {"period_month": NEXT, **SEGMENT, "conversion_rate": "1.0000000001"},
        "marts.mart_sales_leads_cycle": {**SEGMENT, "converted_share_rate": "1.1"},
        "marts.mart_sales_opportunities_month": {"period_month": NEXT, **SEGMENT, "win_rate": "-0.1"},
        "marts.mart_sales_stages_month": {
            "period_month": NEXT,
            **SEGMENT,
            "stage_code": "meeting",
            "stage_conversion_rate": "1.5",
        },
        "marts.mart_marketing_complaints_week": {**SENDS, **SEGMENT, "complaint_rate": "1.2"},
    },
    "R-MRT-002": {
        "marts.mart_finance_revenue_month": {"period_month": NEXT, **SEGMENT, "revenue_amount": "0.0001"}
    },
    "R-MRT-003": {
        "marts.mart_sales_leads_month": {
            "period_month": MONTH,
            "segment_kind_code": "size_band",
            "segment_code": "smb",
            "n_leads": 2,
        }
    },
    "R-MRT-004": {
        "marts.mart_finance_mrr_month": {
            "period_month": "2026-08-01",
            **SEGMENT,
            "opening_mrr": 109,
            "closing_mrr": 109,
        }
    },
    "R-MRT-005": {
        "marts.mart_management_kpis_month": {
            "metric_name": "mrr",
            "period_month": MONTH,
            **SEGMENT,
            "metric_value": None,
            "reason_code": None,
        }
    },
    "R-MRT-007": {
        "marts.mart_finance_groups_month": {
            "period_month": NEXT,
            "view_code": "as_is",
            "kind_code": "legal",
            "group_id": "grp_1",
            "revenue_amount": 1,
        }
    },
}

# Rules whose failing example is the absence of rows.
ABSENT = {"R-MRT-006": "marts.mart_management_kpis_month"}


def column_type(name: str) -> str:
    """Type of a column by the naming law; amounts of contracts by their contract."""
    if name.startswith("is_"):
        return "boolean"
    if name.startswith("n_") or name in (
        "_source_row_id",
        "_record_part",
        "talk_s",
        "duration_s",
        "score",
        "billing_period_months",
    ):
        return "bigint"
    if name.endswith("_at"):
        return "timestamp"
    if name.endswith("_on") or name in ("date_day", "period_month", "invoice_date"):
        return "date"
    if name == "rate":
        return "decimal(18, 8)"
    if name.endswith("_rate") or name == "metric_value":
        return "decimal(18, 10)"
    if name.endswith(("amount", "_mrr", "_reporting")) or name in ("debit", "credit", "target"):
        return "decimal(18, 4)"
    return "varchar"


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[Row]) -> None:
    """Insert rows; columns that a row does not name stay null."""
    for row in rows:
        names = ", ".join(f'"{name}"' for name in row)
        connection.execute(
            f"insert into {table} ({names}) values ({', '.join('?' * len(row))})", list(row.values())
        )


def build(work: Path, rows: dict[str, list[Row]] = GOOD, kept: int | None = 1) -> Path:
    """A warehouse with `rows`, run settings of June 2026, and kept rows for every contract; returns its
    path.
    """
    work.mkdir(parents=True, exist_ok=True)
    warehouse = work / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        for schema in ("staging", "master", "metrics", "marts", "run"):
            connection.execute(f"create schema {schema}")
        connection.execute(
            "create table run.settings as select '2026-06' as cycle, timestamp '2026-07-01' as as_of,"
            f" date '{MONTH}' as cycle_start, date '2026-07-01' as cycle_end"
        )
        for table, examples in rows.items():
            columns = dict.fromkeys(name for row in [*examples, *_bad_rows(table)] for name in row)
            typed = ", ".join(f'"{name}" {column_type(name)}' for name in columns)
            connection.execute(f"create table {table} ({typed})")
            insert(connection, table, examples)
        settings = connection.sql("select * from run.settings").to_arrow_table()
    write(settings, work / "run" / "settings.parquet")
    if kept is not None:
        write_kept(work, dict.fromkeys(load_contracts(), kept))
    return warehouse


def _bad_rows(table: str) -> list[Row]:
    return [plants[table] for plants in BAD.values() if table in plants]


def write_kept(work: Path, kept: dict[str, int]) -> None:
    """collect/ledger_terms.parquet with term C `kept` per contract."""
    rows = [{"contract": name, "term": "C", "name": "kept", "value": value} for name, value in kept.items()]
    schema = pa.schema(
        [("contract", pa.string()), ("term", pa.string()), ("name", pa.string()), ("value", pa.int64())]
    )
    write(pa.Table.from_pylist(rows, schema=schema), work / "collect" / "ledger_terms.parquet")


def write(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
