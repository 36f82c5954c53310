"""Rows on which every rule of the catalogue passes, and that every rule has at least one row of to judge.

What does not belong here: rows that fail (planted_bad.py), tables and files (planted_rules.py).
"""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]

MONTH = "2026-06-01"
BEFORE = "2026-05-01"
NEXT = "2026-07-01"
IN_JUNE = "2026-06-10 09:00:00"
LATER = "2026-06-12 09:00:00"
EARLIER = "2026-06-01 09:00:00"
SIREN, VAT = "552081317", "FR03552081317"


def staged(contract: str, identifier: str, **values: Any) -> Row:
    return {
        "source_instance": "one",
        "record_key": f"one/{contract}/{identifier}",
        "source_record_id": identifier,
        "_delivery_id": "0123456789ab",
        "_source_row_id": 7,
        "_record_part": 0,
        "delivered_on": "2026-06-30",
        "is_deleted": False,
        **values,
    }


PERSON = {"last_name": "Durand", "email": "a@b.example"}
LEAD = {
    **PERSON,
    "owner_id": "u1",
    "status": "converted",
    "is_converted": True,
    "created_at": IN_JUNE,
    "converted_at": LATER,
    "converted_account_id": "a1",
    "channel_code": "inbound",
    "country_code": "FR",
    "employee_count": 40,
    "timezone": "Europe/Paris",
    "n_touches_declared": 3,
}
OPEN_LEAD = LEAD | {
    "status": "new",
    "is_converted": False,
    "converted_at": None,
    "converted_account_id": None,
}
OPPORTUNITY = {
    "status": "won",
    "stage_code": "won",
    "probability": 1,
    "created_at": IN_JUNE,
    "closed_at": LATER,
    "modified_at": LATER,
    "amount": 100,
    "currency": "EUR",
    "account_id": "a1",
    "owner_id": "u1",
}
CALL = {
    "direction": "outbound",
    "outcome": "answered",
    "ring_s": 4,
    "talk_s": 5,
    "duration_s": 10,
    "external_phone": "+33600000000",
    "agent_key": "201",
    "started_at": IN_JUNE,
    "ended_at": "2026-06-10 09:00:10",
}
COMPANY = {
    "registration_number": SIREN,
    "vat_number": VAT,
    "country_code": "FR",
    "postal_code": "75008",
    "created_at": EARLIER,
    "modified_at": IN_JUNE,
}
INVOICE = {
    "document_type": "invoice",
    "document_number": "F1",
    "status": "paid",
    "customer_id": "k1",
    "invoice_date": "2026-06-10",
    "due_date": "2026-07-10",
    "paid_at": LATER,
    "currency": "EUR",
    "net_amount": 100,
    "tax_amount": 20,
    "gross_amount": 120,
}
ENTRY = {
    "journal_code": "VE",
    "entry_number": "1",
    "entry_date": "2026-06-10",
    "document_date": "2026-06-10",
    "document_ref": "F1",
    "validated_on": "2026-06-30",
    "is_opening": False,
}
RECEIVABLE = {"account_class": "receivable", "account_number": "41100000", "customer_code": "K1"}
SALE = {"account_class": "revenue", "account_number": "70600000"}
SUBSCRIPTION = {
    "customer_id": "k1",
    "product_id": "p1",
    "billing_period_months": 12,
    "unit_amount": 1200,
    "quantity": 1,
    "discount_amount": 0,
    "mrr_amount": 100,
    "currency": "EUR",
    "status": "active",
    "started_on": "2026-01-01",
    "ended_on": None,
    "is_test": False,
}
QUOTA = {
    "owner_id": "u1",
    "owner_email": None,
    "team_name": None,
    "period_start": MONTH,
    "period_end": "2026-06-30",
    "metric": "revenue",
    "currency": "EUR",
    "target": 10,
}
COST = {
    "department": "marketing",
    "cost_kind": "agency",
    "supplier": "agency one",
    "period_start": MONTH,
    "period_end": "2026-06-30",
    "amount": 10,
    "currency": "EUR",
}
ANSWER = {
    "score": 10,
    "survey": "nps",
    "person_type": "contact",
    "person_id": "c1",
    "sent_at": EARLIER,
    "answered_at": IN_JUNE,
}
USAGE = {
    "account_id": "a1",
    "customer_id": None,
    "subscription_id": "s3",
    "person_key": None,
    "email": None,
    "occurred_at": IN_JUNE,
    "usage_count": 5,
    "usage_s": 60,
    "error_count": 1,
}
OPT_IN = {
    "person_type": "contact",
    "person_id": "c1",
    "email": "a@b.example",
    "channel": "email",
    "status": "opt_in",
    "origin": "form",
    "effective_at": IN_JUNE,
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
SEGMENT = {"segment_kind_code": "all", "segment_code": "all"}
SMB = {"segment_kind_code": "size_band", "segment_code": "smb"}
ONE_TO_ONE = {"segment_kind_code": "sending", "segment_code": "one_to_one"}
IN_GROUP = {"account_id": "acc_1", "kind_code": "legal", "valid_from": MONTH}
REP = "one/crm_user/u1"
WON = {
    "account_id": "acc_1",
    "rep_id": REP,
    "status_code": "won",
    "is_won": True,
    "is_lost": False,
    "amount": 100,
    "currency": "EUR",
    "exchange_rate": 1,
    "amount_reporting": 100,
    "opened_on": "2026-06-10",
    "closed_on": "2026-06-12",
    "sales_cycle_days": 2,
}
CLOSED = {"is_won": True, "is_lost": False, "amount": 100, "currency": "EUR"}
INVOICED = {
    "account_id": "acc_1",
    "product_id": "one/erp_product/p1",
    "invoiced_on": "2026-06-10",
    "currency": "EUR",
    "net_amount": 100,
    "exchange_rate": 1,
    "net_amount_reporting": 100,
    "is_intercompany": False,
}
BOOKED = {"account_id": "acc_1", "entry_on": "2026-06-10", "revenue_amount": 100}
SEND = {
    "source_instance": "one",
    "message_id": "ms1",
    "sent_at": IN_JUNE,
    "delivered_at": IN_JUNE,
    "replied_at": LATER,
    "is_sent": True,
    "is_delivered": True,
    "is_bounced_hard": False,
    "is_opened": True,
    "is_clicked": False,
    "is_replied": True,
    "is_automated": False,
}
LEADS_MONTH = {
    "n_leads": 1,
    "n_matured": 1,
    "n_immature": 0,
    "n_converted_in_window": 1,
    "conversion_rate": "1",
    "n_older_24h": 1,
    "n_contacted_24h": 1,
    "touches_first_quartile": 1,
    "touches_median": 2,
    "touches_third_quartile": 3,
}
OPPORTUNITIES_MONTH = {"n_closed": 1, "n_won": 1, "n_lost": 0, "win_rate": "1"}
WEEK = {
    "iso_week_start_on": "2026-06-08",
    "n_sent": 1,
    "n_delivered": 1,
    "n_bounced_hard": 0,
    "n_complained": 0,
    "complaint_rate": "0",
}
REVENUE_MONTH = {
    "revenue_amount": 100,
    "new_business_amount": 50,
    "n_lines": 1,
    "n_unconverted_lines": 0,
    "n_groups": 1,
    "n_new_business_groups": 1,
}
MRR_MONTH = {
    "opening_mrr": 100,
    "closing_mrr": 110,
    "n_accounts_opening": 1,
    "n_accounts_new": 0,
    "n_accounts_reactivated": 0,
    "n_accounts_churned": 0,
    "n_accounts_closing": 1,
}
MAY_MRR_MONTH = MRR_MONTH | {"closing_mrr": 100}

# The first row of a table is the one that planted_bad.py changes.
GOOD: dict[str, list[Row]] = {
    "staging.stg_crm__users": [
        staged(
            "crm_user",
            "u1",
            email="u1@etalon.example",
            timezone="Europe/Paris",
            phone_extension="201",
            is_active=True,
        )
    ],
    "staging.stg_crm__accounts": [
        staged(
            "crm_account",
            "a1",
            domain="acme.example",
            industry="building",
            employee_count=40,
            annual_revenue=1000000,
            currency="EUR",
            owner_id="u1",
            **COMPANY,
        )
    ],
    "staging.stg_crm__contacts": [
        staged(
            "crm_contact",
            "c1",
            account_id="a1",
            owner_id="u1",
            job_title="buyer",
            email_opt_out=True,
            opt_out_at=IN_JUNE,
            created_at=EARLIER,
            **PERSON,
        )
    ],
    "staging.stg_crm__leads": [
        staged("crm_lead", "l1", **LEAD),
        staged(
            "crm_lead",
            "l2",
            **OPEN_LEAD | {"status": "disqualified", "disqualified_reason": "budget"},
        ),
        staged("crm_lead", "l3", **OPEN_LEAD),
    ],
    "staging.stg_crm__opportunities": [
        staged("crm_opportunity", "o1", **OPPORTUNITY),
        staged(
            "crm_opportunity",
            "o2",
            **OPPORTUNITY
            | {"status": "lost", "stage_code": "lost", "probability": 0, "lost_reason": "price"},
        ),
        staged(
            "crm_opportunity",
            "o3",
            **OPPORTUNITY
            | {
                "status": "open",
                "stage_code": "proposal",
                "probability": "0.5",
                "closed_at": None,
                "expected_close_date": "2026-07-31",
            },
        ),
    ],
    "staging.stg_crm__opportunity_events": [
        staged(
            "crm_opportunity_event",
            "e1",
            opportunity_id="o1",
            field="stage",
            stage_code="won",
            old_value="meeting",
            new_value="won",
            changed_at=LATER,
        )
    ],
    "staging.stg_crm__activities": [
        staged(
            "crm_activity",
            "t1",
            activity_type="call",
            direction="outbound",
            outcome="reached",
            person_type="lead",
            person_id="l1",
            owner_id="u1",
            duration_s=60,
            is_automated=False,
            occurred_at=IN_JUNE,
        )
    ],
    "staging.stg_crm__opportunity_lines": [
        staged(
            "crm_opportunity_line",
            "ol1",
            opportunity_id="o1",
            quantity=2,
            unit_price=60,
            discount_amount=20,
            amount=100,
            currency="EUR",
            is_recurring=True,
            term_months=12,
        )
    ],
    "staging.stg_crm__campaigns": [
        staged(
            "crm_campaign",
            "ca1",
            status="completed",
            starts_on=MONTH,
            ends_on="2026-06-20",
            planned_cost=100,
            actual_cost=90,
            currency="EUR",
        )
    ],
    "staging.stg_crm__campaign_members": [
        staged(
            "crm_campaign_member",
            "cm1",
            campaign_id="ca1",
            person_type="lead",
            person_id="l1",
            status="responded",
            responded_at=IN_JUNE,
        )
    ],
    "staging.stg_crm__quotas": [staged("crm_quota", "q1", **QUOTA)],
    "staging.stg_crm__merges": [
        staged("crm_merge", "g1", entity="account", surviving_id="a1", merged_id="a0")
    ],
    "staging.stg_crm__consents": [
        staged("crm_consent", "co1", **OPT_IN),
        staged(
            "crm_consent",
            "co2",
            **OPT_IN | {"channel": "call", "status": "cooling_off", "expires_at": LATER},
        ),
    ],
    "staging.stg_erp__customers": [staged("erp_customer", "k1", code="K1", **COMPANY)],
    "staging.stg_erp__invoices": [
        staged("erp_invoice", "i1", **INVOICE),
        staged(
            "erp_invoice",
            "i2",
            **INVOICE
            | {
                "document_type": "credit_note",
                "document_number": "A1",
                "original_document_id": "i1",
                "invoice_date": "2026-06-11",
                "net_amount": -10,
                "tax_amount": -2,
                "gross_amount": -12,
            },
        ),
        staged(
            "erp_invoice",
            "i3",
            **INVOICE
            | {
                "document_number": "F2",
                "status": "posted",
                "invoice_date": "2026-06-12",
                "paid_at": None,
            },
        ),
    ],
    "staging.stg_erp__invoice_lines": [
        staged(
            "erp_invoice_line",
            "n1",
            invoice_id="i1",
            line_number=1,
            product_id="p1",
            quantity=2,
            unit_price=50,
            net_amount=100,
            is_recurring=True,
            service_from=MONTH,
            service_to="2027-05-31",
        )
    ],
    "staging.stg_erp__payments": [
        staged(
            "erp_payment",
            "y1",
            invoice_id="i1",
            payment_type="payment",
            status="succeeded",
            paid_on="2026-06-12",
            amount=120,
            currency="EUR",
        )
    ],
    "staging.stg_erp__products": [
        staged("erp_product", "p1", code="P1", family="software", unit_price=50, unit_cost=20, currency="EUR")
    ],
    "staging.stg_erp__subscriptions": [
        staged("erp_subscription", "s1", **SUBSCRIPTION),
        staged(
            "erp_subscription",
            "s3",
            **SUBSCRIPTION | {"product_id": "p2", "status": "canceled", "ended_on": "2026-06-30"},
        ),
    ],
    "staging.stg_erp__ledger_entries": [
        staged("erp_ledger_entry", "g1", debit=100, credit=0, **ENTRY, **RECEIVABLE),
        staged("erp_ledger_entry", "g2", debit=0, credit=100, **ENTRY, **SALE),
        staged(
            "erp_ledger_entry",
            "g3",
            debit=5,
            credit=0,
            **ENTRY | {"entry_number": "2", "entry_date": "2026-03-10", "document_date": "2026-03-10"},
            **RECEIVABLE,
        ),
        staged(
            "erp_ledger_entry",
            "g4",
            debit=0,
            credit=5,
            **ENTRY | {"entry_number": "2", "entry_date": "2026-03-10", "document_date": "2026-03-10"},
            **SALE,
        ),
    ],
    "staging.stg_finance__exchange_rates": [
        staged(
            "exchange_rate", "x1", rate_date="2026-06-15", from_currency="USD", to_currency="EUR", rate="0.92"
        )
    ],
    "staging.stg_finance__marketing_costs": [staged("marketing_cost", "mc1", **COST)],
    "staging.stg_telephony__call_legs": [
        staged("telephony_call_leg", "q1", **CALL),
        staged("telephony_call_leg", "q2", **CALL | {"outcome": "no_answer", "talk_s": 0}),
    ],
    "staging.stg_emailing__events": [
        staged("email_event", "m1", recipient_email="a@b.example", occurred_at=IN_JUNE)
    ],
    "staging.stg_emailing__messages": [
        staged("email_message", "ms1", message_id="ms1", n_recipients=1, sent_at=IN_JUNE, is_test=False)
    ],
    "staging.stg_calendar__events": [
        staged(
            "calendar_event",
            "v1",
            organizer_email="u1@etalon.example",
            status="confirmed",
            is_all_day=False,
            starts_at=IN_JUNE,
            ends_at="2026-06-10 10:00:00",
        )
    ],
    "staging.stg_calendar__attendees": [
        staged("calendar_attendee", "w1", event_key="v1", email="a@b.example")
    ],
    "staging.stg_survey__responses": [staged("nps_response", "np1", **ANSWER)],
    "staging.stg_product__usages": [staged("product_usage", "us1", **USAGE)],
    "master.xref_accounts": [{"record_key": "one/crm_account/a1", "account_id": "acc_1"}],
    "master.xref_persons": [{"record_key": "one/crm_lead/l1", "person_id": "per_1"}],
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
    "master.bridge_person_accounts": [
        {"person_id": "per_1", "account_id": "acc_1", "valid_from": MONTH, "is_primary": True}
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
        }
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
        {"account_month_key": "acc_1/2026-06-01", "period_month": MONTH, "mrr": 110, "n_rates_missing": 0},
        {"account_month_key": "acc_1/2026-05-01", "period_month": BEFORE, "mrr": 100, "n_rates_missing": 0},
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
    "metrics.fct_revenue_group_months": [{"group_month_key": "g", "n_lines": 1, "n_unconverted_lines": 0}],
    "metrics.time_spine_daily": [{"date_day": MONTH}, {"date_day": "2026-06-02"}],
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
    "marts.mart_finance_mrr_month": [
        {"period_month": month, **segment, **cells}
        for month, cells in ((MONTH, MRR_MONTH), (BEFORE, MAY_MRR_MONTH))
        for segment in (SEGMENT, SMB)
    ],
    "marts.mart_marketing_complaints_week": [{**WEEK, **SEGMENT}, {**WEEK, **ONE_TO_ONE}],
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
}
