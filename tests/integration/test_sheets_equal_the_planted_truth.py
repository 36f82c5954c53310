"""Campaigns and sheets of the demo company, collected, give the truth that was planted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from real_extracts import Collected, open_collected

from ingest import collect
from ingest.demo import generate


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collected]:
    root = tmp_path_factory.mktemp("sheets") / "tiny"
    generate(root, "tiny")
    found = open_collected(root, collect(root))
    yield found
    found.connection.close()


def truth(found: Collected, name: str, columns: str) -> list[tuple]:
    return duckdb.sql(f"select {columns} from '{Path(found.root)}/truth/{name}.csv' order by all").fetchall()


def test_nothing_is_refused_and_every_record_has_a_fate(tiny: Collected) -> None:
    assert tiny.report.refusals == () and tiny.report.imbalances == ()


@pytest.mark.audit("MD11")
def test_campaigns_carry_their_cost_and_their_answers(tiny: Collected) -> None:
    found = tiny.rows(
        """
        select c.source_record_id, planned_cost::int, actual_cost::int, count(m.source_record_id),
            count_if(m.status = 'responded')
        from crm_campaign c left join crm_campaign_member m on m.campaign_id = c.source_record_id
        group by all order by all
        """
    )
    wanted = truth(
        tiny, "campaign_truth", "campaign_id, planned_cost::int, actual_cost::int, n_members, n_responded"
    )
    assert found == wanted and len(found) == 12
    # Whoever answers is a person that the CRM knows.
    assert tiny.value(
        "select count(*) from crm_campaign_member where person_id not in "
        "(select source_record_id from crm_lead union select source_record_id from crm_contact)"
    ) == 0  # fmt: skip


def test_lines_add_up_to_their_opportunity(tiny: Collected) -> None:
    found = tiny.rows(
        "select opportunity_id, sum(amount)::int, count(*) from crm_opportunity_line group by all order by all"
    )
    assert found == truth(tiny, "opportunity_line_truth", "opportunity_id, amount::int, n_lines")
    apart = tiny.value(
        """
        select count(*) from crm_opportunity o
        join (select opportunity_id, sum(amount) as amount from crm_opportunity_line group by all) l
            on l.opportunity_id = o.source_record_id
        where o.amount <> l.amount
        """
    )
    defaulted = tiny.value("select count(*) from crm_opportunity where amount in (0, 1)")
    assert apart <= defaulted


def test_the_sheet_of_june_corrects_the_target_of_june(tiny: Collected) -> None:
    found = tiny.rows(
        "select coalesce(owner_email, ''), team_name, metric, strftime(period_start, '%Y-%m'), target from crm_quota "
        "where last_day(period_start) = period_end order by all"
    )
    wanted = truth(
        tiny,
        "quota_truth",
        "coalesce(email, ''), team, metric, period_month::varchar, target::decimal(18,4)",
    )
    assert found == wanted
    superseded = tiny.rows(
        "select a.target / k.target from all_crm_quota a join crm_quota k using (source_record_id) "
        "where a.target <> k.target"
    )
    assert superseded == [(2,)]


def test_consents_are_dated_choices(tiny: Collected) -> None:
    codes = {
        "E-mail": "email", "Téléphone": "call", "Tous": "all",
        "Refus": "opt_out", "Litige": "litigation", "Rétractation": "cooling_off",
    }  # fmt: skip
    found = tiny.rows("select channel, status, effective_at::date from crm_consent")
    wanted = [
        (codes[channel], codes[choice], since)
        for channel, choice, since in truth(tiny, "consent_truth", "channel, choice, since")
    ]
    assert sorted(found) == sorted(wanted) and found


def test_the_last_answer_of_a_person_in_a_wave_gives_the_score(tiny: Collected) -> None:
    found = tiny.rows(
        """
        with last_answers as (
            select right(survey, 7) as wave, split_part(source_record_id, '-', 3) as person,
                arg_max(score, answered_at) as score
            from nps_response group by all)
        select wave, count(*), count_if(score >= 9), count_if(score <= 6) from last_answers group by all order by all
        """
    )
    assert found == truth(tiny, "nps_truth", "wave::varchar, n, promoters, detractors")


def test_usage_tells_when_an_account_became_active(tiny: Collected) -> None:
    found = tiny.rows(
        """
        select min(occurred_at)::date from (
            select account_id, occurred_at,
                sum(usage_count) over (partition by account_id order by occurred_at) as n_reports
            from product_usage where event_name = 'report_created' and occurred_at < timestamp '2026-07-01')
        where n_reports >= 3 group by account_id order by all
        """
    )
    assert found == [row[1:] for row in sorted(truth(tiny, "activation_truth", "*"), key=lambda row: row[1])]
    assert len(found) > 10


def test_costs_of_a_month_are_loaded_or_media_alone(tiny: Collected) -> None:
    found = tiny.rows(
        """
        select strftime(period_start, '%Y-%m'), sum(amount), sum(amount) filter (where cost_kind = 'media')
        from marketing_cost where last_day(period_start) = period_end group by all order by all
        """
    )
    assert found == truth(
        tiny,
        "cost_truth",
        "period_month::varchar, loaded_amount::decimal(18,4), media_amount::decimal(18,4)",
    )
    assert len(found) == 18
