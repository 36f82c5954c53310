"""Good rows of every staged contract. The first row of a table is the one that planted_bad.py changes."""

from __future__ import annotations

from planted_values import (
    ANSWER,
    CALL,
    COMPANY,
    COST,
    EARLIER,
    ENTRY,
    IN_JUNE,
    INVOICE,
    LATER,
    LEAD,
    MONTH,
    OPEN_LEAD,
    OPPORTUNITY,
    OPT_IN,
    ORDER_LINE,
    PERSON,
    QUOTA,
    RECEIVABLE,
    SALE,
    SUBSCRIPTION,
    USAGE,
    Row,
    staged,
)

SOURCES: dict[str, list[Row]] = {
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
    "staging.stg_crm__opportunity_contact_roles": [
        staged(
            "crm_opportunity_contact_role",
            "cr1",
            opportunity_id="o1",
            contact_id="c1",
            role="Champion",
            role_code="champion",
        )
    ],
    "staging.stg_crm__account_events": [
        staged("crm_account_event", "ev1", account_id="a1", event_kind="funding", occurred_on="2026-06-10")
    ],
    "staging.stg_social__metrics": [
        staged(
            "social_metric",
            "sm1",
            network="linkedin",
            owner_email="a@own.example",
            metric="ssi",
            period="month",
            measured_on=MONTH,
            value=50,
        )
    ],
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
    "staging.stg_erp__order_lines": [staged("erp_order_line", "ol1", **ORDER_LINE)],
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
}
