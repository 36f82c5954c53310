"""Campaigns, their members and the product lines of opportunities: small Salesforce files of the demo.

What does NOT belong here: leads, contacts and deals themselves (records.py, deals.py), costs outside campaigns
(sheets.py).
"""

from __future__ import annotations

from ingest.demo.salesforce import FOLDER, delivered, last_change, names_line
from ingest.demo.scratch import Scratch
from ingest.demo.sizes import AS_OF, DAY, Size, month_end
from ingest.demo.writing import ExtractWriter, quoted

# Salesforce type, name; one campaign begins every 45 days and runs for 60.
KINDS = [
    ("Email", "Lettre aux prospects"),
    ("Webinar", "Webinaire produit"),
    ("Trade Show", "Salon professionnel"),
    ("Paid Search", "Mots-clés"),
    ("Telemarketing", "Relance téléphonique"),
    ("Social Media", "Réseaux sociaux"),
]
EVERY_DAYS, RUN_DAYS = 45, 60


def make_campaigns(scratch: Scratch, size: Size, seed: int) -> None:
    """Tables campaigns, campaign_members and opportunity_lines; amounts of the lines add up to the deal."""
    began = size.first_event_s
    types = ", ".join(f"'{kind}'" for kind, _ in KINDS)
    names = ", ".join(f"'{name}'" for _, name in KINDS)
    scratch.run(f"""
        create or replace macro campaign_id(n) as '7015g00' || code(n, 8) || 'AAA';
        create or replace macro member_id(n) as '00v5g00' || code(n, 8) || 'AAA';
        create or replace macro line_id(n) as '00k5g00' || code(n, 8) || 'AAA';
        create or replace table campaigns as
        select cast(k as bigint) as campaign, [{types}][k % 6 + 1] as kind,
          [{names}][k % 6 + 1] || ' ' || (k // 6 + 1) as name,
          {began} + k * {EVERY_DAYS * DAY} as start_s, {began} + (k * {EVERY_DAYS} + {RUN_DAYS}) * {DAY} as end_s,
          2000 + 500 * (hash(k * 31 + {seed}) % 10) as planned,
          cast((2000 + 500 * (hash(k * 31 + {seed}) % 10)) * (80 + hash(k * 37 + {seed}) % 50) / 100 as bigint) as spent
        from range({(AS_OF - began) // (EVERY_DAYS * DAY)}) t(k);
        create or replace table campaign_members as
        with aimed as (
          select c.campaign, l.lead_no, null as contact_no, l.created + 3600 as created,
            hash(l.lead_no * 1009 + c.campaign * 17 + {seed}) as u
          from campaigns c join sf_leads l on l.created >= c.start_s and l.created < c.end_s
          where l.kind = 'original' and l.email <> ''
          union all
          select c.campaign, null, k.contact_no, c.start_s, hash(k.contact_no * 2003 + c.campaign * 19 + {seed})
          from campaigns c join sf_contacts k on k.kind = 'main' and k.created < c.start_s)
        select row_number() over (order by created, campaign, lead_no, contact_no) - 1 as member, campaign, lead_no,
          contact_no, created, case when u // 100 % 10 < 3 then created + (1 + u // 1000 % 10) * {DAY} else -1 end as
            answered_s,
          ['Sent', 'Opened', 'Sent', 'Opted Out', 'Opened', 'Bounced', 'Sent'][cast(u // 1000 % 7 as bigint) + 1]
            as unanswered
        from aimed where u % 100 < case when lead_no is null then 10 else 35 end and created < {AS_OF} order by member;
        create or replace table opportunity_lines as
        with parts as (
          select opp, opened, currency, 1 as rank, ['LIC-ESS', 'LIC-PRO', 'LIC-ENT'][opp % 3 + 1] as product,
            amount - amount * (opp % 4) // 10 as amount from opps
          union all
          select opp, opened, currency, 2, 'SRV-INT', amount * (opp % 4) // 10 from opps)
        select row_number() over (order by opp, rank) - 1 as line, * from parts where rank = 1 or amount > 0 order by
          line""")


