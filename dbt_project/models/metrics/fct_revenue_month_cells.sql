-- Revenue lines read once and added up by all that revenue is cut by, so that growth and shares never read them again.
-- The sales channel of a line is that of the first lead of its account, where that lead came before the invoice; an
-- account without a lead has no known channel and stays in the totals.
with first_leads as (
    select
        account_id,
        min(created_on) as created_on,
        min_by(channel_code, cast(created_at as string) || lead_id) as channel_code,
        min_by(coalesce(lead_source, 'unknown'), cast(created_at as string) || lead_id) as lead_source
    from {{ ref('fct_leads') }}
    where account_id <> 'unknown' and created_at is not null
    group by account_id
),

group_firsts as (
    select
        group_id,
        min(period_month) as first_month
    from {{ ref('fct_revenue_group_months') }}
    group by group_id
),

attributed as (
    select
        revenue_lines.period_month,
        revenue_lines.size_band_code,
        revenue_lines.product_family,
        revenue_lines.currency,
        revenue_lines.net_amount_reporting,
        case when first_leads.created_on <= revenue_lines.invoiced_on then first_leads.channel_code end as channel_code,
        case when first_leads.created_on <= revenue_lines.invoiced_on then first_leads.lead_source end as lead_source,
        group_firsts.first_month <= {{ add_months('revenue_lines.period_month', -12) }} as is_like_for_like
    from {{ ref('fct_revenue_lines') }} as revenue_lines
    left join first_leads on revenue_lines.account_id = first_leads.account_id
    inner join group_firsts on revenue_lines.group_id = group_firsts.group_id
),

cells as (
    select
        period_month,
        size_band_code,
        product_family,
        coalesce(currency, 'unknown') as currency,
        coalesce(channel_code, 'unknown') as channel_code,
        coalesce(lead_source, 'unknown') as lead_source,
        is_like_for_like,
        sum(net_amount_reporting) as revenue_amount,
        count(*) as n_lines,
        count(*) filter (where net_amount_reporting is null) as n_unconverted_lines
    from attributed
    group by
        period_month, size_band_code, product_family, coalesce(currency, 'unknown'),
        coalesce(channel_code, 'unknown'), coalesce(lead_source, 'unknown'), is_like_for_like
)

select
    cast(period_month as string) || '/' || size_band_code || '/' || product_family || '/' || currency || '/'
    || channel_code || '/' || lead_source || '/' || case when is_like_for_like then 'same' else 'later' end
        as revenue_cell_key,
    period_month,
    size_band_code,
    product_family,
    currency,
    channel_code,
    lead_source,
    is_like_for_like,
    cast(coalesce(revenue_amount, 0) as decimal(38, 4)) as revenue_amount,
    n_lines,
    n_unconverted_lines,
    case
        when sum(n_unconverted_lines) over (partition by period_month) = 0
            then cast(sum(revenue_amount) over (partition by period_month) as decimal(38, 4))
    end as company_amount
from cells
