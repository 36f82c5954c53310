"""One change of a good row per rule and table that makes exactly this rule fail, once.

A change is laid over the first good row of its table; rows of staging get a key of their own. A list plants
several rows of which one group fails. What does not belong here: good rows (planted_good.py).
"""

from __future__ import annotations

from planted_bad_figures import FIGURES
from planted_good import GOOD
from planted_values import BEFORE, IN_JUNE, LATER, LONG_AGO, MONTH, NEXT, OPEN_LEAD, Row

TOO_LATE = "2026-07-03 00:00:00"  # good rows are delivered on the 30th of June
STALE = {"source_instance": "two"}

S = "staging.stg_"
USERS, ACCOUNTS, CONTACTS = f"{S}crm__users", f"{S}crm__accounts", f"{S}crm__contacts"
LEADS, OPPORTUNITIES, EVENTS = f"{S}crm__leads", f"{S}crm__opportunities", f"{S}crm__opportunity_events"
ACTIVITIES, LINES = f"{S}crm__activities", f"{S}crm__opportunity_lines"
CAMPAIGNS, MEMBERS, QUOTAS = f"{S}crm__campaigns", f"{S}crm__campaign_members", f"{S}crm__quotas"
MERGES, CONSENTS = f"{S}crm__merges", f"{S}crm__consents"
CUSTOMERS, INVOICES, INVOICE_LINES = f"{S}erp__customers", f"{S}erp__invoices", f"{S}erp__invoice_lines"
ORDER_LINES = f"{S}erp__order_lines"
ROLES, TRIGGERS, FIGURES_OF_NETWORKS = (
    f"{S}crm__opportunity_contact_roles",
    f"{S}crm__account_events",
    f"{S}social__metrics",
)
PAYMENTS, PRODUCTS, SUBSCRIPTIONS = f"{S}erp__payments", f"{S}erp__products", f"{S}erp__subscriptions"
LEDGER, RATES, COSTS = (
    f"{S}erp__ledger_entries",
    f"{S}finance__exchange_rates",
    f"{S}finance__marketing_costs",
)
LEGS, MAILS, MESSAGES = f"{S}telephony__call_legs", f"{S}emailing__events", f"{S}emailing__messages"
MEETINGS, ATTENDEES = f"{S}calendar__events", f"{S}calendar__attendees"
ANSWERS, USAGES = f"{S}survey__responses", f"{S}product__usages"
M, F, R = "master.", "master.fct_", "marts.mart_"
CADENCES, SEND_DAYS = "metrics.fct_lead_cadences", "metrics.fct_email_send_days"

OPEN = {"status": "open", "stage_code": "proposal", "closed_at": None}
UNPAID = {"status": "posted", "paid_at": None, "document_number": "F9"}
CREDIT = {
    "document_type": "credit_note",
    "document_number": "A9",
    "net_amount": -10,
    "tax_amount": -2,
    "gross_amount": -12,
}

