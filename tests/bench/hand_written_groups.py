"""Groups in time, as the hand-written script has them: the CRM's parents, and a steward's dated links before them.

What does NOT belong here: companies and their golden records (hand_written_records.py), other marts.
"""

from pathlib import Path

from tests.bench.hand_written_records import SIZE_BAND

_FIRST, _LAST = "date '1900-01-01'", "date '9999-12-31'"
_LAST_DAY = "date '2026-06-30'"
_NO_LINKS = (
    "select '' as child_record_key, '' as parent_record_key, '' as kind_code, current_date as valid_from, "
    "current_date as valid_to limit 0"
)


def periods(company: Path) -> list[str]:
    """Statements for group_periods: the top of every company that a link names, span by span."""
    links = company / "stewardship" / "group_links.csv"
    read = f"from read_csv('{links}', header = true, auto_detect = true)" if links.is_file() else _NO_LINKS
    return [
        f"""create temp table linked as
        select child.account_id as child_id, parent.account_id as parent_id, kind_code,
            coalesce(cast(valid_from as date), {_FIRST}) as valid_from, coalesce(cast(valid_to as date), {_LAST}) as valid_to
        from ({read}) as links
        inner join account_of as child on split_part(child_record_key, '/', 3) = child.record
        inner join account_of as parent on split_part(parent_record_key, '/', 3) = parent.record""",
        f"""create temp table spans as
        select kind_code, first_on, coalesce(lead(first_on) over (partition by kind_code order by first_on), {_LAST}) as end_on
        from (
            select kind_code, unnest([valid_from, valid_to]) as first_on from linked
            union select kind_code, {_FIRST} from (values ('legal'), ('buying')) as kinds (kind_code))
        where first_on < {_LAST}""",
        """create temp table parents as
        select kind_code, first_on, child_id, arg_min(parent_id, rank) as parent_id, arg_min(source, rank) as source
        from (
            select kind_code, first_on, child_id, parent_id, 1 as rank, 'steward' as source
            from spans inner join linked using (kind_code) where first_on >= valid_from and first_on < valid_to
            union all
            select 'legal', first_on, golden.account_id, account_of.account_id, 2, 'crm'
            from golden inner join account_of on golden.parent = account_of.record
            inner join spans on kind_code = 'legal')
        group by all""",
        f"""create temp table group_periods as
        with recursive walk as (
            select kind_code, first_on, child_id as account_id, parent_id as root_id, source, 1 as n_steps from parents
            where child_id <> parent_id
            union all
            select walk.kind_code, walk.first_on, walk.account_id, parents.parent_id, walk.source, n_steps + 1
            from walk inner join parents on walk.root_id = parents.child_id and walk.kind_code = parents.kind_code
                and walk.first_on = parents.first_on and parents.child_id <> parents.parent_id
            where n_steps < 20),
        tops as (
            select kind_code, first_on, account_id, arg_max(root_id, n_steps) as root_id, any_value(source) as source
            from walk group by all),
        heads as (select distinct kind_code, first_on, root_id as account_id, root_id, 'own' as source
            from tops where kind_code = 'buying'),
        filled as (
            from tops
            union all from heads anti join tops using (kind_code, first_on, account_id)
            union all
            select 'legal', first_on, account_id, account_id, coalesce(parents.source, 'own')
            from (select distinct account_id from tops where kind_code = 'legal')
            inner join spans on kind_code = 'legal' anti join tops using (kind_code, first_on, account_id)
            left join parents on account_id = child_id and parents.kind_code = 'legal' and parents.first_on = spans.first_on),
        marked as (
            select *, (root_id, source, first_on) is distinct from
                (lag(root_id) over w, lag(source) over w, lag(end_on) over w) as is_change
            from filled inner join spans using (kind_code, first_on)
            window w as (partition by kind_code, account_id order by first_on)),
        numbered as (
            select *, count_if(is_change) over (partition by kind_code, account_id order by first_on) as period from marked)
        select kind_code, account_id, root_id, source, min(first_on) as valid_from, nullif(max(end_on), {_LAST}) as valid_to
        from numbered group by kind_code, account_id, root_id, source, period""",
    ]


GROUPS = [
    f"""create temp table bridge_account_groups as
    select account_id, case kind_code when 'buying' then 'buy_' else 'grp_' end || root_id as group_id, kind_code,
        valid_from, valid_to, source as link_source,
        valid_from <= {_LAST_DAY} and coalesce(valid_to, {_LAST}) > {_LAST_DAY} as is_as_is,
        coalesce(valid_to, {_LAST}) > {_LAST_DAY}
            and valid_from = max(valid_from) over (partition by kind_code, account_id) as is_pro_forma
    from group_periods
    union all
    select account_id, group_id, 'legal', {_FIRST}, null, 'own', true, true
    from dim_accounts anti join (from group_periods where kind_code = 'legal') using (account_id)""",
    """create temp table dim_corporate_groups as
    with sums as (
        select b.group_id, kind_code, count_if(is_as_is) as n_accounts, sum(employee_count) filter (is_as_is) as employee_count,
            coalesce(bool_or(is_strategic) filter (is_as_is), false) as is_strategic
        from bridge_account_groups as b inner join dim_accounts using (account_id) where account_id <> 'unknown' group by all)
    select sums.group_id, account_name as group_name, kind_code, n_accounts, sums.employee_count, """
    + SIZE_BAND.format("sums.employee_count")
    + """ as size_band_code, sums.is_strategic
    from sums left join dim_accounts on substr(sums.group_id, 5) = account_id
    union all select 'unknown', 'unknown', 'legal', 0, null, 'unknown', false
    union all select 'none', 'none', 'buying', 0, null, 'unknown', false""",
]

GROUPS_MONTH = f"""
with days as (
    select account_id, invoiced_on, sum(net_amount_reporting) as revenue, count(*) as n_lines,
        count(*) - count(net_amount_reporting) as n_unconverted
    from fct_invoice_lines where not is_intercompany and invoiced_on < date '2026-07-01' group by all),
views as (
    select unnest(list_filter(
            [case when invoiced_on >= valid_from and invoiced_on < coalesce(valid_to, {_LAST}) then 'as_was' end,
             case when is_as_is then 'as_is' end, case when is_pro_forma then 'pro_forma' end],
            lambda v: v is not null)) as view_code,
        kind_code, group_id, cast(date_trunc('month', invoiced_on) as date) as period_month, revenue, n_lines, n_unconverted
    from days inner join bridge_account_groups using (account_id)),
shared as (
    from views
    union all
    select view_code, 'buying', if(group_id = 'unknown', 'unknown', 'none'), period_month, if(kind_code = 'legal', 1, -1)
        * revenue, if(kind_code = 'legal', 1, -1) * n_lines, if(kind_code = 'legal', 1, -1) * n_unconverted
    from views)
select view_code, kind_code, group_id, period_month,
    case when sum(n_unconverted) = 0 then cast(coalesce(sum(revenue), 0) as decimal(38, 4)) end as revenue_amount,
    case when sum(n_unconverted) > 0 then 'exchange_rate_missing' end as revenue_reason_code, 'EUR' as reporting_currency,
    sum(n_lines) as n_lines, sum(n_unconverted) as n_unconverted_lines
from shared group by all having sum(n_lines) > 0"""
