"""The facts of the planted company: grains, double logs, rates, months."""

from datetime import date, datetime
from decimal import Decimal as D

import pytest
from planted import golden_id

HOT = golden_id("lea", "crm/crm_lead/l1")
COLD = golden_id("lea", "crm/crm_lead/l3")
ECLAIR = golden_id("acc", "crm/crm_account/a1")
CLIENT = golden_id("acc", "crm/crm_lead/l1")


def rows(con, sql):
    return con.execute(sql).fetchall()


@pytest.mark.audit("CO3")
def test_two_lead_records_of_one_person_are_one_lead(warehouse):
    assert rows(
        warehouse,
        "select lead_id, account_id, rep_id, status_code, created_at, is_converted, opportunity_id,"
        " size_band_code,"
        " n_source_rows from master.fct_leads where n_source_rows > 1",
    ) == [
        (HOT, CLIENT, "crm/crm_user/u1", "converted", datetime(2026, 5, 4, 10), True,
         "crm/crm_opportunity/o1",
         "mid", 2),
    ]  # fmt: skip
    assert rows(warehouse, "select count(*) from master.fct_leads") == [(2,)]


def test_a_conversion_dated_to_the_day_of_creation_is_not_before_it(warehouse):
    assert rows(
        warehouse,
        "select converted_at, converted_on, is_converted_day_only, created_on from master.fct_leads"
        f" where lead_id = '{HOT}'",
    ) == [(datetime(2026, 5, 3, 22), date(2026, 5, 4), True, date(2026, 5, 4))]


@pytest.mark.audit("CO9")
def test_legs_fold_into_calls_and_the_answering_seller_has_the_call(warehouse):
    calls = {
        r[0]: r[1:]
        for r in rows(
            warehouse,
            "select call_id, rep_id, lead_id, account_id, direction_code, outcome_code, talk_s, duration_s,"
            " is_conversation, n_source_rows from master.fct_calls",
        )
    }
    assert calls["call1"] == ("crm/crm_user/u2", HOT, CLIENT, "outbound", "answered", 40, 70, True, 2)
    assert calls["call2"][1:3] == ("unknown", ECLAIR)
    assert calls["call2"][7] is False, "9 seconds are no conversation"
    assert calls["call4"][3] == "internal"
    assert calls["call6"][1] == COLD, "known from the CRM task that names the call id"
    assert calls["twice"][1] == "unknown", "two telephony instances use this id"
    assert rows(warehouse, "select count(*) from master.fct_calls") == [(10,)]


@pytest.mark.audit("CO9")
def test_mail_events_fold_into_one_row_a_message_and_recipient(warehouse):
    sends = {
        r[:2]: r[2:]
        for r in rows(
            warehouse,
            "select message_id, lead_id, is_sent, is_delivered, is_bounced_hard, is_opened, is_replied,"
            " is_complained, is_automated, n_source_rows from master.fct_email_sends",
        )
    }
    assert sends == {
        ("m1", HOT): (True, True, False, False, True, False, False, 4),
        ("m1", COLD): (True, False, True, False, False, False, False, 3),
        ("bulk", HOT): (True, True, False, False, False, True, True, 6),
        ("bulk", "unknown"): (False, False, False, False, False, False, True, 1),
    }


@pytest.mark.audit("PB4")
def test_a_templated_mail_counts_whoever_sent_it_once_it_left(warehouse):
    assert rows(warehouse, "select template_id, lead_id from master.fct_templated_touches") == [("d-1", HOT)]


@pytest.mark.audit("PB16")
def test_an_event_finds_its_company_however_its_number_is_spelt(warehouse):
    assert rows(warehouse, "select account_id from master.fct_account_events order by account_event_key") == [
        (ECLAIR,),
        (ECLAIR,),
        (ECLAIR,),
        ("unknown",),
    ]


