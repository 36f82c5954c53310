"""Salesforce "Data Export" files per month: records created or modified in it, with three days of overlap.

What does NOT belong here: which records exist (records.py, deals.py) or which are flawed on purpose beyond the layout.
"""

from __future__ import annotations

from ingest.demo.scratch import Scratch
from ingest.demo.sizes import AS_OF, DAY, Size, month_end, month_start
from ingest.demo.vocabulary import STAGES
from ingest.demo.writing import ExtractWriter, doubled, quoted

OVERLAP = 3 * DAY
FOLDER = "crm"
FLAWED_MONTHS = ("2026-04", "2026-06")  # broken lines only here: a file that holds one is read strictly, which is slow

_MACROS = """
    create or replace macro user_id(n) as '0055g00' || code(n, 8) || 'AAA';
    create or replace macro account_id(n) as '0015g00' || code(n, 8) || 'AAA';
    create or replace macro contact_id(n) as '0035g00' || code(n, 8) || 'AAA';
    create or replace macro lead_id(n) as '00Q5g00' || code(n, 8) || 'EAA';
    create or replace macro opp_id(n) as '0065g00' || code(n, 8) || 'AAA';
    create or replace macro task_id(n) as '00T5g00' || code(n, 8) || 'EAA';
    create or replace macro change_id(n) as '0085g00' || code(n, 8) || 'AAA';
    create or replace macro yes(b) as case when b then 'true' else 'false' end;
    create or replace macro inland(e) as case when e like '+33%' then '0' || substr(e, 4) else '00' || substr(e, 2) end;
    create or replace macro spaced(n) as substr(n, 1, 2) || ' ' || substr(n, 3, 2) || ' ' || substr(n, 5, 2) || ' ' ||
      substr(n, 7, 2) || ' ' || substr(n, 9, 2);
    create or replace macro typed(e, f) as case when e is null then '' when e not like '+33%' then e
      else case f when 0 then inland(e) when 1 then spaced(inland(e)) when 2 then e
        when 3 then '+33 (0)' || substr(spaced(inland(e)), 2) else replace(spaced(inland(e)), ' ', '.') end end;
"""


