"""What each CRM record shows: the columns of accounts, contacts, leads and tasks before any file is written.

What does NOT belong here: file layouts (salesforce.py) and which records exist (records.py).
"""

from __future__ import annotations

from ingest.demo.scratch import Scratch
from ingest.demo.sizes import AS_OF, Size

_MACROS = """
    create or replace macro user_id(n) as '0055g00' || code(n, 8) || 'AAA';
    create or replace macro account_id(n) as '0015g00' || code(n, 8) || 'AAA';
    create or replace macro contact_id(n) as '0035g00' || code(n, 8) || 'AAA';
    create or replace macro lead_id(n) as '00Q5g00' || code(n, 8) || 'EAA';
    create or replace macro opp_id(n) as '0065g00' || code(n, 8) || 'AAA';
    create or replace macro task_id(n) as '00T5g00' || code(n, 8) || 'EAA';
    create or replace macro change_id(n) as '0085g00' || code(n, 8) || 'AAA';
    create or replace macro yes(b) as case when b then 'true' else 'false' end;
    create or replace macro inland(e) as case when e like '+33%' then '0' || substr(e, 4) else '00' ||
      substr(e, 2) end;
    create or replace macro spaced(n) as substr(n, 1, 2) || ' ' || substr(n, 3, 2) || ' ' || substr(n, 5, 2)
      || ' ' ||
      substr(n, 7, 2) || ' ' || substr(n, 9, 2);
    create or replace macro typed(e, f) as case when e is null then '' when e not like '+33%' then e
      else case f when 0 then inland(e) when 1 then spaced(inland(e)) when 2 then e
        when 3 then '+33 (0)' || substr(spaced(inland(e)), 2) else replace(spaced(inland(e)), ' ', '.') end
          end;
"""


def make_crm_rows(scratch: Scratch, size: Size) -> None:
    """Join records to what they show: tables sf_leads, sf_accounts, sf_contacts, sf_opps."""
    scratch.run(_MACROS)
    scratch.run("""
        create or replace table account_of as select acc, account_no from account_records where kind = 'main';
        create or replace table opp_of_lead as select per, min(opp) as opp from opps where per >= 0 group by
          per;
        create or replace table sf_leads as
        select r.lead_no, r.kind, r.per, r.created, r.converted, r.deleted_s, r.master_no,
          case r.kind when 'original' then coalesce(t.first_touch, -1) else -1 end as worked,
          case when r.kind = 'original' and l.is_disqualified then r.created + 40 * 86400
               when r.kind not in ('original') and r.converted < 0 then r.created + 9 * 86400 else -1 end as
                 closed_s,
          coalesce(p.first, 'Test') as first, coalesce(p.last, 'Essai') as last, coalesce(p.acc, -1) as acc,
          case r.kind when 'test' then 'TEST ne pas traiter' when 'junk' then 'asdf'
            when 'same_mail' then upper(c.name) when 'same_phone' then c.name || ' ' || c.form else c.name
              end as company,
          coalesce(r.email, '') as email,
          case r.phone_kind when 1 then typed(r.own_phone, r.fmt) when 2 then typed(c.switchboard, r.fmt)
            else '' end as phone,
          case when r.phone_kind in (0, 2) then typed(r.own_phone, r.fmt) else '' end as mobile,
          coalesce(c.country, 'FR') as country, coalesce(p.source, 'Web') as source, coalesce(c.industry, '')
            as industry,
          coalesce(c.employees, 1) as employees, coalesce(p.owner, 1) as owner,
          case when r.per % 20 < 7 and r.kind = 'original' and c.siren is not null and c.domain =
            c.own_domain then c.siren end as siren,
          coalesce(p.score, 1) as score, coalesce(p.opt_out, false) as opt_out, coalesce(p.no_call, false) as
            no_call,
          case when c.country = 'GB' then 'Europe/London' when c.country = 'US' then 'America/New_York' else
            'Europe/Paris' end as zone,
          a.account_no, k.contact_no, o.opp, cast(-1 as bigint) as mql_s, cast(-1 as bigint) as sql_s
        from lead_records r left join persons p on p.per = r.per left join lead_lives l on l.per = r.per
        left join companies c on c.acc = p.acc
        left join (select per, min(at_s) as first_touch from touches group by per) t on t.per = r.per
        left join account_of a on a.acc = p.acc
        left join contact_records k on k.per = r.per and k.kind = 'main'
        left join opp_of_lead o on o.per = r.per
        order by r.lead_no;
        create or replace table sf_accounts as
        select r.account_no, r.kind, r.acc, r.created, r.deleted_s, r.main_no,
          case r.kind when 'same_siren' then upper(c.name) || ' ' || c.form when 'no_strong_key' then 'Sté '
            || c.name
            when 'same_domain' then c.name || ' France' else c.name || case when r.acc % 3 = 0 then ' ' ||
              c.form else '' end end as name,
          pa.account_no as parent_no, c.country, c.postal, c.city, c.industry, c.employees, c.owner,
            c.is_strategic, c.currency,
          case when r.kind in ('main', 'same_domain') then case when r.acc % 4 = 1 then 'https://www.' ||
            c.domain || '/'
            else 'www.' || c.domain end else '' end as website,
          case when r.kind = 'same_siren' or (r.kind = 'main' and (r.acc % 4 <> 3 or k.code_text is not null
            or c.domain <> c.own_domain))
            then coalesce(c.siren, '') else '' end as siren,
          case when r.kind = 'main' then coalesce(c.vat, '') else '' end as vat,
          case when r.kind = 'main' and r.acc % 10 < 9 then coalesce(k.code_text, '') else '' end as
            accountancy_code,
          case when r.kind = 'main' then typed(c.switchboard, 1) else '' end as phone, d.u_dirt
        from account_records r join companies c using (acc) join account_draws d using (acc)
        left join account_of pa on pa.acc = c.parent_acc
        left join (select acc, min(code_text) as code_text from customers where not is_second_code group by
          acc) k on k.acc = r.acc
        order by r.account_no;
        create or replace table sf_contacts as
        select r.contact_no, r.kind, r.per, r.created, r.deleted_s, p.first, p.last, p.title, p.owner,
          p.opt_out, p.no_call, p.source,
          m.contact_no as main_no, a.account_no,
          coalesce(p.email, '') as email,
          case p.phone_kind when 1 then typed(p.own_phone, (p.fmt + 1) % 5) when 2 then typed(p.switchboard,
            p.fmt) else '' end as phone,
          case when p.phone_kind in (0, 2) then typed(p.own_phone, (p.fmt + 1) % 5) else '' end as mobile
        from contact_records r join persons p using (per) join account_of a on a.acc = p.acc
        join contact_records m on m.per = r.per and m.kind = 'main' order by r.contact_no;
    """)

    _hand_over(scratch)
    for table in ("sf_leads", "sf_accounts", "sf_contacts"):
        scratch.run(f"alter table {table} add column defects varchar")
    scratch.run(
        "alter table sf_accounts add column street varchar; "
        "alter table sf_accounts add column shown_modified bigint"
    )
    scratch.run("update sf_accounts set street = '12 rue du Port', shown_modified = -1")


