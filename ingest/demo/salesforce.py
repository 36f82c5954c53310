"""Salesforce "Data Export" files per month: records created or modified in it, with three days of overlap.

What does NOT belong here: which records exist (records.py, deals.py) or which are flawed on purpose beyond
  the layout.
"""

from __future__ import annotations

from ingest.demo.deals import EVIDENCE
from ingest.demo.sizes import DAY, Size, month_end, month_start, months_before
from ingest.demo.vocabulary import STAGES
from ingest.demo.writing import ExtractWriter, doubled, quoted

OVERLAP = 3 * DAY
FOLDER = "crm"
FLAWED_MONTHS = (
    "2026-04",
    "2026-06",
)  # broken lines only here: a file that holds one is read strictly, which is slow


def delivered(month: str, size: Size, modified: str, created: str) -> str:
    """SQL condition of the records in the file of a month: created before its end, changed in it or shortly before."""
    start = month_start(month) - OVERLAP if month != size.first_delivery else 0
    return f"{created} < {month_end(month)} and {modified} >= {start}"


def last_change(end: int, *moments: str) -> str:
    """SQL of the greatest of the moments that had happened before `end`; -1 means never."""
    seen = ", ".join(f"case when {m} < {end} then {m} else -1 end" for m in moments)
    return f"greatest({seen})"


def names_line(*names: str) -> str:
    """Header line with every name in double quotes."""
    return ",".join(f'"{name}"' for name in names)


def physical(
    query: str, *, twice: str = "false", cut: str = "false", stray: str = "false", tail: str = ""
) -> str:
    """Add flawed lines after chosen records of `query` (seq, line, defects, key).

    twice: the same line again; cut: a line of two columns; stray: a quote inside a value and too many
      columns;
    tail: a last line whose quote is never closed. All repeat records that are also there unharmed.
    """
    last = f"union all select 1e18, 9, '{tail}', '10', null where {bool(tail)}"
    return f"""with q as materialized ({query})
      select line, defects, key from (
        select cast(seq as double) as seq, 0 as part, line, defects, key from q
        union all select seq, 1, line, '1', key from q where {twice}
        union all select seq, 2, '"' || key || '","false"', '10', key from q where {cut}
        union all select seq, 3, '"' || key ||
          '","fal"se","a "b" c"' || repeat(',""', 40), '10', key
          from q where {stray}
        {last}) order by seq, part"""


def _users(writer: ExtractWriter, size: Size, month: str) -> None:
    created, modified = (months_before(size.first_event_month, n) for n in (7, 1))
    line = quoted(
        "user_id(seller)",
        "first || ' ' || last",
        "email",
        "yes(is_active)",
        "role",
        "team",
        "case when seller = 0 then '' else user_id(0) end",
        "'Europe/Paris'",
        "cast(extension as varchar)",
        f"'{created}-01T08:00:00.000Z'",
        f"'{modified}-15T08:00:00.000Z'",
    )
    writer.write(
        f"{FOLDER}/{month}/User.csv",
        f"""select {line} as line, cast(null as varchar) as defects, cast(null as varchar) as key
            from (from sellers union all by name select *, '' as extension from success_team) order by seller""",
        header=names_line(
            "Id",
            "Name",
            "Email",
            "IsActive",
            "Title",
            "Team__c",
            "ManagerId",
            "TimeZoneSidKey",
            "Extension",
            "CreatedDate",
            "LastModifiedDate",
        ),
    )