def make_crm_rows(scratch: Scratch, size: Size) -> None:
    """Join records to what they show: tables sf_leads, sf_accounts, sf_contacts, sf_opps."""
    scratch.run(_MACROS)
    scratch.run("""
        create or replace table account_of as select acc, account_no from account_records where kind = 'main';
        create or replace table opp_of_lead as select per, min(opp) as opp from opps where per >= 0 group by per;
        create or replace table sf_leads as
        select r.lead_no, r.kind, r.per, r.created, r.converted, r.deleted_s, r.master_no,
          case r.kind when 'original' then coalesce(t.first_touch, -1) else -1 end as worked,
          case when r.kind = 'original' and l.is_disqualified then r.created + 40 * 86400
               when r.kind not in ('original') and r.converted < 0 then r.created + 9 * 86400 else -1 end as closed_s,
          coalesce(p.first, 'Test') as first, coalesce(p.last, 'Essai') as last, coalesce(p.acc, -1) as acc,
          case r.kind when 'test' then 'TEST ne pas traiter' when 'junk' then 'asdf'
            when 'same_mail' then upper(c.name) when 'same_phone' then c.name || ' ' || c.form else c.name end as company,
          coalesce(r.email, '') as email,
          case r.phone_kind when 1 then typed(r.own_phone, r.fmt) when 2 then typed(c.switchboard, r.fmt) else '' end as phone,
          case when r.phone_kind in (0, 2) then typed(r.own_phone, r.fmt) else '' end as mobile,
          coalesce(c.country, 'FR') as country, coalesce(p.source, 'Web') as source, coalesce(c.industry, '') as industry,
          coalesce(c.employees, 1) as employees, coalesce(p.owner, 1) as owner,
          case when r.per % 20 < 7 and r.kind = 'original' and c.siren is not null and c.domain = c.own_domain then c.siren end as siren,
          coalesce(p.score, 1) as score, coalesce(p.opt_out, false) as opt_out, coalesce(p.no_call, false) as no_call,
          case when c.country = 'GB' then 'Europe/London' when c.country = 'US' then 'America/New_York' else 'Europe/Paris' end as zone,
          a.account_no, k.contact_no, o.opp
        from lead_records r left join persons p on p.per = r.per left join lead_lives l on l.per = r.per
        left join companies c on c.acc = p.acc
        left join (select per, min(at_s) as first_touch from touches group by per) t on t.per = r.per
        left join account_of a on a.acc = p.acc
        left join contact_records k on k.per = r.per and k.kind = 'main'
        left join opp_of_lead o on o.per = r.per
        order by r.lead_no;
        create or replace table sf_accounts as
        select r.account_no, r.kind, r.acc, r.created, r.deleted_s, r.main_no,
          case r.kind when 'same_siren' then upper(c.name) || ' ' || c.form when 'no_strong_key' then 'Sté ' || c.name
            when 'same_domain' then c.name || ' France' else c.name || case when r.acc % 3 = 0 then ' ' || c.form else '' end end as name,
          pa.account_no as parent_no, c.country, c.postal, c.city, c.industry, c.employees, c.owner, c.is_vip, c.currency,
          case when r.kind in ('main', 'same_domain') then case when r.acc % 4 = 1 then 'https://www.' || c.domain || '/'
            else 'www.' || c.domain end else '' end as website,
          case when r.kind = 'same_siren' or (r.kind = 'main' and (r.acc % 4 <> 3 or k.code_text is not null or c.domain <> c.own_domain))
            then coalesce(c.siren, '') else '' end as siren,
          case when r.kind = 'main' then coalesce(c.vat, '') else '' end as vat,
          case when r.kind = 'main' and r.acc % 10 < 9 then coalesce(k.code_text, '') else '' end as accountancy_code,
          case when r.kind = 'main' then typed(c.switchboard, 1) else '' end as phone, d.u_dirt
        from account_records r join companies c using (acc) join account_draws d using (acc)
        left join account_of pa on pa.acc = c.parent_acc
        left join (select acc, min(code_text) as code_text from customers where not is_second_code group by acc) k on k.acc = r.acc
        order by r.account_no;
        create or replace table sf_contacts as
        select r.contact_no, r.kind, r.per, r.created, r.deleted_s, p.first, p.last, p.title, p.owner, p.opt_out, p.no_call, p.source,
          m.contact_no as main_no, a.account_no,
          coalesce(p.email, '') as email,
          case p.phone_kind when 1 then typed(p.own_phone, (p.fmt + 1) % 5) when 2 then typed(p.switchboard, p.fmt) else '' end as phone,
          case when p.phone_kind in (0, 2) then typed(p.own_phone, (p.fmt + 1) % 5) else '' end as mobile
        from contact_records r join persons p using (per) join account_of a on a.acc = p.acc
        join contact_records m on m.per = r.per and m.kind = 'main' order by r.contact_no;
    """)


    for table in ("sf_leads", "sf_accounts", "sf_contacts"):
        scratch.run(f"alter table {table} add column defects varchar")
    scratch.run("alter table sf_accounts add column street varchar; alter table sf_accounts add column shown_modified bigint")
    scratch.run("update sf_accounts set street = '12 rue du Port', shown_modified = -1")