def _hand_over(scratch: Scratch) -> None:
    """Dates in sf_leads at which marketing hands a lead with a score over to sales, and sales accept it.

    Marketing works for two hours to two days, outbound leads are never handed over; sales accept most leads that
    convert or that were reached within two days. Derived from what is there: no draw of another table moves.
    """
    scratch.run(f"""
        create or replace table handed_over as
        select l.lead_no, l.created + 7200 + l.per * 7919 % 165600 as mql_s, l.per, l.worked, l.converted
        from sf_leads l join persons p on p.per = l.per
        where l.kind = 'original' and p.channel <> 'outbound' and l.score > 35 and l.deleted_s < 0;
        create or replace table accepted as
        select lead_no, greatest(mql_s, worked) + 3600 + per * 104729 % 172800 as sql_s
        from handed_over
        where per % 5 <> 0 and (converted > 0 or (worked > 0 and worked < mql_s + 172800));
        update sf_leads set mql_s = h.mql_s from handed_over h
        where h.lead_no = sf_leads.lead_no and h.mql_s < {AS_OF};
        update sf_leads set sql_s = a.sql_s from accepted a
        where a.lead_no = sf_leads.lead_no and sf_leads.mql_s > 0 and a.sql_s < {AS_OF}""")


def make_task_rows(scratch: Scratch, size: Size) -> None:
    """Table sf_tasks: activities logged in the CRM, mostly copies of calls and mails that the systems log."""
    scratch.run(
        """
        create or replace table sf_tasks as
        with who as (select per, min(lead_no) as lead_no from sf_leads where kind = 'original' group by per),
        rows as (
          select t.touch, t.at_s, t.per, case t.kind when 2 then 'call_in' when 6 then 'social' when 7 then
            'call' when 3 then 'mail'
              when 4 then 'mail' else 'call' end as what, t.kind, t.talk_s, c.linked as call_object,
                t.is_warm,
            case when t.kind in (0, 1, 2) and t.touch % 10 = 3 then t.at_s when t.kind in (0, 1, 2) then
              t.at_s + t.talk_s + 20
              when t.kind in (3, 4) then t.at_s + t.touch % 170 - 80 else t.at_s end as done_s,
            t.kind in (0, 1, 2) and t.touch % 10 = 3 as only_day, t.kind in (0, 1, 2) and t.touch % 10 = 5 as
              false_noon
          from touches t left join calls c on c.touch = t.touch
          where t.kind in (6, 7) or (t.kind in (0, 1, 2) and t.touch % 10 < 6) or (t.kind in (3, 4) and
            t.touch % 100 < 35))
        select r.*, w.lead_no, p.owner, 'plain' as origin from rows r join who w using (per) join persons p
          using (per)
        union all
        select -1, m.sent_s, m.per, 'bulk', 3, 0, null, false, m.sent_s + 60, false, false, w.lead_no,
          p.owner, 'bulk'
        from mails m join who w using (per) join persons p using (per) where m.is_bulk and m.mail % 29 = 3
        union all
        select -1, l.created + 86400 * 2, l.per, 'todo', 9, 0, null, false, l.created + 86400 * 2, true,
          false, l.lead_no, l.owner, 'todo'
        from sf_leads l where l.kind = 'original' and l.per % 7 = 2;
        create or replace table sf_tasks as
        select row_number() over (order by done_s, per, touch) - 1 as task_no, *, cast(case origin when
          'bulk' then '45' else
          nullif(concat_ws(',', case when call_object is not null or (what = 'mail') then '44' end,
            case when only_day and what <> 'todo' then '18' end, case when false_noon then '17' end), '') end
              as varchar) as defects
        from sf_tasks where done_s < {AS_OF} order by task_no""".replace("{AS_OF}", str(AS_OF))
    )