def _accounts(writer: ExtractWriter, size: Size, month: str) -> None:
    end = month_end(month)
    line = quoted(
        "account_id(account_no)",
        "yes(gone)",
        "case when gone then account_id(main_no) else '' end",
        doubled("name"),
        "case when parent_no is null or kind <> 'main' then '' else account_id(parent_no) end",
        doubled("street"),
        "postal",
        "city",
        "country",
        "phone",
        "website",
        "industry",
        "cast(employees as varchar)",
        "user_id(owner)",
        "currency",
        "siren",
        "vat",
        "accountancy_code",
        "yes(is_strategic)",
        "iso(created)",
        "iso(case when shown_modified > 0 then shown_modified else modified end)",
        "iso(modified)",
    )
    query = f"""select account_no as seq, {line} as line,
          nullif(concat_ws(',', defects, case when gone then '24' end), '') as defects,
            account_id(account_no) as key
        from (select *, {last_change(end, "created", "deleted_s")} as modified, deleted_s > 0 and deleted_s < {end}
          as gone from sf_accounts)
        where {delivered(month, size, "modified", "created")}"""
    writer.write(
        f"{FOLDER}/{month}/Account.csv",
        physical(query),
        header=names_line(
            "Id",
            "IsDeleted",
            "MasterRecordId",
            "Name",
            "ParentId",
            "BillingStreet",
            "BillingPostalCode",
            "BillingCity",
            "BillingCountryCode",
            "Phone",
            "Website",
            "Industry",
            "NumberOfEmployees",
            "OwnerId",
            "CurrencyIsoCode",
            "SIREN__c",
            "VATNumber__c",
            "AccountancyCode__c",
            "IsStrategic__c",
            "CreatedDate",
            "LastModifiedDate",
            "SystemModstamp",
        ),
        bom=month == "2026-04",
    )
    if month == "2026-04":
        writer.note(11, f"{FOLDER}/{month}/Account.csv", "UTF-8 with BOM")


def _contacts(writer: ExtractWriter, size: Size, month: str) -> None:
    end = month_end(month)
    line = quoted(
        "contact_id(contact_no)",
        "yes(gone)",
        "case when gone then contact_id(main_no) else '' end",
        "account_id(account_no)",
        "first",
        "last",
        "email",
        "phone",
        "mobile",
        "title",
        "yes(opt_out)",
        "yes(no_call)",
        "coalesce(source, '')",
        "user_id(owner)",
        "iso(created)",
        "iso(modified)",
        "iso(modified)",
    )
    query = f"""select contact_no as seq, {line} as line,
          nullif(concat_ws(',', defects, case when gone then '24' end), '') as defects,
            contact_id(contact_no) as key
        from (select *, {last_change(end, "created", "deleted_s")} as modified, deleted_s > 0 and deleted_s < {end}
          as gone from sf_contacts)
        where {delivered(month, size, "modified", "created")}"""
    writer.write(
        f"{FOLDER}/{month}/Contact.csv",
        physical(query),
        header=names_line(
            "Id",
            "IsDeleted",
            "MasterRecordId",
            "AccountId",
            "FirstName",
            "LastName",
            "Email",
            "Phone",
            "MobilePhone",
            "Title",
            "HasOptedOutOfEmail",
            "DoNotCall",
            "LeadSource",
            "OwnerId",
            "CreatedDate",
            "LastModifiedDate",
            "SystemModstamp",
        ),
    )


#: When a lead was given to its seller: six in ten within the hour, three within the day, the others wait or have none.
_ASSIGNED = """created + case cast(hash(lead_no * 13 + 5) % 10 as int) when 9 then 400 * 86400 when 8 then 40 * 3600
    when 7 then 9 * 3600 when 6 then 5 * 3600 else 600 + 60 * cast(hash(lead_no * 17 + 6) % 45 as int) end"""