def make_task_rows(scratch: Scratch, size: Size) -> None:
    """Table sf_tasks: activities logged in the CRM; calls and mails are mostly copies of what the systems logged."""
    scratch.run("""
        create or replace table sf_tasks as
        with who as (select per, min(lead_no) as lead_no from sf_leads where kind = 'original' group by per),
        rows as (
          select t.touch, t.at_s, t.per, case t.kind when 2 then 'call_in' when 6 then 'social' when 7 then 'call' when 3 then 'mail'
              when 4 then 'mail' else 'call' end as what, t.kind, t.talk_s, c.linked as call_object, t.is_warm,
            case when t.kind in (0, 1, 2) and t.touch % 10 = 3 then t.at_s when t.kind in (0, 1, 2) then t.at_s + t.talk_s + 20
              when t.kind in (3, 4) then t.at_s + t.touch % 170 - 80 else t.at_s end as done_s,
            t.kind in (0, 1, 2) and t.touch % 10 = 3 as only_day, t.kind in (0, 1, 2) and t.touch % 10 = 5 as false_noon
          from touches t left join calls c on c.touch = t.touch
          where t.kind in (6, 7) or (t.kind in (0, 1, 2) and t.touch % 10 < 6) or (t.kind in (3, 4) and t.touch % 100 < 35))
        select r.*, w.lead_no, p.owner, 'plain' as origin from rows r join who w using (per) join persons p using (per)
        union all
        select -1, m.sent_s, m.per, 'bulk', 3, 0, null, false, m.sent_s + 60, false, false, w.lead_no, p.owner, 'bulk'
        from mails m join who w using (per) join persons p using (per) where m.is_bulk and m.mail % 29 = 3
        union all
        select -1, l.created + 86400 * 2, l.per, 'todo', 9, 0, null, false, l.created + 86400 * 2, true, false, l.lead_no, l.owner, 'todo'
        from sf_leads l where l.kind = 'original' and l.per % 7 = 2;
        create or replace table sf_tasks as
        select row_number() over (order by done_s, per, touch) - 1 as task_no, *, cast(case origin when 'bulk' then '45' else
          nullif(concat_ws(',', case when call_object is not null or (what = 'mail') then '44' end,
            case when only_day and what <> 'todo' then '18' end, case when false_noon then '17' end), '') end as varchar) as defects
        from sf_tasks where done_s < {AS_OF} order by task_no""".replace("{AS_OF}", str(AS_OF)))


def _delivered(month: str, size: Size, modified: str, created: str) -> str:
    start = month_start(month) - OVERLAP if month != size.first_delivery else 0
    return f"{created} < {month_end(month)} and {modified} >= {start}"


def _last(end: int, *moments: str) -> str:
    """SQL of the greatest of the moments that had happened before `end`; -1 means never."""
    seen = ", ".join(f"case when {m} < {end} then {m} else -1 end" for m in moments)
    return f"greatest({seen})"


def _header(*names: str) -> str:
    return ",".join(f'"{name}"' for name in names)


def physical(query: str, *, twice: str = "false", cut: str = "false", stray: str = "false", tail: str = "") -> str:
    """Add flawed lines after chosen records of `query` (seq, line, defects, key).

    twice: the same line again; cut: a line of two columns; stray: a quote inside a value and too many columns;
    tail: a last line whose quote is never closed. All repeat records that are also there unharmed.
    """
    last = f"union all select 1e18, 9, '{tail}', '10', null where {bool(tail)}"
    return f"""with q as materialized ({query})
      select line, defects, key from (
        select cast(seq as double) as seq, 0 as part, line, defects, key from q
        union all select seq, 1, line, '1', key from q where {twice}
        union all select seq, 2, '"' || key || '","false"', '10', key from q where {cut}
        union all select seq, 3, '"' || key || '","fal"se","a "b" c","","","","","","","","","","","","","","","","","","","","","","","","","","","",""', '10', key
          from q where {stray}
        {last}) order by seq, part"""


def _users(writer: ExtractWriter, month: str) -> None:
    line = quoted(
        "user_id(seller)", "first || ' ' || last", "email", "yes(is_active)", "role", "team",
        "case when seller = 0 then '' else user_id(0) end", "'Europe/Paris'", "cast(extension as varchar)",
        "'2024-06-01T08:00:00.000Z'", "'2024-12-15T08:00:00.000Z'",
    )
    writer.write(
        f"{FOLDER}/{month}/User.csv",
        f"select {line} as line, cast(null as varchar) as defects, cast(null as varchar) as key from sellers order by seller",
        header=_header(
            "Id", "Name", "Email", "IsActive", "Title", "Team__c", "ManagerId", "TimeZoneSidKey", "Extension",
            "CreatedDate", "LastModifiedDate",
        ),
    )