@pytest.mark.audit("DE15", "DE16")
def test_an_event_of_a_kind_counts_once_a_message_and_recipient_at_its_own_first_time(warehouse):
    """Two complaints and two unsubscriptions of one mail, each pair delivered with the later one first."""
    assert rows(
        warehouse,
        "select complained_at, unsubscribed_at, n_source_rows from master.fct_email_sends"
        " where is_complained or is_unsubscribed",
    ) == [(datetime(2026, 5, 7, 10), datetime(2026, 5, 7, 9, 30), 6)]


def test_facts_find_whom_no_record_names_and_a_logged_call_keeps_its_lead(warehouse):
    found = rows(
        warehouse,
        "select 'call', call_id, xref.contract, lead_id, account_id from master.fct_calls"
        " inner join master.xref_persons as xref using (person_id) where xref.contract = 'call_party'"
        " union all select 'mail', message_id, xref.contract, lead_id, account_id from master.fct_email_sends"
        " inner join master.xref_persons as xref using (person_id) where xref.contract = 'email_recipient'"
        " union all select 'meeting', '', xref.contract, lead_id, account_id from master.fct_meetings"
        " inner join master.xref_persons as xref using (person_id) where xref.contract = 'calendar_attendee'",
    )
    assert sorted(found) == [
        ("call", "call3", "call_party", "unknown", "unknown"),
        ("mail", "bulk", "email_recipient", "unknown", "unknown"),
        ("meeting", "", "calendar_attendee", "unknown", "unknown"),
    ]


@pytest.mark.audit("CO9")
def test_one_meeting_in_two_calendars_is_one_meeting_and_a_coming_one_is_not_held(warehouse):
    assert rows(
        warehouse,
        "select lead_id, rep_id, starts_at, is_held, n_source_rows from master.fct_meetings order by"
        " starts_at, lead_id",
    ) == [
        (HOT, "crm/crm_user/u2", datetime(2026, 5, 8, 14), True, 2),
        (HOT, "crm/crm_user/u2", datetime(2026, 7, 8, 14), False, 1),
        *[("unknown", "crm/crm_user/u2", datetime(2026, 7, 8, 14), False, 1)] * 2,
        (COLD, "unknown", None, False, 1),
    ]


@pytest.mark.audit("CO5", "CL3")
def test_a_touch_is_counted_once_although_the_crm_logged_it_too(warehouse):
    fates = dict(
        rows(
            warehouse, "select split_part(record_key, '/', 3), reason_code from conforming.int_activity_fates"
        )
    )
    assert fates == {
        "x1": "double_logged",  # same call id, another day
        "x2": "double_logged",  # five minutes after the call
        "x3": None,  # one second more
        "x4": None,  # the mail of that day has its copy, x13
        "x5": None,
        "x6": "not_a_touch",
        "x7": "not_outbound",
        "x8": "automated_activity",
        "x9": "double_logged",
        "x10": "deleted_in_source",
        "x11": None,  # the call has its copy, x12
        "x12": "double_logged",
        "x13": "double_logged",  # the CRM has no time, a mail left that day
        "x14": None,  # inbound and answered, like an inbound call of the telephony
        "x15": None,  # its call id names no call
    }
    touches = rows(
        warehouse,
        "select source_stream_code, channel_code, is_effective, lead_id from master.fct_touches order by all",
    )
    assert touches == [
        ("activity", "email", True, HOT),
        ("activity", "social", False, COLD),
        ("activity", "voice", False, COLD),
        ("activity", "voice", True, HOT),
        ("activity", "voice", True, HOT),
        ("activity", "voice", True, COLD),
        ("call", "voice", False, COLD),
        ("call", "voice", False, "unknown"),
        ("call", "voice", True, HOT),
        ("call", "voice", True, HOT),
        ("call", "voice", True, HOT),
        ("call", "voice", True, "unknown"),
        ("email", "email", False, COLD),
        ("email", "email", True, HOT),
        ("meeting", "meeting", True, HOT),
    ]


