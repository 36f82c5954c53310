-- Who of those that decide is known, for the opportunities that are open at the end of the cycle. A purchase needs
-- somebody who decides, somebody who pays and somebody who wants it; a role counts once, however many hold it. A
-- company whose CRM notes no roles has no row: nothing noted is not nobody met. A role of a contact that nobody can
-- find is noted and not filled.
{%- set share = 'cast(cells.n_filled as double) / cells.n_expected' %}
{%- set expected = 'cast(cells.n_expected as double)' %}

with noted_roles as (
    select distinct
        roles.opportunity_id,
        roles.role_code,
        roles.person_id <> 'unknown' as is_somebody
    from {{ ref('fct_opportunity_contact_roles') }} as roles
    cross join {{ run_settings() }} as settings
    where roles.noted_at is null or roles.noted_at < settings.as_of
),

is_noted as (
    select count(*) as n_roles
    from noted_roles
),

expected_roles (role_code) as (
    values
    ('decision_maker'),
    ('economic_buyer'),
    ('champion')
),

deal_roles as (
    select
        openings.opportunity_id,
        openings.size_band_code,
        case when accounts.is_strategic then 'strategic' else 'other' end as account_kind_code,
        coalesce(reps.team_name, 'unknown') as team_name,
        expected_roles.role_code,
        case when noted_roles.opportunity_id is null then 0 else 1 end as n_filled
    from {{ ref('fct_opportunity_openings') }} as openings
    cross join is_noted
    cross join expected_roles
    left join noted_roles
        on
            openings.opportunity_id = noted_roles.opportunity_id
            and expected_roles.role_code = noted_roles.role_code
            and noted_roles.is_somebody
    left join {{ ref('dim_accounts') }} as accounts on openings.account_id = accounts.account_id
    left join {{ ref('dim_reps') }} as reps on openings.rep_id = reps.rep_id
    where not openings.is_closed and is_noted.n_roles > 0
),

complete as (
    select
        *,
        sum(n_filled) over (partition by opportunity_id) as n_filled_of_deal
    from deal_roles
),

segmented as (
    {{ segment_rows('complete', {
        'size_band': 'size_band_code', 'account_kind': 'account_kind_code', 'team': 'team_name'
    }) }}
),

cells as (
    select
        segment_kind_code,
        segment_code,
        role_code,
        count(*) as n_expected,
        sum(n_filled) as n_filled,
        count(distinct opportunity_id) as n_deals,
        count(distinct case when n_filled_of_deal = 3 then opportunity_id end) as n_deals_complete,
        count(distinct case when n_filled_of_deal = 0 then opportunity_id end) as n_deals_empty
    from segmented
    group by segment_kind_code, segment_code, role_code
    union all
    select
        segment_kind_code,
        segment_code,
        'all' as role_code,
        count(*) as n_expected,
        sum(n_filled) as n_filled,
        count(distinct opportunity_id) as n_deals,
        count(distinct case when n_filled_of_deal = 3 then opportunity_id end) as n_deals_complete,
        count(distinct case when n_filled_of_deal = 0 then opportunity_id end) as n_deals_empty
    from segmented
    group by segment_kind_code, segment_code
)

select
    settings.cycle,
    cast(cells.segment_kind_code as string) as segment_kind_code,
    cast(cells.segment_code as string) as segment_code,
    cast(cells.role_code as string) as role_code,
    cast(cells.n_deals as bigint) as n_deals,
    cast(cells.n_deals_complete as bigint) as n_deals_complete,
    cast(cells.n_deals_empty as bigint) as n_deals_empty,
    cast(cells.n_expected as bigint) as n_expected,
    cast(cells.n_filled as bigint) as n_filled,
    {{ metric_ratio('cells.n_filled', 'cells.n_expected') }} as filled_rate,
    case when cells.role_code <> 'all' then {{ rounded(wilson_low(share, expected), 10) }} end as filled_low_rate,
    case when cells.role_code <> 'all' then {{ rounded(wilson_high(share, expected), 10) }} end as filled_high_rate
from cells
cross join {{ run_settings() }} as settings