def _accounts(writer: ExtractWriter, size: Size, month: str) -> None:
    end = month_end(month)
    line = quoted(
        "account_id(account_no)", "yes(gone)", "case when gone then account_id(main_no) else '' end", doubled("name"),
        "case when parent_no is null or kind <> 'main' then '' else account_id(parent_no) end", doubled("street"), "postal", "city",
        "country", "phone", "website", "industry", "cast(employees as varchar)", "user_id(owner)", "currency", "siren", "vat",
        "accountancy_code", "yes(is_vip)", "iso(created)",
        "iso(case when shown_modified > 0 then shown_modified else modified end)", "iso(modified)",
    )
    query = f"""select account_no as seq, {line} as line,
          nullif(concat_ws(',', defects, case when gone then '24' end), '') as defects, account_id(account_no) as key
        from (select *, {_last(end, "created", "deleted_s")} as modified, deleted_s > 0 and deleted_s < {end} as gone from sf_accounts)
        where {_delivered(month, size, "modified", "created")}"""
    writer.write(
        f"{FOLDER}/{month}/Account.csv",
        physical(query),
        header=_header(
            "Id", "IsDeleted", "MasterRecordId", "Name", "ParentId", "BillingStreet", "BillingPostalCode", "BillingCity",
            "BillingCountryCode", "Phone", "Website", "Industry", "NumberOfEmployees", "OwnerId", "CurrencyIsoCode", "SIREN__c",
            "VATNumber__c", "AccountancyCode__c", "IsStrategic__c", "CreatedDate", "LastModifiedDate", "SystemModstamp",
        ),
        bom=month == "2026-04",
    )
    if month == "2026-04":
        writer.note(11, f"{FOLDER}/{month}/Account.csv", "UTF-8 with BOM")


def _contacts(writer: ExtractWriter, size: Size, month: str) -> None:
    end = month_end(month)
    line = quoted(
        "contact_id(contact_no)", "yes(gone)", "case when gone then contact_id(main_no) else '' end", "account_id(account_no)",
        "first", "last", "email", "phone", "mobile", "title", "yes(opt_out)", "yes(no_call)", "coalesce(source, '')",
        "user_id(owner)", "iso(created)", "iso(modified)", "iso(modified)",
    )
    query = f"""select contact_no as seq, {line} as line,
          nullif(concat_ws(',', defects, case when gone then '24' end), '') as defects, contact_id(contact_no) as key
        from (select *, {_last(end, "created", "deleted_s")} as modified, deleted_s > 0 and deleted_s < {end} as gone from sf_contacts)
        where {_delivered(month, size, "modified", "created")}"""
    writer.write(
        f"{FOLDER}/{month}/Contact.csv",
        physical(query),
        header=_header(
            "Id", "IsDeleted", "MasterRecordId", "AccountId", "FirstName", "LastName", "Email", "Phone", "MobilePhone", "Title",
            "HasOptedOutOfEmail", "DoNotCall", "LeadSource", "OwnerId", "CreatedDate", "LastModifiedDate", "SystemModstamp",
        ),
    )


