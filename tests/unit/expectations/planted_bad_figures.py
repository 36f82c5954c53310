"""The changes of planted_bad.py that make the rules on facts, metrics and marts fail.

What does not belong here: rules on what sources deliver, and how a change is laid over a good row (planted_bad.py).
"""

from __future__ import annotations

from planted_values import BEFORE, LONG_AGO, NEXT, Row

M, F, R = "master.", "master.fct_", "marts.mart_"
CADENCES, SEND_DAYS = "metrics.fct_lead_cadences", "metrics.fct_email_send_days"

FIGURES: dict[str, dict[str, Row | list[Row]]] = {
    "R-FCT-002": {
        f"{F}mrr_movements": {"account_month_key": "bad", "account_id": "acc_none"},
        f"{F}meetings": {"meeting_key": "bad", "account_id": "acc_none"},
        f"{F}ledger_revenues": {"ledger_line_key": "bad", "account_id": "acc_none"},
    },
    "R-FCT-003": {f"{F}touches": {"touch_key": "bad", "lead_id": "unknown"}},
    "R-FCT-005": {f"{F}invoice_lines": {"invoice_line_id": "bad", "net_amount_reporting": None}},
    "R-FCT-007": {f"{F}subscription_months": {"account_month_key": "bad", "n_rates_missing": 1}},
    "R-FCT-008": {CADENCES: {"lead_id": "bad", "ttf_status_code": "negative_ttf"}},
    "R-FCT-020": {f"{F}calls": [{"call_key": f"bad{number}"} for number in range(60)]},
    "R-FCT-021": {f"{F}calls": {"call_key": "bad", "rep_id": "unknown"}},
    "R-FCT-022": {f"{F}calls": {"call_key": "bad", "outcome_code": "voicemail"}},
    "R-FCT-023": {f"{F}email_sends": {"send_key": "bad", "is_delivered": False}},
    "R-FCT-024": {f"{F}email_sends": {"send_key": "bad", "replied_at": "2026-06-10 08:59:59"}},
    "R-FCT-026": {f"{F}email_sends": {"send_key": "bad", "is_bounced_hard": True}},
    "R-FCT-028": {f"{F}meetings": {"meeting_key": "bad", "duration_s": -60}},
    "R-FCT-029": {f"{F}meetings": {"meeting_key": "bad", "rep_id": "unknown"}},
    "R-FCT-032": {f"{F}leads": [{"lead_id": "bad", "account_id": "unknown"}]},
    "R-FCT-034": {f"{F}leads": {"lead_id": "bad", "converted_on": "2026-06-09"}},
    "R-FCT-037": {f"{F}opportunities": {"opportunity_id": "bad", "amount_reporting": None}},
    "R-FCT-038": {f"{F}opportunities": {"opportunity_id": "bad", "sales_cycle_days": 731}},
    "R-FCT-039": {
        f"{F}opportunity_stages": {
            "opportunity_stage_key": "o1/proposal",
            "stage_rank": 5,
            "first_entered_at": "2026-06-09 00:00:00",
        }
    },
    "R-FCT-041": {
        f"{F}invoice_lines": {"invoice_line_id": "bad", "net_amount_reporting": "100.02"},
        f"{F}opportunities": {"opportunity_id": "bad", "exchange_rate": "1.1"},
    },
    "R-FCT-043": {f"{F}ledger_revenues": {"ledger_line_key": "bad", "account_id": "unknown"}},
    "R-FCT-044": {f"{F}subscription_months": {"account_month_key": "bad", "mrr": -1}},
    "R-FCT-045": {f"{F}mrr_movements": {"account_month_key": "bad", "new_mrr": 5}},
    "R-FCT-046": {f"{F}mrr_movements": {"account_month_key": "bad", "churn_mrr": 5}},
    "R-FCT-047": {f"{F}subscription_months": {"account_month_key": "bad", "mrr": "0.01"}},
    "R-FCT-048": {f"{F}invoice_lines": {"invoice_line_id": "bad", "net_amount": "0.01"}},
    "R-FCT-049": {f"{F}opportunities": {"opportunity_id": "bad"}},
    "R-FCT-050": {f"{F}email_sends": {"send_key": "bad"}},
    "R-FCT-090": {f"{F}quotas": {"quota_key": "bad", "rep_id": "unknown"}},
    "R-FCT-091": {f"{F}quotas": {"quota_key": "bad", "target_reporting": None}},
    "R-FCT-092": {f"{F}quotas": {"quota_key": "bad", "target": 301}},
    "R-FCT-093": {"metrics.fct_rep_months": {"rep_month_key": "bad", "n_employed_days": 29}},
    "R-FCT-094": {"metrics.fct_opportunity_closings": {"opportunity_id": "bad"}},
    "R-FCT-095": {"metrics.fct_quota_months": {"quota_month_key": "bad", "actual_amount": 1}},
    "R-FCT-052": {f"{F}mrr_movements": {"account_month_key": "bad", "closing_mrr": 1001}},
    "R-FCT-054": {
        f"{F}opportunities": {"opportunity_id": "bad", "account_id": "acc_2", "closed_on": "2026-02-01"}
    },
    "R-FCT-055": {CADENCES: {"lead_id": "bad", "n_effective_touches": 4}},
    "R-FCT-056": {CADENCES: {"lead_id": "bad", "n_touches": 101}},
    "R-FCT-057": {CADENCES: {"lead_id": "bad", "first_touch_at": "2026-06-13 00:00:00"}},
    "R-FCT-058": {
        f"{F}leads": [{"lead_id": f"bad{n}", "created_on": BEFORE} for n in range(7)],
        f"{F}calls": [{"call_key": f"bad{n}", "started_at": "2026-05-10 09:00:00"} for n in range(7)],
        f"{F}email_sends": [{"send_key": f"bad{n}", "sent_at": "2026-05-10 09:00:00"} for n in range(7)],
        f"{F}meetings": [{"meeting_key": f"bad{n}", "starts_on": BEFORE} for n in range(7)],
        f"{F}opportunities": [{"opportunity_id": f"bad{n}", "opened_on": BEFORE} for n in range(7)],
        f"{F}invoice_lines": [{"invoice_line_id": f"bad{n}", "invoiced_on": BEFORE} for n in range(7)],
        f"{F}ledger_revenues": [{"ledger_line_key": f"bad{n}", "entry_on": BEFORE} for n in range(7)],
    },
    "R-FCT-059": {SEND_DAYS: {"send_day_key": "bad", "n_delivered": 2}},
    "R-FCT-060": {"metrics.fct_stage_passages": {"stage_passage_key": "bad", "stage_rank": 3}},
    "R-FCT-120": {f"{F}opportunity_changes": {"opportunity_change_key": "bad"}},
    "R-FCT-121": {
        "metrics.fct_stage_win_rates": {
            "stage_win_rate_key": "bad",
            "stage_rank": 2,
            "win_probability": "0.3999999999",
        }
    },
    "R-FCT-122": {
        "metrics.fct_opportunity_snapshots": {
            "opportunity_snapshot_key": "bad",
            "weighted_amount": "101",
        }
    },
    "R-FCT-123": {
        "metrics.fct_opportunity_openings": {"opportunity_id": "bad", "is_closed": False},
        "metrics.fct_opportunity_engagements": {"opportunity_id": "bad", "effort_s": -1},
        "metrics.fct_stage_stays": {"stage_stay_key": "bad", "stay_days": -1},
        "metrics.fct_pipeline_coverages": {"pipeline_coverage_key": "bad", "remaining_amount": 201},
        "metrics.fct_forecast_periods": {"forecast_period_key": "bad", "committed_amount": 101},
    },
    "R-FCT-061": {
        "metrics.fct_revenue_group_months": {"group_month_key": "bad", "n_unconverted_lines": 2},
        "metrics.fct_revenue_month_cells": {"revenue_cell_key": "bad", "n_unconverted_lines": 2},
    },
    "R-FCT-062": {f"{F}touches": {"touch_key": "bad", "person_id": "unknown"}},
    "R-FCT-063": {f"{F}marketing_costs": {"cost_month_key": "bad", "amount_reporting": None}},
    "R-FCT-064": {"metrics.fct_revenue_month_cells": {"revenue_cell_key": "bad", "n_lines": 2}},
    "R-MRT-001": {
        f"{R}sales_leads_month": {"period_month": NEXT, "conversion_rate": "1.0000000001"},
        f"{R}sales_leads_cycle": {"segment_code": "bad", "converted_share_rate": "1.1"},
        f"{R}sales_touch_lines_cycle": {"segment_code": "bad", "conversion_rate": "1.1"},
        f"{R}sales_opportunities_month": {"period_month": NEXT, "win_rate": "-0.1"},
        f"{R}sales_stages_month": {"period_month": NEXT, "stage_conversion_rate": "1.5"},
        f"{R}marketing_complaints_week": {"segment_code": "bad", "complaint_rate": "1.2"},
        f"{R}accounts_concentration_month": {"period_month": NEXT, "hhi": "1.1"},
        f"{R}accounts_values_account": {"account_id": "acc_2", "alive_probability": "1.5"},
    },
    "R-MRT-090": {
        f"{R}revops_targets_month": {"period_month": NEXT, "target_attained_rate": "1.1"},
        f"{R}sales_reps_month": {"period_month": NEXT, "win_rate": "1.1"},
        f"{R}sales_rep_baselines_cycle": {"rep_id": "bad", "target_reach_probability": "1.1"},
        f"{R}sales_deal_calibrations_cycle": {"bin_number": 9, "won_rate": "-0.1"},
        f"{R}sales_deal_scores_cycle": {"opportunity_id": "bad", "win_probability": "1.1"},
        f"{R}sales_deal_scores_month": {"period_month": NEXT, "base_brier_score": "1.1"},
    },
    "R-MRT-091": {
        f"{R}revops_targets_month": {"period_month": NEXT, "n_targets_attained": 3},
        f"{R}sales_reps_month": {"period_month": NEXT, "n_won": 3},
        f"{R}sales_rep_baselines_cycle": {"rep_id": "bad", "interval_low": 11},
        f"{R}sales_deal_models_cycle": {"model_code": "bad", "n_features": 7},
        f"{R}sales_deal_predictors_cycle": {"feature_code": "bad", "adjusted_p_value": 0},
        f"{R}sales_deal_calibrations_cycle": {"bin_number": 9, "n_won": 5},
        f"{R}sales_deal_scores_month": {"period_month": NEXT, "n_won": 5},
    },
    "R-MRT-092": {f"{R}sales_deal_models_cycle": {"model_code": "bad", "brier_score": "0.2"}},
    "R-MRT-002": {f"{R}finance_revenue_month": {"period_month": NEXT, "revenue_amount": "0.0001"}},
    "R-MRT-003": {
        f"{R}sales_leads_month": {"segment_kind_code": "size_band", "segment_code": "smb", "n_leads": 2}
    },
    "R-MRT-004": {f"{R}finance_mrr_month": {"period_month": NEXT, "opening_mrr": 109}},
    "R-MRT-007": {f"{R}finance_groups_month": {"period_month": NEXT, "view_code": "as_is"}},
    "R-MRT-010": {
        f"{R}sales_leads_month": {"period_month": NEXT, "n_converted_in_window": 2},
        f"{R}sales_leads_cycle": {"segment_code": "bad", "n_undated": 2},
        f"{R}sales_touch_lines_cycle": {"segment_code": "bad", "n_q1": 2},
        f"{R}sales_touch_points_cycle": {"segment_code": "bad", "n_converted": 6},
        f"{R}sales_opportunities_month": {"period_month": NEXT, "n_lost": 1},
        f"{R}sales_stages_month": {"period_month": NEXT, "n_reached_next": 2},
        f"{R}marketing_complaints_week": {"segment_code": "bad", "n_delivered": 2},
        f"{R}finance_revenue_month": {"period_month": NEXT, "n_unconverted_lines": 2},
        f"{R}finance_groups_month": {"period_month": NEXT, "n_unconverted_lines": 2},
        f"{R}accounts_concentration_month": {"period_month": NEXT, "n_a_groups": 2},
        f"{R}finance_acquisition_month": {"period_month": NEXT, "n_accounts_churned": 3},
        f"{R}accounts_strategic_month": {"period_month": NEXT, "n_owned_accounts": 3},
        f"{R}accounts_values_month": {"period_month": NEXT, "clv_bgnbd": None},
    },
    "R-MRT-011": {
        f"{R}sales_leads_month": {"period_month": NEXT, "conversion_rate": "0.9"},
        f"{R}sales_opportunities_month": {"period_month": NEXT, "win_rate": "0.9"},
        f"{R}sales_stages_month": {"period_month": NEXT, "stage_conversion_rate": "0.9"},
        f"{R}marketing_complaints_week": {"segment_code": "bad", "complaint_rate": "0.1"},
        f"{R}finance_revenue_growth_month": {"period_month": NEXT, "growth_amount": 2},
        f"{R}management_kpis_month": {"period_month": BEFORE, "metric_value": "0.5"},
    },
    "R-MRT-200": {
        f"{R}revops_guard_rails_week": {"rail_code": "bad", "n_events": 1001},
        f"{R}revops_watch_week": {"kind_code": "bad", "n_events": 0},
        f"{R}sales_due_followups_cycle": {"lead_id": "bad", "n_steps_done": 3},
        f"{R}revops_escalations_cycle": {"exclusion_id": "bad", "n_contacts_outside": None},
        f"{R}revops_contactability_person": {"person_id": "bad", "mail_reason_code": None},
    },
    "R-MRT-012": {CADENCES: {"lead_id": "bad"}},
    "R-MRT-013": {"metrics.fct_opportunity_closings": {"opportunity_id": "bad"}},
    "R-MRT-014": {SEND_DAYS: {"send_day_key": "bad"}},
    "R-MRT-015": {f"{F}mrr_movements": {"account_month_key": "bad", "closing_mrr": "0.01"}},
    "R-MRT-017": {
        f"{R}sales_opportunities_month": {
            "segment_kind_code": "channel",
            "segment_code": "inbound",
            "n_closed": 2,
        },
        f"{R}finance_revenue_month": {"segment_kind_code": "currency", "segment_code": "EUR", "n_lines": 2},
        f"{R}finance_mrr_month": {"segment_kind_code": "bad", "segment_code": "bad", "closing_mrr": "110.01"},
    },
    "R-MRT-018": {f"{R}finance_revenue_month": {"period_month": NEXT, "revenue_amount": 1001}},
    "R-MRT-019": {
        f"{R}sales_leads_month": {"period_month": "2026-08-01"},
        f"{R}finance_revenue_month": {"period_month": "2026-08-01"},
        f"{R}finance_mrr_month": {"period_month": "2026-08-01"},
    },
    "R-MRT-020": {f"{R}finance_revenue_month": {"period_month": NEXT, "revenue_amount": -1}},
    "R-MRT-021": {f"{R}sales_leads_month": {"period_month": NEXT, "touches_median": 4}},
    "R-MRT-023": {f"{R}management_kpis_month": {"period_month": BEFORE, "unit_code": "money"}},
    "R-MRT-026": {f"{R}finance_revenue_month": {"period_month": NEXT, "new_business_amount": 101}},
    "R-MRT-027": {f"{R}finance_mrr_month": {"period_month": NEXT, "n_accounts_new": 1}},
    "R-MRT-120": {
        f"{R}sales_pipeline_month": {"period_month": NEXT, "weighted_amount": 101},
        f"{R}sales_pipeline_velocity_month": {"period_month": NEXT, "n_won_90d": 5},
        f"{R}sales_pipeline_cohorts_month": {"period_month": NEXT, "n_immature": 2},
        f"{R}sales_pipeline_stays_month": {"period_month": NEXT, "n_censored": 4},
        f"{R}sales_pipeline_effort_month": {"period_month": NEXT, "lost_effort_s": 61},
        f"{R}sales_pipeline_coverage_month": {"period_month": NEXT, "remaining_amount": 201},
        f"{R}sales_pipeline_open_cycle": {"opportunity_id": "bad", "is_evidenced": True},
        f"{R}sales_pipeline_paths_cycle": {"path_code": "bad", "n_won": 3},
        f"{R}sales_forecast_month": {"period_month": NEXT, "error_amount": -91},
    },
    "R-MRT-028": {f"{R}management_kpis_month": {"period_month": NEXT}},
    "R-FCT-170": {
        "metrics.fct_lead_qualifications": {"qualification_key": "bad", "rule_id": None},
        "metrics.fct_call_hours": {"call_hour_key": "bad", "n_connected": 3},
        "metrics.fct_lead_sequences": {"lead_id": "bad", "n_steps_kept": 5},
        "metrics.fct_activity_days": {"activity_day_key": "bad", "n_logged_events": 3},
    },
    "R-MRT-170": {
        f"{R}sales_followup_month": {"period_month": NEXT, "n_followed_up": 2},
        f"{R}sales_cadences_month": {"period_month": NEXT, "n_adherent": 3},
        f"{R}sales_calls_month": {"period_month": NEXT, "n_answered": 4},
        f"{R}sales_call_hours_cycle": {"local_hour_code": "11", "connect_rate": "0.7"},
        f"{R}marketing_emails_month": {"period_month": NEXT, "n_opened": 2},
        f"{R}revops_handoffs_month": {"period_month": NEXT, "n_lost": 3},
        f"{R}revops_activity_month": {"period_month": NEXT, "n_human": 4},
    },
    "R-MRT-171": {
        f"{R}sales_followup_month": {"period_month": NEXT, "segment_kind_code": "rep", "segment_code": "bad"},
        f"{R}sales_calls_month": {"period_month": NEXT, "segment_kind_code": "rep", "segment_code": "bad"},
        f"{R}marketing_emails_month": {
            "period_month": NEXT,
            "segment_kind_code": "sending",
            "segment_code": "bad",
        },
        f"{R}revops_activity_month": {
            "period_month": NEXT,
            "segment_kind_code": "handling",
            "segment_code": "bad",
        },
    },
    "R-FCT-081": {
        f"{F}subscription_spells": {"spell_key": "bad", "ended_on": LONG_AGO[:10]},
        "metrics.fct_customer_starts": {"account_id": "bad", "service_days": 31},
        "metrics.fct_mrr_account_months": {"account_month_key": "bad", "year_capped_mrr": 101},
    },
    "R-FCT-082": {
        f"{F}nps_responses": {"response_key": "bad", "score": 11},
        "metrics.fct_nps_answers": {"respondent_month_key": "bad", "score": -1},
    },
    "R-FCT-083": {"metrics.fct_account_health_months": {"account_month_key": "bad", "health_score": 101}},
    "R-FCT-084": {"metrics.fct_account_milestones": {"milestone_key": "bad", "reached_on": NEXT}},
    "R-MRT-051": {
        f"{R}finance_retention_month": {"period_month": NEXT, "opening_mrr": 0, "n_accounts_lost": 2},
        f"{R}finance_cohorts_month": {"period_month": NEXT, "n_lost": 3},
        f"{R}finance_cohorts_quarter": {"start_quarter_on": NEXT, "n_lost": 3},
        f"{R}accounts_customers_month": {"period_month": NEXT, "n_promoters": 3},
    },
    "R-MRT-052": {
        f"{R}finance_retention_month": {"period_month": NEXT, "opening_mrr": 0, "grr_rate": "1.1"},
        f"{R}finance_cohorts_month": {"period_month": NEXT, "retention_rate": "1.1"},
        f"{R}accounts_customers_month": {"period_month": NEXT, "health_auc_rate": "-0.1"},
    },
    "R-MRT-053": {f"{R}accounts_health_month": {"account_id": "bad", "health_score": -1}},
    "R-MRT-054": {f"{R}finance_retention_month": {"period_month": NEXT, "opening_mrr": 7}},
}
