"""Known truth of campaigns, targets, consents, surveys, usage and costs, from the tables the files are written from.

The pipeline never reads these files. What does NOT belong here: truth of leads, deals and money (truth.py).
"""

from __future__ import annotations

from pathlib import Path

from ingest.demo.scratch import Scratch
from ingest.demo.sizes import AS_OF, DAY

ACTIVATION_REPORTS = 3  # an account is active once it has created so many reports

_QUERIES = {
    "campaign_truth": f"""
        select campaign_id(campaign) as campaign_id, min(kind) as kind, min(planned) as planned_cost,
          min(case when end_s < {AS_OF} then spent else spent // 2 end) as actual_cost, count(member) as n_members,
          count(*) filter (where answered_s > 0 and answered_s < {AS_OF}) as n_responded
        from campaigns left join campaign_members using (campaign)
        where start_s - {10 * DAY} < {AS_OF} group by campaign order by campaign""",
    "quota_truth": """
        select email, team, metric, period_month, target from quotas order by who, metric, period_month""",
    "year_quota_truth": """
        select email, metric, year, target, months_target, target = months_target as adds_up from year_quotas
        order by who, metric""",
    "consent_truth": """
        select 'P' || code(per, 8) as true_id, channel, choice, cast(instant(since) as date) as since from choices
        order by true_id, channel, choice""",
    # One answer per person and wave, the last one.
    "nps_truth": """
        with last_answers as (
          select wave, per, arg_max(score, answered_s) as score from answers group by wave, per)
        select wave, count(*) as n, count(*) filter (where score >= 9) as promoters,
          count(*) filter (where score <= 6) as detractors,
          (count(*) filter (where score >= 9) - count(*) filter (where score <= 6)) * 100.0 / count(*) as nps
        from last_answers group by wave order by wave""",
    "activation_truth": f"""
        select 'A' || code(acc, 8) as true_id, cast(instant(min(day) * {DAY}) as date) as activated_on
        from (select acc, day, sum(n) over (partition by acc order by day) as n_reports from usages
          where event = 'report_created' and day * {DAY} < {AS_OF})
        where n_reports >= {ACTIVATION_REPORTS} group by acc order by true_id""",
    "cost_truth": """
        select period_month, sum(amount) as loaded_amount, sum(amount) filter (where kind = 'Média') as media_amount
        from costs group by period_month order by period_month""",
    "contact_role_truth": """
        select opp_id(opp) as opportunity_id, contact_id(contact_no) as contact_id, role from contact_roles
        order by role_no""",
    "account_event_truth": f"""
        select 'A' || code(acc, 8) as true_id, kind, cast(instant(day * {DAY}) as date) as occurred_on
        from account_events order by event_no""",
    "social_truth": """
        select period_month, metric, sum(figure) as figure, count(distinct email) as n_holders from social_figures
        group by period_month, metric order by period_month, metric""",
    # Customers who left within 90 days, and the seller of the deals that a user who left had closed.
    "leaver_truth": f"""
        select 'customer' as kind, 'A' || code(acc, 8) as true_id, cast(instant(e.start_day * {DAY}) as date) as since,
          cast(instant(e.end_day * {DAY}) as date) as until from early_leavers e join customers using (cust)
        union all
        select 'seller', user_id(seller), cast(instant(paris(min(opened))) as date),
          cast(instant(paris(max(closed))) as date) from opps join sellers on sellers.seller = opps.owner
        where sellers.seller = (select max(seller) from sellers) group by seller
        order by kind, true_id""",
    "opportunity_line_truth": """
        select opp_id(opp) as opportunity_id, sum(amount) as amount, count(*) as n_lines from opportunity_lines
        group by opp order by opp""",
}


def write_sheet_truth(scratch: Scratch, folder: Path) -> None:
    """One CSV per table of _QUERIES into `folder`."""
    for name, query in _QUERIES.items():
        scratch.run(f"copy ({query}) to '{folder}/{name}.csv' (header)")