def _leads(writer: ExtractWriter, size: Size, month: str) -> None:
    end = month_end(month)
    flaws = str(month in FLAWED_MONTHS).lower()
    line = quoted(
        "lead_id(lead_no)", "yes(gone)", "case when gone and master_no is not null then lead_id(master_no) else '' end",
        "first", "last", doubled("company"), "email", "phone", "mobile", "country", "source",
        f"""case when converted > 0 and converted < {end} then 'Closed - Converted' when closed_s > 0 and closed_s < {end}
          then 'Disqualified' when worked > 0 and worked < {end} then 'Working - Contacted' else 'Open - Not Contacted' end""",
        "industry", "cast(employees as varchar)", "user_id(owner)", "yes(done)",
        "case when done then iso_date(converted) else '' end", "case when done then account_id(account_no) else '' end",
        "case when done then contact_id(contact_no) else '' end",
        "case when done and opp is not null then opp_id(opp) else '' end", "yes(opt_out)", "yes(no_call)", "siren",
        "cast(score as varchar)", "zone", "iso(created)", "iso(modified)", "iso(modified)",
    )
    query = f"""select lead_no as seq, {line} as line,
          nullif(concat_ws(',', defects, case when gone then '24' end, case when gone and done and kind = 'original' then '25' end,
            case when done and kind = 'same_mail' then '25' end), '') as defects, lead_id(lead_no) as key
        from (select *, {_last(end, "created", "worked", "converted", "deleted_s", "closed_s")} as modified,
            deleted_s > 0 and deleted_s < {end} as gone, converted > 0 and converted < {end} as done from sf_leads)
        where {_delivered(month, size, "modified", "created")}"""
    writer.write(
        f"{FOLDER}/{month}/Lead.csv",
        physical(
            query, twice=f"seq % {size.every(211)} = 9", cut=f"{flaws} and seq % {size.every(307)} = 5",
            stray=f"{flaws} and seq % {size.every(307)} = 11",
        ),
        header=_header(
            "Id", "IsDeleted", "MasterRecordId", "FirstName", "LastName", "Company", "Email", "Phone", "MobilePhone", "CountryCode",
            "LeadSource", "Status", "Industry", "NumberOfEmployees", "OwnerId", "IsConverted", "ConvertedDate",
            "ConvertedAccountId", "ConvertedContactId", "ConvertedOpportunityId", "HasOptedOutOfEmail", "DoNotCall", "SIREN__c",
            "Score__c", "TimeZone__c", "CreatedDate", "LastModifiedDate", "SystemModstamp",
        ),
    )


def _stage(expression: str, words: list[str]) -> str:
    listed = ", ".join(f"'{w}'" for w in words)
    return f"[{listed}][{expression}]"


_PROBABILITY = ["10", "20", "35", "50", "65", "80", "100", "0"]
_FORECAST = ["Pipeline", "Pipeline", "Pipeline", "Best Case", "Best Case", "Commit", "Closed", "Omitted"]


def _opportunities(writer: ExtractWriter, size: Size, month: str) -> None:
    end = month_end(month)
    line = quoted(
        "opp_id(opp)", "yes(gone)", "account_id(account_no)", "'Affaire ' || opp", _stage("cast(stage as int)", STAGES),
        "cast(amount as varchar) || '.0'", _stage("cast(stage as int)", _PROBABILITY),
        "cast(amount * cast(" + _stage("cast(stage as int)", _PROBABILITY) + " as int) / 100 as varchar)",
        "case when stage >= 7 then iso_date(modified) else iso_date(expected_day * 86400) end",
        "case type_code when 'new' then 'New Business' when 'expansion' then 'Expansion' else 'Renewal' end",
        "source", "yes(stage >= 7)", "yes(shown_won)", _stage("cast(stage as int)", _FORECAST),
        "case when stage = 8 then lost_reason else '' end", "coalesce(shown_owner, user_id(owner))", "currency",
        "iso(opened)", "iso(case when gone then gone_s else modified end)", "iso(case when gone then gone_s else modified end)",
    )
    query = f"""select opp as seq, {line} as line,
          nullif(concat_ws(',', defects, case when stage = 7 and not shown_won then '23' end, case when gone then '24' end), '')
            as defects, opp_id(opp) as key
        from (select o.*, s.stage, s.modified, a.account_no, coalesce(p.source, '') as source, o.opened + 86400 * 9 as gone_s,
            o.is_deleted and o.opened + 86400 * 9 < {end} as gone, s.stage = 7 and not o.won_flag_lost as shown_won
          from opps o join (select opp, arg_max(stage, change) as stage, max(at_s) as modified from opp_changes
            where at_s < {end} group by opp) s using (opp)
          join account_of a using (acc) left join persons p on p.per = o.per)
        where {_delivered(month, size, "greatest(modified, case when gone then gone_s else 0 end)", "opened")}"""
    writer.write(
        f"{FOLDER}/{month}/Opportunity.csv",
        physical(query),
        header=_header(
            "Id", "IsDeleted", "AccountId", "Name", "StageName", "Amount", "Probability", "ExpectedRevenue", "CloseDate", "Type",
            "LeadSource", "IsClosed", "IsWon", "ForecastCategory", "LossReason__c", "OwnerId", "CurrencyIsoCode", "CreatedDate",
            "LastModifiedDate", "SystemModstamp",
        ),
    )
    writer.note(51, f"{FOLDER}/{month}/Opportunity.csv", "Probability, ExpectedRevenue, ForecastCategory")


