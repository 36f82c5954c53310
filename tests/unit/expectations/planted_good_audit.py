"""The rows of planted_good.py in the marts that the audit of a cycle publishes: lines, thresholds, accounts.

What does not belong here: rows of the KPI marts (planted_good_marts.py).
"""

from __future__ import annotations

from planted_values import (
    MONTH,
    SEGMENT,
    Row,
)

AUDIT_MARTS: dict[str, list[Row]] = {
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
    "marts.mart_marketing_complaint_trends_cycle": [
        {**SEGMENT, "n_delivered": 5, "n_complained": 1, "n_delivered_before": 5, "n_complained_before": 0}
    ],
    "marts.mart_sales_touch_yields_cycle": [
        {**SEGMENT, "touch_number": 1, "n_at_risk": 5, "n_events": 2, "yield_rate": "0.4"}
    ],
    "marts.mart_sales_thresholds_cycle": [
        {**SEGMENT, "rule_code": "min_touches", "data_value": 4, "data_low": 3, "data_high": 5}
    ],
    "marts.mart_sales_threshold_loads_cycle": [{**SEGMENT, "n_leads": 5, "n_leads_without_threshold": 1}],
    "marts.mart_sales_adherence_cycle": [
        {
            **SEGMENT,
            "rule_code": "min_touches",
            "n_leads": 5,
            "n_exempt": 1,
            "n_not_assessed": 1,
            "n_judged": 3,
            "n_within": 2,
            "n_breaches": 1,
            "within_rate": "0.6666666667",
        },
        {
            "segment_kind_code": "channel_size",
            "segment_code": "inbound/smb",
            "rule_code": "ttf_max_hours",
            "n_leads": 2,
            "n_exempt": 0,
            "n_not_assessed": 0,
            "n_judged": 2,
            "n_within": 0,
            "n_breaches": 2,
            "within_rate": 0,
        },
    ],
    "marts.mart_revops_missing_events_cycle": [
        {
            "kind_code": "meeting_person",
            "source_instance": "all",
            "missing_on": "2026-06-02",
            "n_judged": 3,
            "n_missing": 1,
            "rule_id": "R-FCT-261",
        }
    ],
    "marts.mart_sales_late_contacts_cycle": [
        {
            "lead_id": "lea_0123456789ab",
            "channel_code": "inbound",
            "size_band_code": "smb",
            "due_at": "2026-06-02 11:00:00",
            "first_contact_at": "2026-06-02 12:00:00",
            "status_code": "contacted_late",
            "hours_late": 1,
            "hours_late_reason_code": None,
        },
        {  # the time is over in the last instant of the cycle
            "lead_id": "lea_2123456789ab",
            "channel_code": "inbound",
            "size_band_code": "smb",
            "due_at": "2026-06-30 22:00:00",
            "first_contact_at": None,
            "status_code": "waiting",
            "hours_late": 0,
            "hours_late_reason_code": None,
        },
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
    "marts.mart_sales_touch_cuts_cycle": [
        {
            "period_code": "month",
            "design_code": "naive",
            "segment_kind_code": "channel",
            "n_segments": 2,
            "n_eligible_segments": 2,
            "heterogeneity_p": "0.2",
            "heterogeneity_p_adjusted": "0.4",
            "i_squared": "0.3",
        }
    ],
    "marts.mart_sales_line_checks_cycle": [
        {
            **SEGMENT,
            "n_leads": 5,
            "n_converted": 2,
            "n_accounts": 4,
            "adjusted_slope": "0.02",
            "adjusted_slope_low": "0.01",
            "adjusted_slope_high": "0.03",
            "robustness_rate": "0.1",
            "robustness_bound_rate": "0.05",
            "marginal_effect_reason_code": "insufficient",
            "n_touches_at_risk": 9,
            "n_touch_events": 2,
            "hazard_ratio": "1.1",
            "hazard_ratio_low": "0.9",
            "hazard_ratio_high": "1.3",
            "form_share_rate": "0.6",
        }
    ],
    "marts.mart_sales_phase_lines_cycle": [
        {
            "phase_code": "mql",
            "n_units": 5,
            "n_events": 2,
            "event_rate": "0.4",
            "p_value": "0.2",
            "p_value_adjusted": "0.4",
        }
    ],
    "marts.mart_sales_ttf_cycle": [
        {
            "period_code": "month",
            **SEGMENT,
            "n_leads": 5,
            "n_contacted": 4,
            "n_never_contacted": 1,
            "n_negative": 0,
            "n_day_only": 0,
            "ttf_hours_low": 1,
            "ttf_hours_median": 2,
            "ttf_hours_high": 3,
            "n_target_due": 5,
            "n_target_met": 3,
            "target_met_rate": "0.6",
        }
    ],
    "marts.mart_sales_ttf_buckets_cycle": [
        {
            "period_code": "month",
            **SEGMENT,
            "bucket_code": "later",
            "n_leads": 5,
            "n_converted": 2,
            "conversion_low": "0.1",
            "conversion_rate": "0.4",
            "conversion_high": "0.8",
        }
    ],
    "marts.mart_sales_touch_quality_cycle": [
        {
            "period_code": "month",
            **SEGMENT,
            "touch_channel_code": "all",
            "n_touches": 5,
            "n_answerable": 4,
            "n_answered": 2,
            "n_met_touches": 1,
            "answer_rate": "0.5",
        }
    ],
    "marts.mart_sales_top_outliers_cycle": [{"top_rank": 1, "class_code": "risk"}],
    "marts.mart_accounts_quadrants_cycle": [
        {
            "account_id": "acc_1",
            "n_leads": 5,
            "n_converted": 2,
            "conversion_rate": "0.4",
            "recurring_quadrant_code": "q1",
            "is_recurring": True,
        }
    ],
    "marts.mart_accounts_lines_cycle": [
        {
            "period_start": MONTH,
            "n_accounts": 4,
            "n_leads": 5,
            "n_q1": 1,
            "n_q2": 1,
            "n_q3": 1,
            "n_q4": 1,
            "q1_share_rate": "0.25",
        }
    ],
    "marts.mart_accounts_spreads_cycle": [
        {
            "n_touches": 3,
            "conversion_mean": "0.4",
            "conversion_low_quarter": "0.2",
            "conversion_median": "0.4",
            "conversion_high_quarter": "0.6",
        }
    ],
    "marts.mart_management_express_questions_cycle": [
        {"question_number": 1, "answer_code": "yes", "reason_code": None}
    ],
}
