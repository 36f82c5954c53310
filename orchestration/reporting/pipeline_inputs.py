"""Reads the movements of the pipeline and the deals behind them from the marts of the candidate warehouse.

What does not belong here: figures of its own, wording (pipeline_page.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestration.reporting.pipeline_figures import Deal, Movement, PipelineReview

if TYPE_CHECKING:
    from orchestration.reporting.inputs import Reader

#: Deals listed; the marts hold them all.
MOVED_SHOWN = 18
AT_RISK_SHOWN = 12
_MOVEMENTS = "marts.mart_sales_pipeline_movements_cycle"
_DEALS = "marts.mart_sales_pipeline_deals_cycle"
_OPEN = "marts.mart_sales_pipeline_open_cycle"
_KEYS = ("window_code", "scope_code", "segment_kind_code", "segment_code", "window_start_on", "window_end_on")


def pipeline_review(reader: Reader) -> PipelineReview | None:
    """The review of the cycle; None where its marts do not stand."""
    if not (reader.has(_MOVEMENTS) and reader.has(_DEALS)):
        return None
    rows = reader.table(
        _MOVEMENTS, "select * from relation order by window_code, scope_code, segment_kind_code, segment_code"
    )
    movements = tuple(_movement(row) for row in rows)
    window = "month" if PipelineReview("week", movements).is_still("week") else "week"
    moved = reader.table(
        _DEALS,
        f"""
        select *, count(*) over () as n_all from relation
        where window_code = ? and (movement_code <> 'unchanged' or stage_before_code <> stage_after_code
            or forecast_category_before_code <> forecast_category_after_code)
        order by abs(coalesce(case when movement_code in ('increased', 'decreased') then change_amount
            else last_value_amount end, 0)) desc, opportunity_id limit {MOVED_SHOWN}
        """,
        (window,),
    )
    at_risk = _at_risk(reader, window)
    return PipelineReview(
        window=window,
        movements=movements,
        moved=tuple(_deal(row) for row in moved),
        n_moved=moved[0]["n_all"] if moved else 0,
        at_risk=tuple(_deal(row) for row in at_risk),
        n_at_risk=at_risk[0]["n_all"] if at_risk else 0,
    )


def _at_risk(reader: Reader, window: str) -> list[dict[str, Any]]:
    """Open deals that slipped in the window, largest first, then those that are stale."""
    if not reader.has(_OPEN):
        return []
    return reader.table(
        _DEALS,
        f"""
        select relation.*, open_deals.n_silent_days, open_deals.n_close_date_pushes, open_deals.is_silent,
            open_deals.is_close_date_passed, open_deals.is_often_pushed, open_deals.is_slower_than_won,
            count(*) over () as n_all
        from relation inner join {_OPEN} as open_deals on relation.opportunity_id = open_deals.opportunity_id
        where relation.window_code = ? and relation.exit_code = 'open' and (relation.is_slipped or open_deals.is_stale)
        order by relation.is_slipped desc, coalesce(relation.last_value_amount, 0) desc, relation.opportunity_id
        limit {AT_RISK_SHOWN}
        """,
        (window,),
    )


def _movement(row: dict[str, Any]) -> Movement:
    window, scope, kind, segment, start_on, end_on = (row[key] for key in _KEYS)
    return Movement(
        window,
        scope,
        kind,
        segment,
        start_on,
        end_on,
        counts={name: value for name, value in row.items() if name.startswith("n_")},
        amounts={name: value for name, value in row.items() if name.endswith("_amount")},
        reason=row["amount_reason_code"] or row["closing_weighted_reason_code"],
    )


def _deal(row: dict[str, Any]) -> Deal:
    return Deal(
        opportunity_id=row["opportunity_id"],
        account_id=row["account_id"],
        movement=row["movement_code"],
        stage_before=row["stage_before_code"],
        stage_after=row["stage_after_code"],
        category_before=row["forecast_category_before_code"],
        category_after=row["forecast_category_after_code"],
        close_before=row["expected_close_before_on"],
        close_after=row["expected_close_after_on"],
        opening=row["opening_amount"] if row["entry_code"] == "carried" else None,
        last=row["last_value_amount"],
        reason=row["amount_reason_code"],
        is_slipped=row["is_slipped"],
        slip_days=row["slip_days"],
        silent_days=row.get("n_silent_days"),
        n_pushes=row.get("n_close_date_pushes") or 0,
        is_silent=bool(row.get("is_silent")),
        is_date_passed=bool(row.get("is_close_date_passed")),
        is_often_pushed=bool(row.get("is_often_pushed")),
        is_slow=bool(row.get("is_slower_than_won")),
    )