def _history(writer: ExtractWriter, size: Size, month: str) -> None:
    end = month_end(month)
    line = quoted(
        "change_id(change)", "opp_id(opp)", "user_id(owner)", "iso(at_s)", _stage("cast(stage as int)", STAGES),
        "cast(amount as varchar) || '.0'", "'0.0'", "iso_date(expected_day * 86400)",
        _stage("cast(stage as int)", _PROBABILITY), _stage("cast(stage as int)", _FORECAST),
    )
    query = f"""select change as seq, {line} as line, case when is_undone then '26' end as defects, change_id(change) as key
        from (select h.*, o.owner, o.amount, o.expected_day, h.stage >= 7 and h.at_s < o.closed as is_undone
          from opp_changes h join opps o using (opp)) where {_delivered(month, size, "at_s", "at_s")}"""
    writer.write(
        f"{FOLDER}/{month}/OpportunityHistory.csv",
        physical(query),
        header=_header(
            "Id", "OpportunityId", "CreatedById", "CreatedDate", "StageName", "Amount", "ExpectedRevenue", "CloseDate",
            "Probability", "ForecastCategory",
        ),
    )


def _tasks(writer: ExtractWriter, size: Size, month: str) -> None:
    line = quoted(
        "task_id(task_no)", "coalesce(shown_who, lead_id(lead_no))", "''", "user_id(owner)",
        """case what when 'call' then 'Appel sortant' when 'call_in' then 'Appel entrant' when 'mail' then 'Courriel envoyé'
          when 'bulk' then 'Lettre d''information' when 'social' then case when is_warm then 'Warm intro' else 'Message LinkedIn' end
          else 'À rappeler' end""",
        "case what when 'mail' then 'Email' when 'bulk' then 'Email' when 'social' then 'LinkedIn' when 'todo' then '' else 'Call' end",
        "case what when 'mail' then 'Email' when 'bulk' then 'ListEmail' when 'social' then 'Task' when 'todo' then 'Task' else 'Call' end",
        "case when what = 'todo' then 'Not Started' else 'Completed' end", "yes(what <> 'todo')", "iso_date(done_s)",
        "case when only_day then '' when false_noon then iso_date(done_s) || 'T12:00:00.000Z' else iso(done_s) end",
        "case what when 'call' then 'Outbound' when 'call_in' then 'Inbound' else '' end",
        "case when what in ('call', 'call_in') then cast(case when kind = 7 then 180 else talk_s end as varchar) else '' end",
        "case when what in ('call', 'call_in') then case when kind = 1 then 'No answer' else 'Connected' end else '' end",
        "call_object", "'false'", "'false'", "iso(done_s)", "iso(done_s)",
    )
    query = f"""select task_no as seq, {line} as line, defects, task_id(task_no) as key
        from sf_tasks where {_delivered(month, size, "done_s", "done_s")}"""
    writer.write(
        f"{FOLDER}/{month}/Task.csv",
        physical(
            query, twice=f"seq % {size.every(1501)} = 3", cut=f"{month == '2026-05'} and seq % {size.every(503)} = 7",
            tail='"00T5g0099999999EAA","00Q5g0000000001EAA","coupé' if month == "2026-05" else "",
        ),
        header=_header(
            "Id", "WhoId", "WhatId", "OwnerId", "Subject", "Type", "TaskSubtype", "Status", "IsClosed", "ActivityDate",
            "CompletedDateTime", "CallType", "CallDurationInSeconds", "CallDisposition", "CallObject", "IsDeleted", "IsArchived",
            "CreatedDate", "LastModifiedDate",
        ),
    )


def write_crm(writer: ExtractWriter, size: Size) -> None:
    """All Salesforce files of all months."""
    for month in size.delivery_months:
        _users(writer, month)
        _accounts(writer, size, month)
        _contacts(writer, size, month)
        _leads(writer, size, month)
        _opportunities(writer, size, month)
        _history(writer, size, month)
        _tasks(writer, size, month)
