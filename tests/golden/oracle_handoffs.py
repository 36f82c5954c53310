"""Hand-overs to customer success and opportunities of accepted leads in plain Python: no SQL, no code of the project.

Written from the metric dictionary. Not here: hand-overs of leads and when they are accepted (`oracle_leads.py`).
"""

from collections import defaultdict
from datetime import date, datetime, timedelta

from tests.golden.kpi_oracle import Kpis, day_in, month_of
from tests.golden.oracle_leads import acceptances, cuts_of

TAKEN_WITHIN = timedelta(days=7)


def presences(reps: list[dict], touches: list[dict], cycle_end: date) -> list[tuple[date, date]]:
    """First and last day of everybody of customer success."""
    days: dict = defaultdict(list)
    for touch in touches:
        days[touch["rep_id"]].append(touch["occurred_on"])
    begins = [rep.get("hired_on") or min(days[rep["rep_id"]], default=None) for rep in reps]
    ends = [
        rep.get("left_on") or (cycle_end if rep["is_active"] else max(days[rep["rep_id"]], default=None))
        for rep in reps
    ]
    return [(begin, end) for begin, end in zip(begins, ends, strict=True) if begin and end]


def customers(kpis: Kpis, tables: dict, as_of: datetime, zone: str) -> None:
    """Deals won, renewals left out, and the first touch of customer success on the day of closing or later."""
    cycle_end = day_in(zone, as_of)
    reps = [rep for rep in tables.get("dim_reps", []) if rep.get("role_code") == "customer_success"]
    team = {rep["rep_id"] for rep in reps}
    touches = [t for t in tables["fct_touches"] if t.get("rep_id") in team and t["occurred_at"] < as_of]
    there = presences(reps, touches, cycle_end)
    leads = {
        lead["lead_id"]: lead
        for lead in tables["fct_leads"]
        if lead["created_at"] is None or lead["created_at"] < as_of
    }
    for deal in tables["fct_opportunities"]:
        won_on = deal["closed_on"]
        if not deal["is_won"] or won_on is None or won_on >= cycle_end:
            continue
        if deal.get("opportunity_type_code") == "renewal":
            continue
        lead = leads.get(deal["lead_id"])
        of_lead = cuts_of(lead) if lead else {"channel": "unknown", "source": "unknown"}
        cuts = {
            "channel": of_lead["channel"], "source": of_lead["source"], "size_band": deal["size_band_code"],
            "rep": deal.get("rep_id"),
        }  # fmt: skip
        month = month_of(won_on)
        if not any(begin <= won_on <= end for begin, end in there) or deal["account_id"] == "unknown":
            kpis.part("cs_handoff_loss_rate", month, cuts, 0, 0)
            continue
        later = [
            t["occurred_on"] for t in touches
            if t.get("account_id") == deal["account_id"] and t["occurred_on"] >= won_on
        ]  # fmt: skip
        over = won_on + TAKEN_WITHIN < cycle_end
        lost = over and not any(day <= won_on + TAKEN_WITHIN for day in later)
        kpis.part("cs_handoff_loss_rate", month, cuts, lost, over)
        if later:
            kpis.observe("cs_handoff_lag_days", month, cuts, (min(later) - won_on).days)


def accepted_leads(kpis: Kpis, tables: dict, as_of: datetime, window_days: int, zone: str) -> None:
    """SQL whose window is over, with an opportunity opened by its last day."""
    cycle_end, window = day_in(zone, as_of), timedelta(days=window_days)
    opened = {deal["opportunity_id"]: deal["opened_on"] for deal in tables["fct_opportunities"]}
    mine: dict = defaultdict(list)
    for deal in tables["fct_opportunities"]:
        if deal["lead_id"] not in (None, "unknown") and deal["opened_on"]:
            mine[deal["lead_id"]].append(deal["opened_on"])
    told = bool(mine) or any(opened.get(lead.get("opportunity_id")) for lead in tables["fct_leads"])
    for lead in tables["fct_leads"]:
        if lead["created_at"] is not None and lead["created_at"] >= as_of:
            continue
        accepted = acceptances(lead, as_of, zone)
        if not accepted:
            continue
        accepted_on = min(accepted)[0]
        days = mine[lead["lead_id"]] + [day for day in [opened.get(lead.get("opportunity_id"))] if day]
        matured = told and accepted_on + window < cycle_end
        with_one = matured and any(day <= accepted_on + window for day in days)
        kpis.part("sql_to_opp_rate", month_of(accepted_on), cuts_of(lead), with_one, matured)


def add(kpis: Kpis, tables: dict, as_of: datetime, window_days: int, zone: str) -> None:
    """Every cell of the domain."""
    customers(kpis, tables, as_of, zone)
    accepted_leads(kpis, tables, as_of, window_days, zone)