def _leads(writer: ExtractWriter, size: Size, month: str) -> None:
    end = month_end(month)
    routing = (
        f"case when {_ASSIGNED} < {end} then iso({_ASSIGNED}) else '' end",
        "case when hash(lead_no * 19 + 7) % 8 = 0 then '1' else '0' end",
    )
    flaws = str(month in FLAWED_MONTHS).lower()
    line = quoted(
        "lead_id(lead_no)",
        "yes(gone)",
        "case when gone and master_no is not null then lead_id(master_no) else '' end",
        "first",
        "last",
        doubled("company"),
        "email",
        "phone",
        "mobile",
        "country",
        "source",
        f"""case when converted > 0 and converted < {end} then 'Closed - Converted'
          when closed_s > 0 and closed_s < {end}
          then 'Disqualified' when worked > 0 and worked < {end} then 'Working - Contacted' else
            'Open - Not Contacted' end""",
        "industry",
        "cast(employees as varchar)",
        "user_id(owner)",
        "yes(done)",
        "case when done then iso_date(paris(converted)) else '' end",
        "case when done then account_id(account_no) else '' end",
        "case when done then contact_id(contact_no) else '' end",
        "case when done and opp is not null then opp_id(opp) else '' end",
        "yes(opt_out)",
        "yes(no_call)",
        "siren",
        "cast(score as varchar)",
        "zone",
        f"case when mql_s > 0 and mql_s < {end} then iso(mql_s) else '' end",
        f"case when sql_s > 0 and sql_s < {end} then iso(sql_s) else '' end",
        "iso(created)",
        "iso(modified)",
        "iso(modified)",
        *(routing if size.has_sheets else ()),
    )
    changes = ("created", "worked", "converted", "deleted_s", "closed_s", "mql_s", "sql_s")
    query = f"""select lead_no as seq, {line} as line,
          nullif(concat_ws(',', defects, case when gone then '24' end, case when gone and done and kind =
            'original' then '25' end,
            case when done and kind = 'same_mail' then '25' end), '') as defects, lead_id(lead_no) as key
        from (select *, {last_change(end, *changes)} as modified,
            deleted_s > 0 and deleted_s < {end} as gone, converted > 0 and converted < {end} as done from
              sf_leads)
        where {delivered(month, size, "modified", "created")}"""
    writer.write(
        f"{FOLDER}/{month}/Lead.csv",
        physical(
            query,
            twice=f"seq % {size.every(211)} = 9",
            cut=f"{flaws} and seq % {size.every(307)} = 5",
            stray=f"{flaws} and seq % {size.every(307)} = 11",
        ),
        header=names_line(
            "Id",
            "IsDeleted",
            "MasterRecordId",
            "FirstName",
            "LastName",
            "Company",
            "Email",
            "Phone",
            "MobilePhone",
            "CountryCode",
            "LeadSource",
            "Status",
            "Industry",
            "NumberOfEmployees",
            "OwnerId",
            "IsConverted",
            "ConvertedDate",
            "ConvertedAccountId",
            "ConvertedContactId",
            "ConvertedOpportunityId",
            "HasOptedOutOfEmail",
            "DoNotCall",
            "SIREN__c",
            "Score__c",
            "TimeZone__c",
            "MQLDate__c",
            "SQLDate__c",
            "CreatedDate",
            "LastModifiedDate",
            "SystemModstamp",
            *(("AssignedDate__c", "OwnerChanges__c") if size.has_sheets else ()),
        ),
    )


def _stage(expression: str, words: list[str]) -> str:
    listed = ", ".join(f"'{w}'" for w in words)
    return f"[{listed}][{expression}]"


_PROBABILITY = ["10", "20", "35", "50", "65", "80", "100", "0"]
_FORECAST = ["Pipeline", "Pipeline", "Pipeline", "Best Case", "Best Case", "Commit", "Closed", "Omitted"]


# Names of persons among them: what the pipeline keeps is that a field is filled.
_EVIDENCE_TEXT = (
    "Gain de 12 jours par mois",
    "Camille Roussel",
    "Prix, délai, références",
    "Comité du 15, puis achats",
    "Relances perdues",
    "Dominique Faure",
)


def _evidence() -> list[str]:
    """Fields of MEDDIC, filled once the stage whose gate asks for them is reached, but for those that lack."""
    return [
        f"case when reached >= {rung} and not lacks_evidence(opp, {n}) then '{text}' else '' end"
        for n, (rung, text) in enumerate(zip(EVIDENCE.values(), _EVIDENCE_TEXT, strict=True))
    ]


