"""The rows of planted_good.py in the marts: one good row of each, at least.

What does not belong here: rows of sources, facts and metrics (planted_good.py, planted_sources.py), those of the audit
(planted_good_audit.py).
"""

from __future__ import annotations

from planted_good_audit import AUDIT_MARTS
from planted_values import (
    BEFORE,
    BY_HAND,
    CALLED,
    EMAILS_MONTH,
    FOLLOWUP_MONTH,
    LEADS_MONTH,
    MAY_MRR_MONTH,
    MONTH,
    MRR_MONTH,
    OF_REP,
    ONE_TO_ONE,
    OPPORTUNITIES_MONTH,
    REP,
    REVENUE_MONTH,
    SEGMENT,
    SMB,
    WEEK,
    Row,
)

MARTS: dict[str, list[Row]] = {
    **AUDIT_MARTS,
    "marts.mart_sales_leads_month": [
        {"period_month": MONTH, **SEGMENT, **LEADS_MONTH},
        {
            "period_month": MONTH,
            "segment_kind_code": "channel",
            "segment_code": "inbound",
            **LEADS_MONTH,
        },
    ],
    "marts.mart_sales_leads_cycle": [
        {
            **SEGMENT,
            "n_leads": 5,
            "n_dated": 4,
            "n_undated": 1,
            "n_converted": 2,
            "converted_share_rate": "0.4",
        }
    ],
    "marts.mart_sales_opportunities_month": [
        {"period_month": month, **segment, **OPPORTUNITIES_MONTH}
        for month in (MONTH, "2026-02-01")
        for segment in (SEGMENT, SMB)
    ],
    "marts.mart_sales_pipeline_month": [
        {
            "period_month": MONTH,
            **SEGMENT,
            "n_open": 3,
            "n_unconverted": 1,
            "n_unweighted": 2,
            "pipeline_amount": 100,
            "weighted_amount": 40,
        }
    ],
    "marts.mart_sales_pipeline_velocity_month": [
        {"period_month": MONTH, **SEGMENT, "n_closed_90d": 4, "n_won_90d": 1, "n_cycles_90d": 1}
    ],
    "marts.mart_sales_pipeline_cohorts_month": [
        {"period_month": MONTH, **SEGMENT, "n_opened": 5, "n_closed": 4, "n_immature": 1, "n_won": 2}
    ],
    "marts.mart_sales_pipeline_stays_month": [
        {"period_month": MONTH, **SEGMENT, "n_stays": 3, "n_censored": 1, "n_entries": 4}
    ],
    "marts.mart_sales_pipeline_effort_month": [
        {
            "period_month": MONTH,
            **SEGMENT,
            "n_closed": 3,
            "n_with_group": 1,
            "lost_effort_s": 36,
            "closed_effort_s": 60,
        }
    ],
    "marts.mart_sales_forecast_month": [
        {
            "period_month": MONTH,
            **SEGMENT,
            "committed_amount": 350,
            "expected_amount": 420,
            "error_amount": 30,
            "absolute_error_amount": 90,
        }
    ],
    "marts.mart_sales_forecast_precision_cycle": [
        {
            "period_code": "month",
            "period_start": MONTH,
            "account_class_code": "all",
            "n_accounts": 3,
            "n_accounts_won": 2,
            "n_account_months": 3,
            "n_account_months_within_10pct": 1,
            "committed_amount": 350,
            "won_amount": 320,
            "error_amount": 30,
            "absolute_error_amount": 120,
            "wape_rate": "0.375",
        }
    ],
    "marts.mart_sales_pipeline_coverage_month": [
        {
            "period_month": MONTH,
            **SEGMENT,
            "target_amount": 500,
            "won_amount": 300,
            "remaining_amount": 200,
        }
    ],
    "marts.mart_sales_pipeline_open_cycle": [
        {"opportunity_id": "o2", "is_evidenced": False, "missing_evidence_codes": "amount"}
    ],
    "marts.mart_sales_pipeline_movements_cycle": [
        {
            "window_code": "week",
            "scope_code": "open",
            **SEGMENT,
            "n_opening": 3,
            "n_new": 1,
            "n_reopened": 0,
            "n_moved_in": 0,
            "n_entered": 0,
            "n_left": 0,
            "n_won": 1,
            "n_lost": 0,
            "n_moved_out": 0,
            "n_closing": 3,
            "n_slipped": 1,
        }
    ],
    "marts.mart_sales_pipeline_deals_cycle": [
        {
            "window_code": "week",
            "opportunity_id": "o2",
            "entry_code": "carried",
            "opening_amount": 100,
            "rate_amount": 0,
            "change_amount": 5,
            "last_value_amount": 105,
        }
    ],
    "marts.mart_sales_pipeline_paths_cycle": [
        {"path_code": "prospecting", "has_gone_back": False, "n_closed": 2, "n_won": 1}
    ],
    "marts.mart_sales_stage_gates_month": [
        {
            "period_month": MONTH,
            **SEGMENT,
            "stage_code": "proposal",
            "n_past_gate": 3,
            "n_judged": 2,
            "n_without_evidence": 1,
            "gate_without_evidence_rate": "0.5",
        }
    ],
    "marts.mart_sales_stage_verdicts_month": [
        {
            "period_month": MONTH,
            **SEGMENT,
            "stage_code": "proposal",
            "n_matured": 2,
            "n_reached_next": 1,
            "n_months_before": 12,
            "n_matured_before": 30,
            "n_reached_next_before": 15,
        }
    ],
    "marts.mart_sales_stages_month": [
        {
            "period_month": MONTH,
            **SEGMENT,
            "stage_code": "meeting",
            "n_reached": 1,
            "n_matured": 1,
            "n_immature": 0,
            "n_reached_next": 1,
            "stage_conversion_rate": "1",
        }
    ],
    "marts.mart_revops_targets_month": [
        {
            "period_month": MONTH,
            **SEGMENT,
            "n_targets": 2,
            "n_targets_attained": 1,
            "target_attained_rate": "0.5",
            "n_quotas": 1,
            "n_quotas_unconverted": 0,
        }
    ],
    "marts.mart_sales_buying_roles_cycle": [
        {
            **SEGMENT,
            "role_code": "all",
            "n_deals": 1,
            "n_deals_complete": 0,
            "n_deals_empty": 0,
            "n_expected": 3,
            "n_filled": 2,
        }
    ],
    "marts.mart_sales_trigger_events_cycle": [
        {
            "outcome_code": "win",
            "event_kind_code": "any",
            "n_with": 40,
            "n_with_reached": 20,
            "n_without": 40,
            "n_without_reached": 10,
            "difference_points": 25,
            "difference_low_points": 4,
            "difference_high_points": 43,
        }
    ],
    "marts.mart_marketing_social_month": [
        {
            "period_month": MONTH,
            "network_code": "linkedin",
            "holder_kind_code": "rep",
            "holder_code": REP,
            "metric_code": "ssi",
            "kind_code": "level",
            "n_holders": 1,
            "n_figures": 2,
            "metric_value": 50,
        }
    ],
    "marts.mart_revops_objectives_month": [
        {
            "period_month": MONTH,
            **SEGMENT,
            "metric_code": "meetings",
            "stage_code": "all",
            "target_amount": 13,
            "actual_amount": 15,
            "is_attained": True,
            "growth_rate": "0.5",
            "growth_low_rate": "-0.1",
            "growth_high_rate": "1.4",
        }
    ],
    "marts.mart_sales_reps_month": [
        {
            "period_month": MONTH,
            **SEGMENT,
            "n_closed": 2,
            "n_won": 1,
            "win_rate": "0.5",
            "n_activities": 3,
            "n_meetings": 1,
        }
    ],
    "marts.mart_sales_rep_baselines_cycle": [
        {
            "rep_id": REP,
            "measure_code": "touches",
            "baseline_value": 10,
            "interval_low": 8,
            "interval_high": 12,
            "place_best": 1,
            "place_worst": 3,
            "target_reach_probability": "0.4",
        }
    ],
    "marts.mart_sales_experiments_cycle": [
        {
            "experiment_code": "early_call",
            "status_code": "finished",
            "n_test_leads": 300,
            "n_test_converted": 40,
            "n_control_leads": 310,
            "n_control_converted": 30,
            "test_rate": "0.1333333333",
            "is_valid": True,
            "colour_code": "green",
        }
    ],
    "marts.mart_sales_experiment_arms_cycle": [
        {
            "experiment_code": "early_call",
            "arm_code": "test",
            "n_leads": 300,
            "n_converted": 40,
            "conversion_rate": "0.1333333333",
            "n_delivered": 900,
            "n_complained": 0,
        }
    ],
    "marts.mart_sales_experiment_weeks_cycle": [
        {
            "experiment_code": "early_call",
            "look_on": MONTH,
            "metric_code": "cr",
            "n_test": 300,
            "n_test_events": 40,
            "n_control": 310,
            "n_control_events": 30,
        }
    ],
    "marts.mart_sales_deal_models_cycle": [
        {
            "model_code": "stage_entry",
            "is_published": True,
            "n_judged_deals": 40,
            "n_judged_won": 15,
            "n_learned_won": 60,
            "n_features": 5,
            "brier_score": "0.18",
            "base_brier_score": "0.2",
            "log_loss": "0.5",
            "base_log_loss": "0.6",
        }
    ],
    "marts.mart_sales_deal_predictors_cycle": [
        {
            "feature_code": "is_mid",
            "coefficient": "0.2",
            "coefficient_low": "0.1",
            "coefficient_high": "0.3",
            "p_value": "0.01",
            "adjusted_p_value": "0.02",
        }
    ],
    "marts.mart_sales_deal_calibrations_cycle": [
        {"bin_number": 3, "n_passages": 4, "n_won": 1, "won_rate": "0.25"}
    ],
    "marts.mart_sales_deal_scores_cycle": [{"opportunity_id": "o1", "win_probability": "0.4"}],
    "marts.mart_sales_deal_scores_month": [
        {"period_month": MONTH, **SEGMENT, "n_passages": 4, "n_won": 1, "base_brier_score": "0.2"}
    ],
    "marts.mart_finance_revenue_month": [
        {"period_month": MONTH, **segment, **REVENUE_MONTH} for segment in (SEGMENT, SMB)
    ],
    "marts.mart_finance_groups_month": [
        {
            "period_month": MONTH,
            "view_code": "as_was",
            "kind_code": "legal",
            "group_id": "grp_1",
            "revenue_amount": 100,
            "n_lines": 1,
            "n_unconverted_lines": 0,
        }
    ],
    "marts.mart_finance_revenue_growth_month": [
        {
            "period_month": MONTH,
            **SEGMENT,
            "base_amount": 4,
            "growth_amount": 1,
            "yoy_growth_rate": "0.25",
            "year_to_date_amount": 5,
        }
    ],
    "marts.mart_finance_acquisition_month": [
        {"period_month": MONTH, **SEGMENT, "n_accounts_opening": 2, "n_accounts_lost": 1}
    ],
    "marts.mart_finance_churn_reasons_month": [
        {"period_month": MONTH, **SEGMENT, "churn_reason_code": "price", "lost_mrr": 5}
    ],
    "marts.mart_accounts_margins_cycle": [{"account_id": "acc_1", "value_class_code": "pulls_up"}],
    "marts.mart_finance_orders_month": [
        {
            "period_month": MONTH,
            **SEGMENT,
            "n_promised": 2,
            "n_late": 1,
            "n_lines_owed": 3,
            "n_unconverted_lines": 0,
        }
    ],
    "marts.mart_accounts_strategic_month": [
        {"period_month": MONTH, **SEGMENT, "n_strategic_accounts": 2, "n_owned_accounts": 1}
    ],
    "marts.mart_accounts_values_account": [{"account_id": "acc_1", "alive_probability": "0.5"}],
    "marts.mart_accounts_values_month": [
        {"period_month": MONTH, **SEGMENT, "n_accounts": 1, "clv_bgnbd": 64}
    ],
    "marts.mart_accounts_concentration_month": [
        {
            "period_month": MONTH,
            **SEGMENT,
            "hhi": "0.5",
            "n_groups": 3,
            "n_a_groups": 1,
            "n_b_groups": 1,
            "n_c_groups": 1,
            "n_clipped_groups": 0,
        }
    ],
    "marts.mart_finance_mrr_month": [
        {"period_month": month, **segment, **cells}
        for month, cells in ((MONTH, MRR_MONTH), (BEFORE, MAY_MRR_MONTH))
        for segment in (SEGMENT, SMB)
    ],
    "marts.mart_marketing_complaints_week": [{**WEEK, **SEGMENT}, {**WEEK, **ONE_TO_ONE}],
    "marts.mart_revops_guard_rails_week": [
        {
            "iso_week_start_on": "2026-05-25",
            "rail_code": "complaint",
            "n_trials": 1000,
            "n_events": 3,
            "event_rate": "0.003",
            "rate_low": "0.0006",
            "rate_high": "0.0088",
            "rate_upper": "0.0078",
            "bar_rate": "0.002",
            "status_code": "breach",
        }
    ],
    "marts.mart_revops_watch_week": [
        {"iso_week_start_on": "2026-05-25", "kind_code": "complaint", "n_events": 3}
    ],
    "marts.mart_sales_due_followups_cycle": [
        {"lead_id": "lea_0123456789ab", "n_steps_due": 3, "n_steps_done": 1, "days_late": 2}
    ],
    "marts.mart_revops_escalations_cycle": [
        {
            "exclusion_id": "exc_0123456789ab",
            "subject_kind_code": "person",
            "valid_from": "2026-05-01",
            "n_contacts_outside": 0,
        }
    ],
    "marts.mart_revops_contactability_person": [
        {
            "person_id": "per_0123456789ab",
            "legal_basis_code": "legitimate_interest",
            "is_voice_allowed": False,
            "voice_reason_code": "cool_down",
            "is_mail_allowed": False,
            "mail_reason_code": "opt_out",
            "is_social_allowed": False,
            "social_reason_code": "cool_down",
        }
    ],
    "marts.mart_sales_followup_month": [
        {"period_month": MONTH, **segment, **FOLLOWUP_MONTH} for segment in (SEGMENT, OF_REP)
    ],
    "marts.mart_sales_cadences_month": [
        {"period_month": MONTH, **SEGMENT, "n_leads": 2, "n_adherent": 1, "n_steps": 8, "n_steps_kept": 6}
    ],
    "marts.mart_sales_objections_month": [
        {
            "period_month": MONTH,
            **SEGMENT,
            "objection_code": "price",
            "n_activities": 1,
            "n_noted": 1,
            "n_activities_month": 2,
        }
    ],
    "marts.mart_sales_template_shares_cycle": [
        {"template_id": "d-1", "n_touches_q1": 1, "n_templated_q1": 2, "n_touches_q3": 0, "n_templated_q3": 0}
    ],
    "marts.mart_revops_routing_month": [
        {
            "period_month": MONTH,
            **SEGMENT,
            "n_sla_over": 2,
            "n_routed_in_sla": 1,
            "n_followed": 2,
            "n_reassigned": 1,
        }
    ],
    "marts.mart_sales_calls_month": [
        {"period_month": MONTH, **segment, **CALLED} for segment in (SEGMENT, OF_REP)
    ],
    "marts.mart_sales_call_hours_cycle": [
        {
            "weekday_number": 0,
            "local_hour_code": "10",
            "connect_rate_low": "0.1",
            "connect_rate": "0.3",
            "connect_rate_high": "0.6",
        }
    ],
    "marts.mart_marketing_emails_month": [
        {"period_month": MONTH, **segment, **EMAILS_MONTH} for segment in (SEGMENT, ONE_TO_ONE)
    ],
    "marts.mart_revops_handoffs_month": [
        {
            "period_month": MONTH,
            **SEGMENT,
            "n_mql": 3,
            "n_sla_over": 2,
            "n_lost": 1,
            "n_matured": 1,
            "n_accepted": 1,
            "n_sql_matured": 2,
            "n_sql_with_opportunity": 1,
            "n_cs_handoffs": 3,
            "n_cs_unjudged": 1,
            "n_cs_sla_over": 2,
            "n_cs_lost": 1,
        }
    ],
    "marts.mart_revops_activity_month": [
        {
            "period_month": MONTH,
            **segment,
            "n_activities": 3,
            "n_human": 3,
            "n_system_events": 2,
            "n_logged_events": 1,
        }
        for segment in (SEGMENT, BY_HAND)
    ],
    "marts.mart_management_kpis_month": [
        {
            "metric_name": "cr",
            "period_month": MONTH,
            **SEGMENT,
            "metric_value": "0.4",
            "numerator": 2,
            "denominator": 5,
            "unit_code": "rate",
        }
    ],
    "marts.mart_finance_retention_month": [
        {
            "period_month": month,
            **SEGMENT,
            "opening_mrr": cells["opening_mrr"],
            "lost_mrr": 5 if month == MONTH else 0,
            "n_accounts_lost": 0,
            "n_accounts_opening": 1,
            "grr_rate": "1",
            "arpa_amount": 110,
        }
        for month, cells in ((MONTH, MRR_MONTH), (BEFORE, MAY_MRR_MONTH))
    ],
    "marts.mart_finance_cohorts_month": [
        {
            "period_month": MONTH,
            **SEGMENT,
            "age_months": 1,
            "n_lost": 1,
            "n_starts": 2,
            "retention_rate": "0.5",
        }
    ],
    "marts.mart_finance_cohorts_quarter": [{"start_quarter_on": MONTH, "n_lost": 1, "n_starts": 2}],
    "marts.mart_accounts_customers_month": [
        {"period_month": MONTH, **SEGMENT, "n_promoters": 1, "n_responses": 2, "health_auc_rate": "0.7"}
    ],
    "marts.mart_accounts_health_month": [{"account_id": "acc_1", "period_month": MONTH, "health_score": 80}],
    "marts.mart_management_framing_cycle": [
        {"kind_code": "segment", "item_code": "smb", "n_in": 1, "n_out": 3, "out_rate": "0.75"}
    ],
    "marts.mart_management_steps_cycle": [
        {"step_code": "frame", "status_code": "done"},
        {"step_code": "decide", "status_code": "open", "reason_code": "nothing_decided"},
    ],
}
