"""The rows of planted_good.py in the marts: one good row of each, at least.

What does not belong here: rows of sources, facts and metrics (planted_good.py, planted_sources.py).
"""

from __future__ import annotations

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
    "marts.mart_sales_touch_points_cycle": [
        {
            "period_code": "month",
            "design_code": "naive",
            **SEGMENT,
            "n_touches": 3,
            "n_leads": 5,
            "n_converted": 2,
        }
    ],
    "marts.mart_sales_touch_lines_cycle": [
        {
            "period_code": "month",
            "design_code": "naive",
            **SEGMENT,
            "n_leads": 5,
            "n_converted": 2,
            "conversion_rate": "0.4",
            "n_q1": 1,
            "n_q2": 1,
            "n_q3": 2,
            "n_q4": 1,
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
    "marts.mart_sales_pipeline_paths_cycle": [
        {"path_code": "prospecting", "has_gone_back": False, "n_closed": 2, "n_won": 1}
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
    "marts.mart_sales_reps_month": [
        {
            "period_month": MONTH,
            **SEGMENT,
            "n_closed": 2,
            "n_won": 1,
            "win_rate": "0.5",
            "n_touches": 3,
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
        {"period_month": MONTH, **SEGMENT, "base_amount": 4, "growth_amount": 1, "yoy_growth_rate": "0.25"}
    ],
    "marts.mart_finance_acquisition_month": [
        {"period_month": MONTH, **SEGMENT, "n_accounts_opening": 2, "n_accounts_churned": 1}
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
            "n_accounts_lost": 0,
            "n_accounts_opening": 1,
            "grr_rate": "1",
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
}