@pytest.mark.audit("OB1")
def test_equal_successive_stages_collapse_and_the_present_stage_is_added(warehouse):
    assert rows(
        warehouse,
        "select split_part(opportunity_id, '/', 3), stage_code, stage_rank, first_entered_at, n_entries,"
        " n_source_rows from master.fct_opportunity_stages order by opportunity_id, stage_rank",
    ) == [
        ("o1", "prospecting", 1, datetime(2026, 4, 10, 15), 2, 3),
        ("o1", "proposal", 5, datetime(2026, 4, 20, 15), 2, 2),
        ("o1", "won", 7, datetime(2026, 5, 16, 15), 1, 0),
        ("o2", "proposal", 5, datetime(2026, 5, 1), 1, 0),
        ("o3", "lost", 0, datetime(2026, 5, 2, 11), 1, 0),
    ]


@pytest.mark.audit("FD2")
def test_a_field_that_no_deal_of_a_crm_fills_is_not_asked_for_and_one_that_some_do_lacks_elsewhere(warehouse):
    """The champion of o1 is known. Metrics are false wherever they stand, as an unused checkbox is; the pain is known
    of a deleted deal alone."""
    assert rows(
        warehouse,
        "select evidence_code, split_part(opportunity_id, '/', 3), is_present"
        " from master.fct_opportunity_evidences order by 1, 2",
    ) == [
        ("champion", "o1", True),
        ("champion", "o2", False),
        ("champion", "o3", False),
    ]


def test_a_change_of_another_field_gives_its_value_and_says_nothing_of_the_others(warehouse):
    assert rows(
        warehouse,
        "select split_part(opportunity_id, '/', 3), field_code, stage_code, amount, expected_close_on,"
        " forecast_category_code from master.fct_opportunity_changes where field_code <> 'stage'"
        " or amount is not null order by changed_at",
    ) == [
        ("o1", "stage", "prospecting", D("900"), date(2026, 5, 10), "pipeline"),
        ("o1", "amount", None, D("1000.5"), None, None),
        ("o1", "close_date", None, None, date(2026, 5, 16), None),
        ("o1", "amount", None, None, None, None),  # a text that is no number says nothing
    ]


@pytest.mark.audit("CO3")
def test_opportunities_convert_at_the_closing_month_and_never_without_a_rate(warehouse):
    assert rows(
        warehouse,
        "select split_part(opportunity_id, '/', 3), lead_id, account_id, amount_reporting,"
        " sales_cycle_days, is_won"
        " from master.fct_opportunities order by 1",
    ) == [
        ("o1", HOT, ECLAIR, D("800.0000"), D("36.0000"), True),
        ("o2", "unknown", "unknown", D("50.0000"), None, False),
        ("o3", "unknown", ECLAIR, None, D("0.0000"), False),
    ]


@pytest.mark.audit("MD5")
def test_an_amount_names_the_rate_that_converted_it_among_those_of_its_month(warehouse):
    """May has three rates of the dollar: the first one dated, and of those of one day the first by its key."""
    april, may = "erp/exchange_rate/r1", "erp/exchange_rate/r2"
    assert rows(
        warehouse,
        "select currency, valid_from_month, exchange_rate, exchange_rate_key from conforming.int_month_rates"
        " order by all",
    ) == [
        ("EUR", date(1900, 1, 1), D("1.00000000"), None),
        ("USD", date(2026, 4, 1), D("0.90000000"), april),
        ("USD", date(2026, 5, 1), D("0.80000000"), may),
    ]
    keys = {
        "fct_invoice_lines": (
            "invoice_line_id",
            {"i1-1": april, "i1-2": april, "i2-1": may, "i4-1": None, "i9-1": None},
        ),
        "fct_opportunities": ("opportunity_id", {"o1": may, "o2": None, "o3": None}),
    }
    for name, (key, expected) in keys.items():
        found = rows(warehouse, f"select split_part({key}, '/', 3), exchange_rate_key from master.{name}")
        assert dict(found) == expected, name
    assert rows(
        warehouse,
        "select distinct split_part(record_key, '/', 3), exchange_rate_key from conforming.int_subscription_months"
        " order by all",
    ) == [("s1", None), ("s2", None), ("s3", may), ("s4", None), ("s5", april), ("s5", may), ("s5", None)]