def write_campaigns(writer: ExtractWriter, size: Size) -> None:
    """Campaign, CampaignMember and OpportunityLineItem of every month with changes."""
    for month in size.delivery_months:
        end = month_end(month)
        _campaigns(writer, size, month, end)
        _members(writer, size, month, end)
        _lines(writer, size, month)


def _campaigns(writer: ExtractWriter, size: Size, month: str, end: int) -> None:
    line = quoted(
        "campaign_id(campaign)", "'false'", "name", "''", "kind",
        f"case when end_s < {end} then 'Completed' when start_s < {end} then 'In Progress' else 'Planned' end",
        "iso_date(start_s)", f"iso_date(end_s - {DAY})", "cast(planned as varchar) || '.0'",
        f"case when end_s < {end} then spent when start_s < {end} then spent // 2 else 0 end || '.0'", "'EUR'",
        "user_id(0)", "iso(created)", "iso(modified)", "iso(modified)",
    )  # fmt: skip
    writer.write(
        f"{FOLDER}/{month}/Campaign.csv",
        f"""select {line} as line, cast(null as varchar) as defects, cast(null as varchar) as key
            from (select *, start_s - {10 * DAY} as created,
              {last_change(end, f"start_s - {10 * DAY}", "start_s", "end_s")} as modified from campaigns)
            where {delivered(month, size, "modified", "created")} order by campaign""",
        header=names_line(
            "Id", "IsDeleted", "Name", "ParentId", "Type", "Status", "StartDate", "EndDate", "BudgetedCost",
            "ActualCost", "CurrencyIsoCode", "OwnerId", "CreatedDate", "LastModifiedDate", "SystemModstamp",
        ),
    )  # fmt: skip


def _members(writer: ExtractWriter, size: Size, month: str, end: int) -> None:
    answered = f"answered_s > 0 and answered_s < {end}"
    line = quoted(
        "member_id(member)", "'false'", "campaign_id(campaign)", "lead_id(lead_no)", "contact_id(contact_no)",
        f"case when {answered} then 'Responded' else unanswered end", f"yes({answered})",
        f"case when {answered} then iso_date(answered_s) end", "iso(created)", "iso(modified)", "iso(modified)",
    )  # fmt: skip
    writer.write(
        f"{FOLDER}/{month}/CampaignMember.csv",
        f"""select {line} as line, cast(null as varchar) as defects, cast(null as varchar) as key
            from (select *, {last_change(end, "created", "answered_s")} as modified from campaign_members)
            where {delivered(month, size, "modified", "created")} order by member""",
        header=names_line(
            "Id", "IsDeleted", "CampaignId", "LeadId", "ContactId", "Status", "HasResponded", "FirstRespondedDate",
            "CreatedDate", "LastModifiedDate", "SystemModstamp",
        ),
    )  # fmt: skip


def _lines(writer: ExtractWriter, size: Size, month: str) -> None:
    line = quoted(
        "line_id(line)", "'false'", "opp_id(opp)", "cast(rank as varchar)", "'01t5g00' || code(rank, 8) || 'AAA'",
        "product", "product", "'1.0'", "cast(amount as varchar) || '.0'", "cast(amount as varchar) || '.0'", "currency",
        "''", "iso(opened)", "iso(opened)", "iso(opened)",
    )  # fmt: skip
    writer.write(
        f"{FOLDER}/{month}/OpportunityLineItem.csv",
        f"""select {line} as line, cast(null as varchar) as defects, cast(null as varchar) as key
            from opportunity_lines where {delivered(month, size, "opened", "opened")} order by line""",
        header=names_line(
            "Id", "IsDeleted", "OpportunityId", "SortOrder", "Product2Id", "ProductCode", "Name", "Quantity",
            "UnitPrice", "TotalPrice", "CurrencyIsoCode", "Description", "CreatedDate", "LastModifiedDate",
            "SystemModstamp",
        ),
    )  # fmt: skip