def _opportunities(writer: ExtractWriter, size: Size, month: str) -> None:
    end = month_end(month)
    changed = "greatest(modified, case when gone then gone_s else 0 end)"
    line = quoted(
        "opp_id(opp)",
        "yes(gone)",
        "account_id(account_no)",
        "'Affaire ' || opp",
        _stage("cast(stage as int)", STAGES),
        "cast(amount as varchar) || '.0'",
        _stage("cast(stage as int)", _PROBABILITY),
        "cast(amount * cast(" + _stage("cast(stage as int)", _PROBABILITY) + " as int) / 100 as varchar)",
        "case when stage >= 7 then iso_date(modified) else iso_date(expected_day * 86400) end",
        "case type_code when 'new' then 'New Business' when 'expansion' then 'Expansion' else 'Renewal' end",
        "source",
        "yes(stage >= 7)",
        "yes(shown_won)",
        "case when has_no_forecast then '' else " + _stage("cast(stage as int)", _FORECAST) + " end",
        "case when stage = 8 then lost_reason else '' end",
        "coalesce(shown_owner, user_id(owner))",
        "currency",
        "iso(opened)",
        "iso(case when gone then gone_s else modified end)",
        "iso(case when gone then gone_s else modified end)",
        *(_evidence() if size.has_sheets else ()),
    )
    query = f"""select opp as seq, {line} as line,
          nullif(concat_ws(',', defects, case when stage = 7 and not shown_won then '23' end, case when gone
            then '24' end), '')
            as defects, opp_id(opp) as key
        from (select o.*, s.stage, s.reached, s.modified, s.has_no_forecast, a.account_no,
          coalesce(p.source, '') as source, o.opened + 86400 * 9 as gone_s,
            o.is_deleted and o.opened + 86400 * 9 < {end} as gone, s.stage = 7 and not o.won_flag_lost as
              shown_won
          from opps o join (select opp, arg_max(stage, change) as stage, max(at_s) as modified,
            max(stage) filter (where stage <= 7) as reached,
            bool_or(has_no_forecast) as has_no_forecast from opp_changes
            where at_s < {end} group by opp) s using (opp)
          join account_of a using (acc) left join persons p on p.per = o.per)
        where {delivered(month, size, changed, "opened")}"""
    writer.write(
        f"{FOLDER}/{month}/Opportunity.csv",
        physical(query),
        header=names_line(
            "Id",
            "IsDeleted",
            "AccountId",
            "Name",
            "StageName",
            "Amount",
            "Probability",
            "ExpectedRevenue",
            "CloseDate",
            "Type",
            "LeadSource",
            "IsClosed",
            "IsWon",
            "ForecastCategory",
            "LossReason__c",
            "OwnerId",
            "CurrencyIsoCode",
            "CreatedDate",
            "LastModifiedDate",
            "SystemModstamp",
            *(EVIDENCE if size.has_sheets else ()),
        ),
    )
    writer.note(51, f"{FOLDER}/{month}/Opportunity.csv", "Probability, ExpectedRevenue, ForecastCategory")


def _history(writer: ExtractWriter, size: Size, month: str) -> None:
    line = quoted(
        "change_id(change)",
        "opp_id(opp)",
        "user_id(owner)",
        "iso(at_s)",
        _stage("cast(stage as int)", STAGES),
        "cast(amount as varchar) || '.0'",
        "'0.0'",
        "iso_date(expected_day * 86400)",
        _stage("cast(stage as int)", _PROBABILITY),
        "case when has_no_forecast then '' else " + _stage("cast(stage as int)", _FORECAST) + " end",
    )
    query = f"""select change as seq, {line} as line, change_id(change) as key,
          case when is_undone then '26' end as defects
        from (select h.*, o.owner, h.stage >= 7 and h.at_s < o.closed as is_undone
          from opp_changes h join opps o using (opp)) where {delivered(month, size, "at_s", "at_s")}"""
    writer.write(
        f"{FOLDER}/{month}/OpportunityHistory.csv",
        physical(query),
        header=names_line(
            "Id",
            "OpportunityId",
            "CreatedById",
            "CreatedDate",
            "StageName",
            "Amount",
            "ExpectedRevenue",
            "CloseDate",
            "Probability",
            "ForecastCategory",
        ),
    )