@pytest.mark.audit("MD5")
def test_invoice_lines_keep_orphans_credit_notes_and_the_rate_of_their_month(warehouse):
    lines = {
        r[0]: r[1:]
        for r in rows(
            warehouse,
            "select split_part(invoice_line_id, '/', 3), account_id, product_id, net_amount,"
            " net_amount_reporting,"
            " is_intercompany, is_recurring from master.fct_invoice_lines",
        )
    }
    assert lines == {
        "i1-1": (ECLAIR, "erp/erp_product/p1", D("60.0000"), D("54.0000"), False, True),
        "i1-2": (ECLAIR, "unknown", D("40.0000"), D("36.0000"), False, False),
        "i2-1": (ECLAIR, "unknown", D("-10.0000"), D("-8.0000"), False, False),
        "i4-1": (golden_id("acc", "erp/erp_customer/c3"), "unknown", D("500.0000"), None, True, False),
        "i9-1": ("unknown", "unknown", D("3.0000"), None, False, False),
    }


@pytest.mark.audit("K45")
def test_the_cost_of_a_line_is_converted_like_its_amount_and_stays_unknown_where_nobody_tells_it(warehouse):
    lines = rows(
        warehouse,
        "select split_part(invoice_line_id, '/', 3), cost_amount, cost_amount_reporting"
        " from master.fct_invoice_lines order by 1",
    )
    assert lines == [
        ("i1-1", D("24.0000"), D("21.6000")),
        ("i1-2", None, None),
        ("i2-1", None, None),
        ("i4-1", D("1.0000"), None),  # its month has no rate
        ("i9-1", None, None),
    ]


@pytest.mark.audit("K41")
def test_the_subscription_that_counted_tells_why_an_account_left(warehouse):
    """Eclair's January subscription ran on beside its upgrade and counted no more: its reason is not the account's."""
    assert rows(
        warehouse,
        "select account_id, period_month, churn_reason_code from master.fct_mrr_movements"
        " where churn_mrr < 0 or churn_reason_code is not null order by period_month",
    ) == [(CLIENT, date(2026, 3, 1), "unknown"), (ECLAIR, date(2026, 5, 1), "competitor")]


def test_a_ledger_line_has_the_customer_of_its_entry(warehouse):
    assert rows(
        warehouse,
        "select split_part(ledger_line_key, '/', 3), account_id, revenue_amount, currency"
        " from master.fct_ledger_revenues order by 1",
    ) == [("g2", ECLAIR, D("100.0000"), "EUR"), ("g3", "unknown", D("-5.0000"), "EUR")]


def test_mrr_counts_month_ends_and_movements_close_the_months(warehouse):
    zero = D("0.0000")

    def month(n, opening, new, reactivation, expansion, contraction, churn, closing):
        amounts = (opening, new, reactivation, expansion, contraction, churn, closing)
        return (date(2026, n, 1), *(D(a).quantize(zero) for a in amounts))

    assert rows(
        warehouse,
        "select period_month, opening_mrr, new_mrr, reactivation_mrr, expansion_mrr, contraction_mrr,"
        " churn_mrr,"
        f" closing_mrr from master.fct_mrr_movements where account_id = '{ECLAIR}' order by 1",
    ) == [
        month(1, 0, 10, 0, 0, 0, 0, 10),
        month(2, 10, 0, 0, 0, 0, 0, 10),
        month(3, 10, 0, 0, 15, 0, 0, 25),  # 3 x 10 - 5; the former subscription runs on and does not count
        month(4, 25, 0, 0, 0, 0, 0, 25),
        month(5, 25, 0, 0, 0, 0, -25, 0),
        month(6, 0, 0, 16, 0, 0, 0, 16),  # 20 USD at 0.8, started on the last day
    ]
    assert rows(
        warehouse,
        f"select period_month, closing_mrr from master.fct_mrr_movements where account_id = '{CLIENT}'"
        f" order by 1",
    ) == [(date(2026, 2, 1), D("7.0000")), (date(2026, 3, 1), zero)]


