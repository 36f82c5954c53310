"""Persons who refuse contact and of whom nobody knows since when: a flag that no date explains.

The query of the macro `undated_refusals` (dbt_project/macros/contact_policy.sql), which the quality models read, over
the tables of the warehouse; a test holds both to one answer. At a landmark such a person counts as refusing already:
nobody can tell which touches came before it (2.7.1).
What does NOT belong here: refusals that have a date (int_contact_refusals).
"""

from __future__ import annotations

#: One row per person: person_id.
UNDATED = """
select p.person_id from master.dim_persons as p
left join (
  select person_id, bool_or(channel_code = 'email') as is_mail_dated, bool_or(channel_code = 'voice') as is_call_dated
  from conforming.int_contact_refusals where is_of_flag group by person_id) as d on d.person_id = p.person_id
left join (
  select person_id, bool_or(is_email_undated) as is_email_undated, bool_or(is_call_undated) as is_call_undated
  from conforming.int_person_attributes where is_email_undated or is_call_undated group by person_id) as a
  on a.person_id = p.person_id
where (p.is_email_opted_out and (coalesce(a.is_email_undated, false) or not coalesce(d.is_mail_dated, false)))
  or (p.is_call_opted_out and (coalesce(a.is_call_undated, false) or not coalesce(d.is_call_dated, false)))
"""
