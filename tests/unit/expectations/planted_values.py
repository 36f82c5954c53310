"""Values of good records, by kind of record, and the provenance of a staged one.

What does not belong here: the tables (planted_sources.py, planted_good.py).
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
ORDER_LINE = {
    "status": "open",
    "ordered_on": "2026-06-01",
    "promised_on": "2026-06-20",
    "net_amount": 100,
    "currency": "EUR",
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
OF_REP = {"segment_kind_code": "rep", "segment_code": REP}
BY_HAND = {"segment_kind_code": "handling", "segment_code": "human"}
CALLED = {"n_dialled": 3, "n_answered": 2, "n_connected": 1, "n_connected_matured": 1}
FOLLOWUP_MONTH = {
    "n_leads": 1,
    "n_followed_up": 1,
    "n_contact_due": 1,
    "n_contacted_same_day": 0,
    "n_km_leads": 1,
    "n_km_contacted": 1,
    "n_fields_filled": 4,
    "n_fields_expected": 5,
}
EMAILS_MONTH = {
    "n_sent": 1,
    "n_delivered": 1,
    "n_opened": 0,
    "n_delivered_with_openings": 1,
    "n_bounced_hard": 0,
}
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
    "new_mrr_ytd": 0,
    "closing_mrr": 110,
    "n_accounts_opening": 1,
    "n_accounts_new": 0,
    "n_accounts_reactivated": 0,
    "n_accounts_churned": 0,
    "n_accounts_closing": 1,
}
MAY_MRR_MONTH = MRR_MONTH | {"closing_mrr": 100}
QUOTA_FACT: Row = {
    "scope_code": "rep",
    "rep_id": REP,
    "team_name": "north",
    "metric_code": "revenue",
    "basis_code": "value",
    "currency": "EUR",
}

LONG_AGO = "2026-04-01 00:00:00"
