-- The five values that move the line of conversion on touches most, or lie farthest from the others: fact and action.
-- Errors are no outliers to act on: they have left the data.
select
    cast(top_rank as bigint) as top_rank,
    cast(metric_code as string) as metric_code,
    cast(record_key as string) as record_key,
    cast(metric_value as decimal(18, 4)) as metric_value,
    cast(cooks_distance as decimal(18, 10)) as cooks_distance,
    cast(influence_threshold as decimal(18, 10)) as influence_threshold,
    cast(robust_z as decimal(18, 4)) as robust_z,
    cast(threshold_value as decimal(18, 4)) as threshold_value,
    is_influential,
    is_leverage_one,
    is_far,
    is_above_q99,
    cast(class_code as string) as class_code,
    cast(reason_code as string) as reason_code,
    cast(action_code as string) as action_code,
    case when actor = 'rule' then 'rule' else 'person' end as decided_by_code
from {{ ref('dq_outliers') }}
where top_rank is not null
