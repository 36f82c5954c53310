-- Rows as they are given: which one holds for a lead is asked where leads are judged.
with given as (
    {{ threshold_rows() }}
)

select
    rule_code || '/' || channel_code || '/' || size_band_code
    || case when is_own then '/own/' else '/default/' end
    || coalesce(cast(valid_from as string), 'ever') as threshold_key,
    rule_code,
    channel_code,
    size_band_code,
    threshold_value,
    window_days,
    channel_list,
    origin_code,
    threshold_version,
    is_own,
    valid_from,
    valid_to
from given
