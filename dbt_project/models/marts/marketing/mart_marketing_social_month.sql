-- Counts of a month are added; levels (followers, the social selling index) are never: the last one of the month
-- stands, and of several sellers their mean. A figure of the month stands before those of its days, so that none counts
-- twice. Followers of two pages may be the same persons: they have no total. No count is negative: with such a figure
-- the holder's month is not known, and the total is that of the others.
with named as (
    select
        metrics.network_code,
        metrics.holder_kind_code,
        case when metrics.holder_kind_code = 'rep' then metrics.rep_id else coalesce(metrics.page_name, 'unknown') end
            as holder_code,
        metrics.metric_code,
        metrics.period_month,
        metrics.measured_on,
        metrics.social_metric_key,
        metrics.metric_value,
        metrics.period_code
    from {{ ref('fct_social_metrics') }} as metrics
    cross join {{ run_settings() }} as settings
    where metrics.measured_on < settings.cycle_end and metrics.rep_id <> 'unknown'
),

figures as (
    select
        *,
        max(case when period_code = 'month' then 1 else 0 end) over (
            partition by network_code, holder_kind_code, holder_code, metric_code, period_month
        ) as has_month
    from named
),

counted as (
    select
        *,
        metric_code in ('followers', 'ssi') as is_level,
        row_number() over (
            partition by network_code, holder_kind_code, holder_code, metric_code, period_month
            order by measured_on desc, social_metric_key desc
        ) as nth_last
    from figures
    where has_month = 0 or period_code = 'month'
),

holders as (
    select
        network_code,
        holder_kind_code,
        holder_code,
        metric_code,
        period_month,
        is_level,
        count(*) as n_figures,
        case when min(metric_value) >= 0 then sum(case when not is_level or nth_last = 1 then metric_value end) end
            as metric_value
    from counted
    group by network_code, holder_kind_code, holder_code, metric_code, period_month, is_level
),

every_holder as (
    select
        network_code,
        holder_kind_code,
        holder_code,
        metric_code,
        period_month,
        is_level,
        n_figures,
        1 as n_holders,
        cast(metric_value as decimal(28, 4)) as numerator,
        1 as denominator
    from holders
    union all
    select
        network_code,
        holder_kind_code,
        'all' as holder_code,
        metric_code,
        period_month,
        is_level,
        sum(case when metric_value is null then 0 else n_figures end) as n_figures,
        count(metric_value) as n_holders,
        cast(sum(metric_value) as decimal(28, 4)) as numerator,
        case when is_level then count(metric_value) else 1 end as denominator
    from holders
    where metric_code <> 'followers'
    group by network_code, holder_kind_code, metric_code, period_month, is_level
),

-- rates of two counts of one month, of the holders for whom both are known
paired (metric_code, part_code, whole_code) as (
    values
    ('engagement_rate', 'engagements', 'impressions'),
    ('acceptance_rate', 'connections_accepted', 'invitations_sent')
),

holder_rates as (
    select
        parts.network_code,
        parts.holder_kind_code,
        parts.holder_code,
        paired.metric_code,
        parts.period_month,
        parts.n_figures + wholes.n_figures as n_figures,
        cast(parts.metric_value as decimal(28, 4)) as numerator,
        cast(wholes.metric_value as decimal(28, 4)) as denominator
    from paired
    inner join holders as parts on paired.part_code = parts.metric_code
    inner join holders as wholes
        on
            paired.whole_code = wholes.metric_code
            and parts.network_code = wholes.network_code
            and parts.holder_kind_code = wholes.holder_kind_code
            and parts.holder_code = wholes.holder_code
            and parts.period_month = wholes.period_month
    where parts.metric_value is not null and wholes.metric_value is not null
),

rates as (
    select
        network_code,
        holder_kind_code,
        holder_code,
        metric_code,
        period_month,
        n_figures,
        1 as n_holders,
        numerator,
        denominator
    from holder_rates
    union all
    select
        network_code,
        holder_kind_code,
        'all' as holder_code,
        metric_code,
        period_month,
        sum(n_figures) as n_figures,
        count(*) as n_holders,
        cast(sum(numerator) as decimal(28, 4)) as numerator,
        cast(sum(denominator) as decimal(28, 4)) as denominator
    from holder_rates
    group by network_code, holder_kind_code, metric_code, period_month
),

every_figure as (
    select
        network_code,
        holder_kind_code,
        holder_code,
        metric_code,
        period_month,
        case when is_level then 'level' else 'count' end as kind_code,
        n_figures,
        n_holders,
        numerator,
        cast(denominator as decimal(28, 4)) as denominator
    from every_holder
    union all
    select
        network_code,
        holder_kind_code,
        holder_code,
        metric_code,
        period_month,
        'rate' as kind_code,
        n_figures,
        n_holders,
        numerator,
        denominator
    from rates
)

select
    every_figure.period_month,
    cast(every_figure.network_code as string) as network_code,
    cast(every_figure.holder_kind_code as string) as holder_kind_code,
    cast(every_figure.holder_code as string) as holder_code,
    cast(every_figure.metric_code as string) as metric_code,
    cast(every_figure.kind_code as string) as kind_code,
    cast(every_figure.n_figures as bigint) as n_figures,
    cast(every_figure.n_holders as bigint) as n_holders,
    case
        when every_figure.denominator = 1 then cast(every_figure.numerator as decimal(28, 10))
        else cast({{ metric_ratio('every_figure.numerator', 'every_figure.denominator') }} as decimal(28, 10))
    end as metric_value,
    case
        when every_figure.numerator is null then 'negative_figure'
        when every_figure.denominator = 0 then 'no_unit'
    end as reason_code,
    case
        when earlier.denominator = 1 then cast(earlier.numerator as decimal(28, 10))
        else cast({{ metric_ratio('earlier.numerator', 'earlier.denominator') }} as decimal(28, 10))
    end as earlier_value,
    case
        when earlier.period_month is null then 'no_earlier_month'
        when earlier.numerator is null then 'negative_figure'
        when earlier.denominator = 0 then 'no_unit'
    end as earlier_reason_code
from every_figure
left join every_figure as earlier
    on
        earlier.period_month = {{ add_months('every_figure.period_month', -1) }}
        and every_figure.network_code = earlier.network_code
        and every_figure.holder_kind_code = earlier.holder_kind_code
        and every_figure.holder_code = earlier.holder_code
        and every_figure.metric_code = earlier.metric_code
