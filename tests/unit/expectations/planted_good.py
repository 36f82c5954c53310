"""Rows on which every rule of the catalogue passes, and that every rule has at least one row of to judge.

The first row of a table is the one that planted_bad.py changes. What does not belong here: rows that fail.
"""

from __future__ import annotations

from planted_good_marts import MARTS
from planted_sources import SOURCES
from planted_values import (
    BEFORE,
    BOOKED,
    CALLED,
    CLOSED,
    IN_GROUP,
    IN_JUNE,
    INVOICED,
    LATER,
    MONTH,
    MRR,
    PERSON,
    QUOTA_FACT,
    REP,
    SEND,
    SIREN,
    VAT,
    WON,
    Row,
)

GOOD: dict[str, list[Row]] = (
    SOURCES
    | MARTS
    | {
        "master.xref_accounts": [{"record_key": "one/crm_account/a1", "account_id": "acc_1"}],
        "master.xref_persons": [
            {"record_key": "one/crm_lead/l1", "person_id": "per_1", "contract": "crm_lead"}
        ],
        "master.dim_accounts": [
            {
                "account_id": "acc_1",
                "account_name": "Acme",
                "registration_number": SIREN,
                "vat_number": VAT,
                "country_code": "FR",
                "size_band_code": "smb",
                "is_strategic": True,
                "is_customer": True,
                "owner_rep_id": REP,
                "first_seen_on": MONTH,
                "n_source_records": 2,
            },
            {
                "account_id": "unknown",
                "account_name": "unknown",
                "size_band_code": "unknown",
                "is_customer": False,
                "is_strategic": False,
                "n_source_records": 0,
            },
        ],
        "master.dim_persons": [
            {
                "person_id": "per_1",
                "lead_id": "lea_1",
                "account_id": "acc_1",
                "first_seen_on": MONTH,
                "n_source_records": 2,
                **PERSON,
            }
        ],
        "master.dim_corporate_groups": [
            {"group_id": "grp_1", "group_name": "Acme", "kind_code": "legal", "n_accounts": 1}
        ],
        "master.dim_reps": [
            {
                "rep_id": REP,
                "full_name": "Seller One",
                "email": "u1@etalon.example",
                "team_name": "north",
                "is_active": True,
            }
        ],
        "master.dim_products": [{"product_id": "one/erp_product/p1", "product_name": "Licence"}],
        "master.dim_dates": [{"date_day": MONTH}, {"date_day": "2026-06-02"}],
        "master.bridge_account_groups": [{**IN_GROUP, "group_id": "grp_1", "is_as_is": True}],
        "master.dim_account_versions": [
            {
                "account_version_key": "acc_1/1",
                "account_id": "acc_1",
                "valid_from": BEFORE,
                "valid_to": MONTH,
            },
            {"account_version_key": "acc_1/2", "account_id": "acc_1", "valid_from": MONTH},
        ],
        "master.dim_rep_versions": [
            {"rep_version_key": "rep_1/1", "rep_id": REP, "valid_from": BEFORE, "valid_to": MONTH},
            {"rep_version_key": "rep_1/2", "rep_id": REP, "valid_from": MONTH},
        ],
        "master.bridge_person_accounts": [
            {"person_id": "per_1", "account_id": "acc_1", "valid_from": MONTH, "is_primary": True}
        ],
        "master.bridge_strategic_accounts": [
            {"account_id": "acc_1", "record_key": "one/crm_account/a1", "valid_from": MONTH}
        ],
        "master.bridge_person_contact_points": [
            {"person_id": "unknown", "contact_kind": "phone", "is_shared": True, "n_persons": 2}
        ],
        "master.xref_accounts_history": [
            {"record_key": "one/crm_account/a1", "account_id": "acc_1", "valid_from": MONTH, "valid_to": None}
        ],
        "master.xref_persons_history": [
            {"record_key": "one/crm_lead/l1", "person_id": "per_1", "valid_from": MONTH, "valid_to": None},
            {"record_key": "one/crm_lead/l1", "person_id": "per_0", "valid_from": BEFORE, "valid_to": MONTH},
        ],
        "master.golden_alternatives": [
            {
                "entity": "account",
                "golden_id": "acc_1",
                "attribute": "city",
                "alternative_rank": 2,
                "value": "Lyon",
                "record_key": "r2",
            }
        ],
        "master.golden_conflicts": [
            {
                "item_id": "rev_1",
                "entity": "person",
                "golden_id": "per_1",
                "left_record_key": "r1",
                "right_record_key": "r2",
            }
        ],
        "master.fct_leads": [
            {
                "lead_id": "lea_1",
                "account_id": "acc_1",
                "rep_id": REP,
                "created_on": "2026-06-10",
                "converted_on": "2026-06-12",
            }
        ],
        "master.fct_calls": [
            {
                "call_key": "c",
                "rep_id": REP,
                "direction_code": "outbound",
                "started_at": IN_JUNE,
                "outcome_code": "answered",
                "is_conversation": True,
            }
        ],
        "master.fct_email_sends": [{"send_key": "s", **SEND}],
        "master.fct_meetings": [
            {
                "meeting_key": "m",
                "occurrence_key": "m",
                "person_id": "per_1",
                "is_held": True,
                "account_id": "acc_1",
                "rep_id": REP,
                "starts_on": "2026-06-10",
                "duration_s": 3600,
            }
        ],
        "master.fct_touches": [
            {"touch_key": "t", "person_id": "per_1", "lead_id": "lea_1", "account_id": "unknown"}
        ],
        "master.fct_opportunities": [
            {"opportunity_id": "o1", **WON},
            {"opportunity_id": "o0", **WON | {"opened_on": "2026-01-15", "closed_on": "2026-02-01"}},
        ],
        "master.fct_opportunity_stages": [
            {
                "opportunity_stage_key": "o1/meeting",
                "opportunity_id": "o1",
                "stage_rank": 3,
                "first_entered_at": IN_JUNE,
                "n_source_rows": 1,
            },
            {
                "opportunity_stage_key": "o0/meeting",
                "opportunity_id": "o0",
                "stage_rank": 3,
                "first_entered_at": "2026-01-20 00:00:00",
                "n_source_rows": 1,
            },
        ],
        "master.fct_opportunity_changes": [
            {"opportunity_change_key": "h1", "opportunity_id": "o1", "field_code": "stage"},
            {"opportunity_change_key": "h0", "opportunity_id": "o0", "field_code": "stage"},
        ],
        "master.fct_invoice_lines": [
            {"invoice_line_id": "n1", **INVOICED},
            {
                "invoice_line_id": "n0",
                **INVOICED | {"invoiced_on": "2026-01-10", "is_intercompany": True},
            },
        ],
        "master.fct_ledger_revenues": [
            {"ledger_line_key": "g2", **BOOKED},
            {"ledger_line_key": "g0", **BOOKED | {"entry_on": "2026-01-10"}},
        ],
        "master.fct_subscription_months": [
            {
                "account_month_key": "acc_1/2026-06-01",
                "period_month": MONTH,
                "mrr": 110,
                "n_rates_missing": 0,
            },
            {
                "account_month_key": "acc_1/2026-05-01",
                "period_month": BEFORE,
                "mrr": 100,
                "n_rates_missing": 0,
            },
        ],
        "master.fct_mrr_movements": [
            {"account_month_key": "acc_1/2026-06-01", "account_id": "acc_1", "period_month": MONTH, **MRR},
            {
                "account_month_key": "acc_1/2026-05-01",
                "account_id": "acc_1",
                "period_month": BEFORE,
                **MRR | {"expansion_mrr": 0, "closing_mrr": 100},
            },
        ],
        "metrics.fct_lead_cadences": [
            {
                "lead_id": "lea_1",
                "rep_id": REP,
                "created_on": "2026-06-10",
                "is_dated": True,
                "n_touches": 3,
                "n_effective_touches": 1,
                "first_touch_at": IN_JUNE,
                "first_effective_at": LATER,
                "ttf_status_code": "contacted",
            }
        ],
        "metrics.fct_email_send_days": [
            {
                "send_day_key": "d",
                "sending_code": "one_to_one",
                "n_sent": 1,
                "n_delivered": 1,
                "n_bounced_hard": 0,
            }
        ],
        "metrics.fct_opportunity_closings": [
            {"opportunity_id": "o1", "closed_on": "2026-06-12", **CLOSED},
            {"opportunity_id": "o0", "closed_on": "2026-02-01", **CLOSED},
        ],
        "metrics.fct_opportunity_snapshots": [
            {"opportunity_snapshot_key": "o1/2026-06-01", "amount_reporting": 100, "weighted_amount": 40}
        ],
        "metrics.fct_stage_win_rates": [
            {"stage_win_rate_key": "w1", "snapshot_on": MONTH, "stage_rank": 1, "win_probability": "0.4"}
        ],
        "metrics.fct_opportunity_openings": [{"opportunity_id": "o1", "is_closed": True, "is_won": True}],
        "metrics.fct_opportunity_engagements": [
            {"opportunity_id": "o1", "is_closed": True, "is_won": True, "effort_s": 60}
        ],
        "metrics.fct_pipeline_movements": [
            {"pipeline_movement_key": "week/o1", "quarter_entry_code": "carried", "quarter_exit_code": "open"}
        ],
        "metrics.fct_stage_stays": [{"stage_stay_key": "o1/meeting", "stay_days": 9}],
        "metrics.fct_forecast_periods": [
            {
                "forecast_period_key": "2026-06-01/North",
                "committed_amount": 90,
                "expected_amount": 100,
                "n_without_category": 0,
                "n_expected": 2,
            }
        ],
        "master.fct_quotas": [
            {
                "quota_key": f"q{n}",
                **QUOTA_FACT,
                "period_kind_code": kind,
                "period_start": start,
                "period_end": end,
                "target": target,
                "target_reporting": target,
            }
            for n, (kind, start, end, target) in enumerate(
                [
                    ("quarter", "2026-04-01", "2026-06-30", 300),
                    ("month", "2026-04-01", "2026-04-30", 100),
                    ("month", "2026-05-01", "2026-05-31", 100),
                    ("month", "2026-06-01", "2026-06-30", 100),
                ]
            )
        ],
        "metrics.fct_rep_months": [
            {
                "rep_month_key": f"r/{month}",
                "rep_id": REP,
                "period_month": month,
                "n_closed": 1,
                "n_won": 1,
                "n_activities": 3,
                "n_meetings": 1,
                "n_days": 28,
                "n_employed_days": 28,
            }
            for month in (MONTH, "2026-02-01")
        ],
        "metrics.fct_quota_months": [
            {
                "quota_month_key": "q",
                "metric_code": "activities",
                "period_month": MONTH,
                "target_amount": 2,
                "actual_amount": 3,
                "is_unconverted": False,
                "is_attained": True,
            }
        ],
        "metrics.fct_pipeline_coverages": [
            {"pipeline_coverage_key": "c", "target_amount": 500, "won_amount": 300, "remaining_amount": 200}
        ],
        "metrics.fct_stage_passages": [
            {"stage_passage_key": "o1/prospecting", "opportunity_id": "o1", "stage_rank": 1}
        ],
        "metrics.fct_revenue_lines": [
            {
                "invoice_line_id": "n1",
                "period_month": MONTH,
                "currency": "EUR",
                "net_amount": 100,
                "net_amount_reporting": 100,
            }
        ],
        "metrics.fct_revenue_group_months": [
            {"group_month_key": "g", "n_lines": 1, "n_unconverted_lines": 0}
        ],
        "metrics.fct_lead_qualifications": [
            {
                "qualification_key": "lea_1/mql",
                "qualified_at": IN_JUNE,
                "definition_version": 1,
                "rule_id": "MQL-1",
            }
        ],
        "metrics.fct_objection_months": [{"objection_month_key": "j", "n_activities": 1}],
        "master.fct_templated_touches": [{"touch_key": "t", "template_id": "d-1", "occurred_at": IN_JUNE}],
        "metrics.fct_lead_routings": [{"lead_id": "lea_1", "is_assigned": True, "is_routed_in_sla": True}],
        "metrics.fct_lead_sequences": [
            {"lead_id": "lea_1", "n_touches": 4, "n_channels": 2, "n_steps": 4, "n_steps_kept": 3}
        ],
        "metrics.fct_thresholds": [
            {"threshold_key": "min_touches/inbound/smb/default/ever", "threshold_value": 4}
        ],
        "metrics.fct_lead_adherences": [{"adherence_key": "lea_1/min_touches", "is_within": True}],
        "metrics.fct_call_log_days": [
            {
                "call_log_day_key": "pbx/2026-06-01",
                "source_instance": "pbx",
                "called_on": MONTH,
                "n_calls": 40,
                "usual_calls": 38,
                "n_other_activities": 9,
                "day_status_code": "calls",
            }
        ],
        "metrics.fct_call_hours": [{"call_hour_key": "h", "rep_id": REP, **CALLED}],
        "metrics.fct_activity_days": [
            {
                "activity_day_key": "a",
                "handling_code": "human",
                "n_activities": 3,
                "n_effective": 2,
                "n_system_events": 2,
                "n_logged_events": 1,
            }
        ],
        "metrics.fct_revenue_month_cells": [
            {"revenue_cell_key": "c", "period_month": MONTH, "n_lines": 1, "n_unconverted_lines": 0}
        ],
        "master.fct_opportunity_contact_roles": [
            {"contact_role_key": "cr", "opportunity_id": "o1", "person_id": "per_1", "role_code": "champion"}
        ],
        "master.fct_account_events": [{"account_event_key": "ev", "account_id": "acc_1"}],
        "master.fct_social_metrics": [{"social_metric_key": "sm", "rep_id": REP}],
        "master.fct_order_lines": [
            {"order_line_id": "ol", "ordered_on": MONTH, "is_intercompany": False, "net_amount_reporting": 1}
        ],
        "metrics.fct_order_flows": [{"order_flow_key": "ol", "flow_code": "ordered", "flowed_on": MONTH}],
        "metrics.fct_order_promises": [{"order_line_id": "ol", "is_late": True, "is_still_owed": True}],
        "master.fct_marketing_costs": [{"cost_month_key": "c", "amount_reporting": 1}],
        "metrics.time_spine_daily": [{"date_day": MONTH}, {"date_day": "2026-06-02"}],
        "master.fct_subscription_spells": [{"spell_key": "sp", "started_on": BEFORE, "ended_on": MONTH}],
        "master.fct_nps_responses": [{"response_key": "np1", "score": 9}],
        "master.fct_product_usages": [{"usage_key": "acc_1/2026-06-02/login", "account_id": "acc_1"}],
        "metrics.fct_acquisition_costs": [
            {"cost_month_key": "c", "cost_month": MONTH, "period_month": MONTH, "amount_reporting": 1}
        ],
        "metrics.fct_acquisition_months": [
            {"acquisition_month_key": "a", "n_company_new_customers": 1, "gross_margin_rate": 0.8}
        ],
        "metrics.fct_revenue_group_years": [
            {"group_year_key": "g", "weight_amount": 60, "amount_before": 40, "total_amount": 100}
        ],
        "metrics.fct_strategic_accounts": [{"account_id": "acc_1", "owner_rep_id": REP}],
        "metrics.fct_cohort_days": [
            {"cohort_day_key": "d", "n_lost": 1, "n_at_risk": 4, "service_days": 30, "known_days": 90}
        ],
        "metrics.fct_health_levels": [{"health_level_key": "h", "n_lost": 1, "n_kept": 2, "n_kept_above": 3}],
        "metrics.fct_rep_years": [{"rep_year_key": "y", "n_employed_months": 12, "n_left": 1}],
        "metrics.fct_mrr_account_months": [
            {"account_month_key": "am", "year_capped_mrr": 90, "year_ago_mrr": 100}
        ],
        "metrics.fct_customer_starts": [{"account_id": "acc_1", "service_days": 30, "known_days": 30}],
        "metrics.fct_nps_answers": [{"respondent_month_key": "rm", "score": 9}],
        "metrics.fct_account_milestones": [{"milestone_key": "ms", "reached_on": MONTH}],
        "metrics.fct_account_health_months": [{"account_month_key": "hm", "health_score": 80}],
    }
)