CHANGES: dict[str, dict[str, Row | list[Row]]] = {
    "R-CRM-002": {LEADS: {"email": None}},
    "R-CRM-003": {LEADS: {"created_at": None}},
    "R-CRM-006": {LEADS: {"status": "new"}},
    "R-CRM-009": {OPPORTUNITIES: {"status": "lost", "closed_at": None}},
    "R-CRM-010": {OPPORTUNITIES: {"amount": 0}},
    "R-CRM-012": {
        ACCOUNTS: {"registration_number": "55208131"},
        CUSTOMERS: {"registration_number": "FR 552 081 317"},
    },
    "R-CRM-013": {
        LEADS: {**STALE, "created_at": LONG_AGO},
        ACTIVITIES: {**STALE, "occurred_at": LONG_AGO},
    },
    "R-CRM-016": {QUOTAS: {"owner_id": None, "metric": "activities"}},
    "R-CRM-017": {MERGES: {"merged_id": "a1"}},
    "R-CRM-018": {CONSENTS: {"person_id": None, "email": None}},
    "R-CRM-020": {USERS: {"left_on": BEFORE}},
    "R-CRM-021": {USERS: {"email": None}},
    "R-CRM-022": {USERS: {"timezone": "GMT+1"}, LEADS: {"timezone": "Paris"}},
    "R-CRM-023": {
        USERS: {"manager_id": "bad"},
        ACCOUNTS: {"parent_account_id": "bad"},
        CONTACTS: {"merged_into_id": "bad"},
        LEADS: {"merged_into_id": "bad"},
        CAMPAIGNS: {"parent_campaign_id": "bad"},
    },
    "R-CRM-024": {USERS: {}},
    "R-CRM-030": {ACCOUNTS: {"country_code": None}, CUSTOMERS: {"country_code": None}},
    "R-CRM-031": {
        ACCOUNTS: {"country_code": "FRA"},
        LEADS: {"country_code": "fr"},
        CUSTOMERS: {"country_code": "France"},
    },
    "R-CRM-032": {ACCOUNTS: {"vat_number": "03552081317"}, CUSTOMERS: {"vat_number": "0417497106"}},
    "R-CRM-033": {ACCOUNTS: {"country_code": "BE"}, CUSTOMERS: {"vat_number": "BE0417497106"}},
    "R-CRM-034": {ACCOUNTS: {"vat_number": "FR03552081318"}, CUSTOMERS: {"vat_number": "FR5520813"}},
    "R-CRM-035": {
        ACCOUNTS: {"registration_number": "552081318"},
        CUSTOMERS: {"registration_number": "552 081 371"},
    },
    "R-CRM-036": {ACCOUNTS: {"employee_count": 2500001}, LEADS: {"employee_count": -1}},
    "R-CRM-037": {ACCOUNTS: {"annual_revenue": 400000001}},
    "R-CRM-038": {ACCOUNTS: {"currency": None}},
    "R-CRM-040": {ACCOUNTS: {"domain": "http://acme"}},
    "R-CRM-041": {ACCOUNTS: {"domain": "gmail.com"}},
    "R-CRM-042": {
        ACCOUNTS: {"owner_id": None},
        CONTACTS: {"owner_id": None},
        OPPORTUNITIES: {"owner_id": None},
    },
    "R-CRM-043": {
        ACCOUNTS: {"registration_number": None, "vat_number": None, "domain": None},
        CUSTOMERS: {"registration_number": None, "vat_number": None},
    },
    "R-CRM-044": {ACCOUNTS: {"employee_count": None}},
    "R-CRM-045": {ACCOUNTS: {"postal_code": "1000"}, CUSTOMERS: {"postal_code": "F-75008"}},
    "R-CRM-046": {ACCOUNTS: {"industry": None}},
    "R-CRM-050": {CONTACTS: {"email": None}},
    "R-CRM-051": {CONTACTS: {"account_id": None}},
    "R-CRM-052": {CONTACTS: {"last_name": None}, LEADS: {"last_name": None}},
    "R-CRM-053": {CONTACTS: {"last_name": "TEST"}, LEADS: {"last_name": "Inconnu"}},
    "R-CRM-054": {CONTACTS: {"email": "noreply@acme.fr"}, LEADS: {"email": "test@acme.fr"}},
    "R-CRM-055": {CONTACTS: {"email_opt_out": False}},
    "R-CRM-056": {CONTACTS: {"job_title": None}},
    "R-CRM-060": {LEADS: {"channel_code": None}},
    "R-CRM-061": {LEADS: {"owner_id": None}},
    "R-CRM-062": {LEADS: {"converted_at": None}},
    "R-CRM-063": {LEADS: {"converted_account_id": None}},
    "R-CRM-064": {LEADS: {**OPEN_LEAD, "converted_at": LATER}},
    "R-CRM-065": {LEADS: {**OPEN_LEAD, "status": "disqualified"}},
    "R-CRM-066": {LEADS: {"disqualified_reason": "budget"}},
    "R-CRM-067": {
        CONTACTS: {"created_at": TOO_LATE},
        LEADS: {"created_at": TOO_LATE},
        OPPORTUNITIES: {"created_at": TOO_LATE},
        EVENTS: {"changed_at": TOO_LATE},
        ACTIVITIES: {"occurred_at": TOO_LATE},
        CONSENTS: {"effective_at": TOO_LATE},
    },
    "R-CRM-069": {
        LEADS: {"created_at": "2026-06-10 22:00:00"},
        OPPORTUNITIES: {"created_at": "2026-06-10 00:00:00"},
        ACTIVITIES: {"occurred_at": "2026-06-10 23:00:00"},
    },
    "R-CRM-072": {LEADS: {"n_touches_declared": 301}},
    "R-CRM-073": {LEADS: OPEN_LEAD},
    "R-CRM-074": {LEADS: {**OPEN_LEAD, "created_at": "2026-05-31 00:00:00"}},
    "R-CRM-080": {OPPORTUNITIES: {"amount": 100001}},
    "R-CRM-081": {OPPORTUNITIES: {"amount": -1}},
    "R-CRM-082": {OPPORTUNITIES: {"probability": 101}},
    "R-CRM-083": {OPPORTUNITIES: {"probability": 0}},
    "R-CRM-084": {OPPORTUNITIES: {"stage_code": "proposal"}},
    "R-CRM-085": {OPPORTUNITIES: {"stage_code": None}},
    "R-CRM-086": {OPPORTUNITIES: {"account_id": None}},
    "R-CRM-088": {OPPORTUNITIES: {"status": "lost", "lost_reason": None}},
    "R-CRM-089": {OPPORTUNITIES: {"status": "open"}},
    "R-CRM-090": {OPPORTUNITIES: {**OPEN, "expected_close_date": "2026-04-01"}},
    "R-CRM-091": {OPPORTUNITIES: {**OPEN, "modified_at": "2026-01-01 00:00:00"}},
    "R-CRM-092": {OPPORTUNITIES: {"closed_at": IN_JUNE}},
    "R-CRM-094": {OPPORTUNITIES: {**OPEN, "amount": None}},
    "R-CRM-095": {OPPORTUNITIES: {**OPEN, "expected_close_date": None}},
    "R-CRM-100": {EVENTS: {"old_value": "won"}},
    "R-CRM-101": {EVENTS: {"stage_code": None}},
    "R-CRM-102": {EVENTS: {"changed_at": "2026-06-09 00:00:00"}},
    "R-CRM-103": {EVENTS: {"stage_code": "proposal", "changed_at": "2026-06-13 00:00:00"}},
    "R-CRM-110": {ACTIVITIES: {"person_id": None}},
    "R-CRM-112": {ACTIVITIES: {"duration_s": -1}},
    "R-CRM-113": {
        ACTIVITIES: {"person_type": None},
        MEMBERS: {"person_id": None},
        CONSENTS: {"person_type": None},
        ANSWERS: {"person_type": None},
    },
    "R-CRM-114": {ACTIVITIES: {"direction": None}},
    "R-CRM-115": {ACTIVITIES: {"owner_id": None}},
    "R-CRM-117": {ACTIVITIES: {"outcome": None}},
    "R-CRM-120": {LINES: {"amount": "0.02"}},
    "R-CRM-121": {LINES: {"amount": "100.06"}},
    "R-CRM-122": {LINES: {"discount_amount": 121}, SUBSCRIPTIONS: {"discount_amount": -1}},
    "R-CRM-123": {LINES: {"currency": "USD"}},
    "R-CRM-124": {LINES: {"quantity": 0}},
    "R-CRM-125": {LINES: {"term_months": 121}},
    "R-CRM-130": {CAMPAIGNS: {"planned_cost": -1}},
    "R-CRM-131": {CAMPAIGNS: {"actual_cost": 301}},
    "R-CRM-132": {CAMPAIGNS: {"actual_cost": None}},
    "R-CRM-133": {CAMPAIGNS: {"status": "planned", "starts_on": BEFORE}},
    "R-CRM-134": {CAMPAIGNS: {"starts_on": None}},
    "R-CRM-140": {MEMBERS: {"person_id": None}},
    "R-CRM-141": {MEMBERS: {"responded_at": None}},
    "R-CRM-142": {MEMBERS: {}},
    "R-CRM-145": {QUOTAS: {}},
    "R-CRM-147": {QUOTAS: {"period_end": "2027-06-30"}},
    "R-CRM-150": {MERGES: {"surviving_id": "a0", "merged_id": "a1"}},
    "R-CRM-151": {MERGES: {"surviving_id": "a2"}},
    "R-CRM-155": {CONSENTS: {"origin": None}},
    "R-CRM-156": {CONSENTS: {"status": "opt_out"}},
    "R-CRM-157": {
        CONTACTS: {"email": "c@b.example", "email_opt_out": False},
        CONSENTS: {"email": "c@b.example", "status": "opt_out"},
    },
    "R-CRM-158": {CONSENTS: {"status": "cooling_off"}},
    "R-ERP-003": {INVOICE_LINES: {"net_amount": "0.02"}},
    "R-ERP-004": {INVOICES: {"document_type": "credit_note"}},
    "R-ERP-006": {SUBSCRIPTIONS: {"billing_period_months": 0}},
    "R-ERP-007": {RATES: {"rate": "-1"}},
    "R-ERP-008": {INVOICES: {**STALE, "invoice_date": BEFORE}},
    "R-ERP-009": {SUBSCRIPTIONS: {}},
    "R-ERP-011": {PAYMENTS: {"payment_type": "refund"}},
    "R-ERP-020": {CUSTOMERS: {}},
    "R-ERP-025": {
        INVOICES: {"invoice_date": "2026-07-03"},
        PAYMENTS: {"paid_on": "2026-07-03"},
        RATES: {"rate_date": "2026-07-03"},
    },
    "R-ERP-030": {INVOICES: {"gross_amount": "120.02"}},
    "R-ERP-031": {INVOICES: {"tax_amount": 29}},
    "R-ERP-032": {INVOICES: {}},
    "R-ERP-034": {INVOICES: {"paid_at": None}},
    "R-ERP-035": {INVOICES: {"paid_at": "2026-06-09 00:00:00"}},
    "R-ERP-036": {INVOICES: {"due_date": None}},
    "R-ERP-037": {INVOICES: {"due_date": "2026-12-01"}},
    "R-ERP-038": {INVOICES: CREDIT},
    "R-ERP-039": {INVOICES: {**CREDIT, "original_document_id": "i1", "net_amount": "-100.02"}},
    "R-ERP-040": {INVOICES: {"net_amount": 100001}},
    "R-ERP-041": {INVOICES: {**UNPAID, "due_date": "2025-05-31"}},
    "R-ERP-042": {INVOICES: {"document_number": "F9"}},
    "R-ERP-050": {INVOICE_LINES: {"net_amount": "100.06"}},
    "R-ERP-051": {INVOICE_LINES: {}},
    "R-ERP-052": {INVOICE_LINES: {"product_id": None}},
    "R-ERP-053": {INVOICE_LINES: {"service_to": None}},
    "R-ERP-054": {INVOICE_LINES: {"service_to": "2031-12-31"}},
    "R-ERP-055": {INVOICE_LINES: {"quantity": 0}},
    "R-ERP-060": {PRODUCTS: {}},
    "R-ERP-061": {PRODUCTS: {"unit_cost": 51}},
    "R-ERP-062": {PRODUCTS: {"family": None}},
    "R-ERP-063": {PRODUCTS: {"unit_price": -1}},
    "R-ERP-070": {SUBSCRIPTIONS: {"status": "canceled"}},
    "R-ERP-071": {SUBSCRIPTIONS: {"ended_on": "2026-05-31"}},
    "R-ERP-072": {SUBSCRIPTIONS: {"mrr_amount": 101}},
    "R-ERP-073": {SUBSCRIPTIONS: {"unit_amount": 0}},
    "R-ERP-075": {SUBSCRIPTIONS: {"customer_id": "k2"}},
    "R-ERP-080": {PAYMENTS: {"amount": "0.02"}},
    "R-ERP-081": {PAYMENTS: {"currency": "USD"}},
    "R-ERP-082": {PAYMENTS: {"payment_type": "refund", "amount": "-0.02"}},
    "R-ERP-083": {PAYMENTS: {"invoice_id": None}},
    "R-LED-001": {LEDGER: {"debit": "0.01"}},
    "R-LED-002": {f"{F}ledger_revenues": {"ledger_line_key": "bad", "entry_on": BEFORE}},
    "R-LED-010": {LEDGER: {"debit": "0.01"}},
    "R-LED-011": {LEDGER: {"credit": 1}},
    "R-LED-012": {LEDGER: {"account_number": "41"}},
    "R-LED-013": {LEDGER: {"customer_code": None}},
    "R-LED-014": {LEDGER: {"entry_date": "2026-04-01", "validated_on": None}},
    "R-LED-015": {LEDGER: {"document_date": "2026-06-11"}},
    "R-LED-016": {LEDGER: {**STALE, "entry_date": BEFORE}},
    "R-LED-018": {LEDGER: {"account_class": "revenue", "document_ref": "F9"}},
    "R-LED-019": {INVOICES: {"document_number": "F9"}},
    "R-CRM-172": {ROLES: {"role": None}},
    "R-CRM-173": {TRIGGERS: {"account_id": None}},
    "R-CRM-174": {FIGURES_OF_NETWORKS: {"page_name": "Page"}},
    "R-CRM-175": {FIGURES_OF_NETWORKS: {"value": 101}},
    "R-ERP-140": {ORDER_LINES: {"status": "shipped", "shipped_on": None}},
    "R-ERP-141": {ORDER_LINES: {"status": "shipped", "shipped_on": "2026-05-31"}},
    "R-ERP-142": {ORDER_LINES: {"net_amount": -1}},
    "R-ERP-143": {ORDER_LINES: {"ordered_on": "2024-05-31"}},
    "R-FIN-001": {
        table: {"currency": "euro"}
        for table in (
            ACCOUNTS,
            OPPORTUNITIES,
            LINES,
            CAMPAIGNS,
            QUOTAS,
            INVOICES,
            PAYMENTS,
            PRODUCTS,
            SUBSCRIPTIONS,
            ORDER_LINES,
            COSTS,
        )
    }
    | {RATES: {"from_currency": "$"}},
    "R-FIN-002": {RATES: {**STALE, "rate": "0.93"}},
    "R-FIN-003": {RATES: {"rate_date": "2026-06-16", "rate": "1.20"}},
    "R-FIN-004": {RATES: {"to_currency": "USD"}},
    "R-FIN-005": {RATES: {**STALE, "rate_date": BEFORE}},
    "R-FIN-010": {COSTS: {"amount": -1}},
    "R-FIN-011": {COSTS: {"period_end": "2027-06-30"}},
    "R-FIN-012": {COSTS: {"supplier": None}},
    "R-FIN-013": {COSTS: {}},
    "R-TEL-001": {LEGS: {"talk_s": 11}},
    "R-TEL-002": {LEGS: {"duration_s": 28801}},
    "R-TEL-003": {LEGS: {"external_phone": None}},
    "R-TEL-004": {LEGS: {"agent_key": "999"}},
    "R-TEL-005": {LEGS: {**STALE, "started_at": LONG_AGO}},
    "R-TEL-010": {LEGS: {"talk_s": None}},
    "R-TEL-011": {LEGS: {"outcome": "busy"}},
    "R-TEL-012": {LEGS: {"duration_s": 16}},
    "R-TEL-014": {LEGS: {"ring_s": 301}},
    "R-TEL-015": {LEGS: {"agent_key": None}},
    "R-TEL-018": {
        LEGS: {"started_at": TOO_LATE},
        MAILS: {"occurred_at": TOO_LATE},
        USAGES: {"occurred_at": TOO_LATE},
        ANSWERS: {"answered_at": TOO_LATE},
    },
    "R-EML-001": {MAILS: {"recipient_email": "a b@c.example"}},
    "R-EML-002": {MAILS: {**STALE, "occurred_at": LONG_AGO}},
    "R-EML-010": {MESSAGES: {"n_recipients": -1}},
    "R-EML-011": {MESSAGES: {"sent_at": None}},
    "R-EML-012": {MESSAGES: {}},
    "R-EML-013": {MESSAGES: {"n_recipients": 2}},
    "R-CAL-010": {MEETINGS: {"ends_at": "2026-06-10 21:00:01"}},
    "R-CAL-011": {MEETINGS: {"organizer_email": None}},
    "R-CAL-012": {MEETINGS: {"ends_at": IN_JUNE}},
    "R-CAL-013": {MEETINGS: {"ends_at": None}},
    "R-CAL-014": {ATTENDEES: [{"email": f"a{number}@b.example"} for number in range(50)]},
    "R-CAL-015": {MEETINGS: {}},
    "R-CAL-016": {MEETINGS: {**STALE, "starts_at": LONG_AGO}},
    "R-CAL-017": {ATTENDEES: {"email": "a@b"}},
    "R-SVY-001": {ANSWERS: {"score": 11}},
    "R-SVY-010": {ANSWERS: {"person_id": None}},
    "R-SVY-011": {ANSWERS: {"answered_at": "2026-06-10 17:00:00"}},
    "R-SVY-012": {ANSWERS: {"sent_at": "2025-12-01 00:00:00"}},
    "R-SVY-013": {ANSWERS: {**STALE, "answered_at": "2026-01-01 00:00:00"}},
    "R-USE-002": {USAGES: {"account_id": None, "subscription_id": None}},
    "R-USE-010": {USAGES: {"usage_s": 86401}},
    "R-USE-011": {USAGES: {"error_count": 6}},
    "R-USE-012": {USAGES: {**STALE, "occurred_at": LONG_AGO}},
    "R-USE-013": {USAGES: {"occurred_at": "2026-07-02 00:00:00"}},
    "R-MST-002": {
        f"{M}xref_accounts": {"record_key": "bad", "account_id": "acc_none"},
        f"{M}xref_persons": {"record_key": "bad", "person_id": "per_none"},
        f"{M}bridge_account_groups": {"valid_from": NEXT, "group_id": "grp_none"},
        f"{M}bridge_person_accounts": {"account_id": "acc_none"},
    },
    "R-MST-003": {f"{M}dim_accounts": {"account_id": "acc_2"}},
    "R-MST-005": {
        f"{M}dim_accounts": {"account_id": "acc_2", "n_source_records": 51},
        f"{M}dim_persons": {"person_id": "per_2", "n_source_records": 0},
    },
    "R-MST-006": {
        f"{M}xref_accounts_history": {"record_key": "bad", "valid_to": MONTH},
        f"{M}xref_persons_history": {"record_key": "bad", "valid_to": BEFORE},
    },
    "R-MST-007": {
        f"{M}golden_alternatives": {"alternative_rank": 3, "record_key": None},
        f"{M}golden_conflicts": {"item_id": "bad", "right_record_key": None},
    },
    "R-MST-010": {f"{M}dim_accounts": {"account_id": "acc_2", "country_code": None}},
    "R-MST-011": {f"{M}dim_accounts": {"account_id": "acc_2", "size_band_code": "unknown"}},
    "R-MST-012": {
        f"{M}dim_accounts": {"account_id": "acc_2", "account_name": None},
        f"{M}dim_corporate_groups": {"group_id": "grp_2", "group_name": None},
        f"{M}dim_products": {"product_id": "bad", "product_name": None},
        f"{M}dim_reps": {"rep_id": "bad", "full_name": None},
        f"{M}dim_persons": {"person_id": "per_2", "last_name": None},
        f"{M}xref_persons": {"record_key": "bad", "person_id": "per_2"},
    },
    "R-MST-013": {f"{M}dim_persons": {"person_id": "per_2", "email": None}},
    "R-MST-015": {f"{M}dim_persons": {"person_id": "per_2"}},
    "R-MST-016": {f"{M}dim_accounts": {"account_id": "acc_2"}},
    "R-MST-034": {f"{M}xref_accounts": {"record_key": "bad"}},
    "R-MST-017": {f"{M}dim_reps": {"rep_id": "bad"}},
    "R-MST-018": {f"{M}dim_corporate_groups": {"group_id": "grp_2"}},
    "R-MST-019": {f"{M}dim_accounts": {"account_id": "acc_2", "owner_rep_id": "none"}},
    "R-MST-020": {
        f"{M}dim_accounts": {"account_id": "acc_2", "is_customer": False},
        f"{F}invoice_lines": {"invoice_line_id": "bad", "account_id": "acc_2"},
    },
    "R-MST-021": {f"{M}bridge_person_accounts": {"account_id": "acc_2"}},
    "R-MST-022": {
        f"{M}bridge_account_groups": {"valid_from": NEXT, "valid_to": NEXT},
        f"{M}bridge_person_accounts": {"account_id": "acc_2", "valid_to": BEFORE},
        f"{M}dim_account_versions": {"account_version_key": "bad", "account_id": "acc_2", "valid_to": BEFORE},
        f"{M}dim_rep_versions": {"rep_version_key": "bad", "rep_id": "rep_2", "valid_to": BEFORE},
        f"{M}bridge_strategic_accounts": {"record_key": "one/crm_account/a2", "valid_to": BEFORE},
    },
    "R-MST-023": {f"{M}bridge_account_groups": {"valid_from": BEFORE, "group_id": "grp_2"}},
    "R-MST-035": {f"{M}dim_account_versions": {"account_version_key": "bad", "account_id": "acc_2"}},
    "R-MST-036": {f"{M}dim_rep_versions": {"rep_version_key": "bad", "rep_id": "rep_2"}},
    "R-MST-024": {f"{M}bridge_person_contact_points": {"n_persons": 1}},
    "R-MST-025": {
        f"{M}dim_accounts": {"account_id": "acc_2", "first_seen_on": "1970-01-01"},
        f"{M}dim_persons": {"person_id": "per_2", "first_seen_on": "1900-01-01"},
    },
    "R-MST-026": {f"{M}golden_conflicts": {"item_id": "bad", "entity": "account", "golden_id": "acc_1"}},
    "R-MST-027": {
        f"{M}dim_dates": {"date_day": "2026-06-04"},
        "metrics.time_spine_daily": {"date_day": "2026-06-04"},
    },
    "R-MST-029": {f"{M}dim_reps": {"rep_id": "bad", "team_name": None}},
    "R-MST-030": {f"{M}golden_alternatives": {"golden_id": "acc_none"}},
    "R-MST-032": {
        f"{M}xref_accounts": {"record_key": "bad"},
        f"{M}xref_persons": {"record_key": "bad"},
    },
    "R-MST-033": {f"{M}dim_accounts": {"account_id": "acc_2", "owner_rep_id": "unknown"}},
    **FIGURES,
}

# Rules whose failing example is the absence of rows: the tables to empty.
ABSENT = {
    "R-CRM-148": (QUOTAS,),
    "R-FIN-014": (COSTS,),
    "R-MRT-006": (f"{R}sales_leads_month", f"{R}finance_revenue_month", f"{R}finance_mrr_month"),
}


def rows(rule_id: str, table: str) -> list[Row]:
    """The rows to plant for a rule in a table, none when the rule is failed in another way."""
    change = CHANGES.get(rule_id, {}).get(table)
    if change is None:
        return []
    return [
        _row(table, each, number)
        for number, each in enumerate(change if isinstance(change, list) else [change])
    ]


def _row(table: str, change: Row, number: int) -> Row:
    good = GOOD[table][0]
    if "source_record_id" not in good:
        return good | change
    identifier = f"bad{number or ''}"
    contract = good["record_key"].split("/")[1]
    return good | {"record_key": f"one/{contract}/{identifier}", "source_record_id": identifier} | change