@pytest.mark.audit("K17")
def test_a_subscription_without_a_rate_has_an_unknown_amount_and_is_not_new_when_the_rate_arrives(warehouse):
    """20 USD from February on; the first rate is of April. Counted as 0, the account was new in April."""
    account = golden_id("acc", "erp/erp_customer/c3")
    assert rows(
        warehouse,
        "select period_month, mrr, n_subscriptions, n_rates_missing, mrr_reason_code"
        f" from master.fct_subscription_months where account_id = '{account}' order by 1",
    ) == [
        (date(2026, 2, 1), None, 1, 1, "exchange_rate_missing"),
        (date(2026, 3, 1), None, 1, 1, "exchange_rate_missing"),
        (date(2026, 4, 1), D("18.0000"), 1, 0, None),
        (date(2026, 5, 1), D("16.0000"), 1, 0, None),
        (date(2026, 6, 1), D("16.0000"), 1, 0, None),
    ]
    zero, missing = D("0.0000"), "exchange_rate_missing"
    assert rows(
        warehouse,
        "select month(period_month), opening_mrr, new_mrr, reactivation_mrr, expansion_mrr, contraction_mrr, churn_mrr,"
        " closing_mrr, churn_reason_code, mrr_reason_code"
        f" from master.fct_mrr_movements where account_id = '{account}' order by 1",
    ) == [
        (2, zero, None, zero, zero, zero, zero, None, None, missing),  # new, of an unknown amount
        (3, None, zero, zero, None, None, zero, None, None, missing),
        (4, None, zero, zero, None, None, zero, D("18.0000"), None, missing),
        (5, D("18.0000"), zero, zero, zero, D("-2.0000"), zero, D("16.0000"), None, None),
        (6, D("16.0000"), zero, zero, zero, zero, zero, D("16.0000"), None, None),
    ]


def test_an_overlapped_subscription_is_listed_and_its_months_are_kept_apart(warehouse):
    """The upgrade of March did not close the subscription of January: two month ends hold both."""
    assert rows(
        warehouse,
        "select split_part(record_key, '/', 3), stream, reason_code from conforming.int_fact_exclusions"
        " where contract = 'erp_subscription' order by 1",
    ) == [
        ("s1", "subscription_month", "overlapping_subscription"),
        ("test", "subscription", "test_record"),
        ("trial", "subscription", "trial_subscription"),
    ]
    assert rows(
        warehouse,
        "select split_part(record_key, '/', 3), period_month, mrr from conforming.int_subscription_months"
        " where reason_code = 'overlapping_subscription' order by 2",
    ) == [("s1", date(2026, 3, 1), D("10.0000")), ("s1", date(2026, 4, 1), D("10.0000"))]


@pytest.mark.audit("CL1")
def test_every_kept_row_is_counted_or_excluded_with_a_reason(warehouse):
    reasons = dict(
        rows(
            warehouse,
            "select contract, count(*) from conforming.int_fact_exclusions where reason_code is not null"
            " group by 1",
        )
    )
    assert reasons == {
        "crm_account": 2, "crm_lead": 3, "crm_activity": 9, "crm_opportunity": 1, "crm_opportunity_event": 2,
        "erp_invoice_line": 1, "erp_ledger_entry": 2, "erp_subscription": 3, "calendar_attendee": 1,
        "email_event": 1,
    }  # fmt: skip