#: Custom fields that only some companies have; benchmarks do without. The objection stands on three talks of ten.
_TASK_FIELDS = (
    """case when what in ('call', 'call_in') and talk_s > 0 and hash(task_no * 3 + 1) % 10 < 3
      then ['Price', 'Price', 'Timing', 'Competitor', 'No need'][cast(hash(task_no * 5 + 2) % 5 as int) + 1]
      else '' end""",
    "case when what = 'mail' then 'crm-' || (hash(task_no * 11 + 4) % 3 + 1) else '' end",
)


def _tasks(writer: ExtractWriter, size: Size, month: str) -> None:
    line = quoted(
        "task_id(task_no)",
        "coalesce(shown_who, lead_id(lead_no))",
        "''",
        "user_id(owner)",
        """case what when 'call' then 'Appel sortant' when 'call_in' then 'Appel entrant'
          when 'mail' then 'Courriel envoyé'
          when 'bulk' then 'Lettre d''information' when 'social' then case when is_warm then 'Warm intro'
            else 'Message LinkedIn' end
          else 'À rappeler' end""",
        """case what when 'mail' then 'Email' when 'bulk' then 'Email' when 'social' then 'LinkedIn'
          when 'todo' then '' else 'Call' end""",
        """case what when 'mail' then 'Email' when 'bulk' then 'ListEmail' when 'social' then 'Task'
          when 'todo' then 'Task' else 'Call' end""",
        "case when what = 'todo' then 'Not Started' else 'Completed' end",
        "yes(what <> 'todo')",
        "iso_date(paris(done_s))",
        """case when only_day then '' when false_noon then iso_date(paris(done_s)) || 'T12:00:00.000Z'
          else iso(done_s) end""",
        "case what when 'call' then 'Outbound' when 'call_in' then 'Inbound' else '' end",
        "case when what in ('call', 'call_in') then cast(talk_s as varchar) else '' end",
        """case when what not in ('call', 'call_in') then '' when talk_s = 0 then 'No answer'
          else 'Connected' end""",
        "call_object",
        "'false'",
        "'false'",
        "iso(done_s)",
        "iso(done_s)",
        *(_TASK_FIELDS if size.has_sheets else ()),
    )
    query = f"""select task_no as seq, {line} as line, defects, task_id(task_no) as key
        from sf_tasks where {delivered(month, size, "done_s", "done_s")}"""
    writer.write(
        f"{FOLDER}/{month}/Task.csv",
        physical(
            query,
            twice=f"seq % {size.every(1501)} = 3",
            cut=f"{month == '2026-05'} and seq % {size.every(503)} = 7",
            tail='"00T5g0099999999EAA","00Q5g0000000001EAA","coupé' if month == "2026-05" else "",
        ),
        header=names_line(
            "Id",
            "WhoId",
            "WhatId",
            "OwnerId",
            "Subject",
            "Type",
            "TaskSubtype",
            "Status",
            "IsClosed",
            "ActivityDate",
            "CompletedDateTime",
            "CallType",
            "CallDurationInSeconds",
            "CallDisposition",
            "CallObject",
            "IsDeleted",
            "IsArchived",
            "CreatedDate",
            "LastModifiedDate",
            *(("Objection__c", "TemplateId__c") if size.has_sheets else ()),
        ),
    )


def write_crm(writer: ExtractWriter, size: Size) -> None:
    """All Salesforce files of all months."""
    for month in size.delivery_months:
        _users(writer, size, month)
        _accounts(writer, size, month)
        _contacts(writer, size, month)
        _leads(writer, size, month)
        _opportunities(writer, size, month)
        _history(writer, size, month)
        _tasks(writer, size, month)
