"""NPS, milestones of product use and health in plain Python, from the rows of the master layer.

The rules of the seeds stand here a second time, in words of this module: three reports make an account active, three
days of use before any purchase make it qualified. What does NOT belong here: retention (`oracle_subscriptions.py`).
"""

from collections import defaultdict
from datetime import date, datetime
from fractions import Fraction

from tests.golden.kpi_oracle import Kpis, day_in, month_of, months_before
from tests.golden.planted_customers import HEALTH

ACTIVE_REPORTS, QUALIFIED_DAYS = 3, 3
LOOKS_AHEAD, JUDGED_MONTHS = 3, (3, 6, 9, 12)


def last_answers(tables: dict, as_of: datetime) -> dict[tuple[str, date], dict]:
    """(respondent, month) -> the last answer of the month."""
    last: dict[tuple[str, date], dict] = {}
    for answer in tables["fct_nps_responses"]:
        if answer["answered_at"] < as_of:
            key = answer["respondent_key"], month_of(answer["answered_on"])
            if key not in last or (answer["answered_at"], answer["response_key"]) > (
                last[key]["answered_at"], last[key]["response_key"]
            ):  # fmt: skip
                last[key] = answer
    return last


def nps(kpis: Kpis, tables: dict, as_of: datetime) -> None:
    for (_, month), answer in last_answers(tables, as_of).items():
        side = (answer["score"] >= 9) - (answer["score"] <= 6)
        kpis.part("nps", month, {"size_band": answer["size_band_code"]}, 100 * side, 1)


def milestones(kpis: Kpis, tables: dict, cycle_end: date) -> None:
    bands = {account["account_id"]: account["size_band_code"] for account in tables["dim_accounts"]}
    bought = {
        s["account_id"]: s["started_on"] for s in tables["fct_subscription_spells"] if s["spell_number"] == 1
    }
    reports: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    days: dict[str, set[date]] = defaultdict(set)
    for usage in tables["fct_product_usages"]:
        if usage["account_id"] != "unknown" and usage["used_on"] < cycle_end and usage["n_uses"] > 0:
            days[usage["account_id"]].add(usage["used_on"])
            if usage["event_name"] == "report_created":
                reports[usage["account_id"]][usage["used_on"]] += usage["n_uses"]
    for account, counted in reports.items():
        so_far = 0
        for day in sorted(counted):
            so_far += counted[day]
            if so_far >= ACTIVE_REPORTS:
                kpis.add("activation", month_of(day), {"size_band": bands.get(account, "unknown")}, 1)
                break
    for account, used in days.items():
        reached = [day for day in sorted(used)[QUALIFIED_DAYS - 1 :] if day < bought.get(account, date.max)]
        if reached:
            kpis.add("pql", month_of(reached[0]), {"size_band": bands.get(account, "unknown")}, 1)


def next_month(month: date) -> date:
    return months_before(month, -1)


def scores(tables: dict, as_of: datetime, cycle_end: date) -> list[dict]:
    """One row per paying account and month end: score (None without a component) and whether it was lost soon."""
    paid = {
        (r["account_id"], r["period_month"]): None if r["closing_mrr"] is None else Fraction(r["closing_mrr"])
        for r in tables["fct_mrr_movements"]
        if r["period_month"] < cycle_end and r["account_id"] != "unknown"
    }
    lost = {
        (r["account_id"], r["period_month"])
        for r in tables["fct_mrr_movements"]
        if (r["churn_mrr"] is None or r["churn_mrr"] < 0) and r["period_month"] < cycle_end
    }
    used: dict[str, list[tuple[date, int]]] = defaultdict(list)
    for u in tables["fct_product_usages"]:
        if u["used_on"] < cycle_end and u["n_uses"] > 0:
            used[u["account_id"]].append((u["used_on"], u["n_uses"]))
    answers: dict[str, dict[str, dict[date, int]]] = defaultdict(lambda: defaultdict(dict))
    for (who, month), answer in last_answers(tables, as_of).items():
        answers[who][answer["account_id"]][month] = answer["score"]
    said: dict[str, list[tuple[date, date, int]]] = defaultdict(list)
    for by_account in answers.values():
        months = sorted((m, a, s) for a, given in by_account.items() for m, s in given.items())
        for place, (month, account, score) in enumerate(months):
            end = months_before(month, -12)
            if place + 1 < len(months):
                end = min(end, months[place + 1][0])
            said[account].append((month, end, score))
    rows = []
    for (account, month), now in paid.items():
        if now is not None and now <= 0:
            continue
        end = next_month(month)
        before = [day for day, _ in used[account] if day < end]
        this = sum(n for day, n in used[account] if month_of(day) == month)
        former = sum(n for day, n in used[account] if months_before(month, 3) <= day < month)
        given = [score for start, stop, score in said[account] if start <= month < stop]
        first = month_of(min((day for day, _ in used[account]), default=end))
        is_trend_known = former and months_before(month, 3) >= first
        then = paid.get((account, months_before(month, 3)), Fraction(0))
        values = {
            "usage_recency": Fraction((end - max(before)).days) if before else None,
            "usage_trend": Fraction(3 * this, former) if is_trend_known else None,
            "nps": Fraction(sum(given), len(given)) if given else None,
            "mrr_trend": now / then if now is not None and then is not None and then > 0 else None,
        }
        points, weights = Fraction(0), Fraction(0)
        for name, value in values.items():
            if value is not None:
                weight, low, high = map(Fraction, HEALTH[name])
                points += weight * min(Fraction(100), max(Fraction(0), 100 * (value - low) / (high - low)))
                weights += weight
        score = points / weights if weights else None
        ahead = [months_before(month, -n) for n in range(1, LOOKS_AHEAD + 1)]
        rows.append({
            "account": account, "month": month, "values": values,
            "score": None if score is None else Fraction(int(score * 10**4 + Fraction(1, 2)), 10**4),
            "lost": any((account, m) in lost for m in ahead), "known": ahead[-1] < cycle_end,
        })  # fmt: skip
    return rows


def separation(lost: list[Fraction], kept: list[Fraction]) -> Fraction:
    """Share of pairs in which the lost one scored less; a tie is half a pair."""
    won = sum(Fraction(2 if a < b else 1 if a == b else 0, 2) for a in lost for b in kept)
    return won / (len(lost) * len(kept))


def health(kpis: Kpis, tables: dict, as_of: datetime, cycle_end: date) -> None:
    bands = {account["account_id"]: account["size_band_code"] for account in tables["dim_accounts"]}
    judged: dict[tuple, tuple[list, list]] = defaultdict(lambda: ([], []))
    for row in scores(tables, as_of, cycle_end):
        cuts = {"size_band": bands.get(row["account"], "unknown")}
        kpis.part("health_score", row["month"], cuts, row["score"] or 0, row["score"] is not None)
        if row["score"] is None or not row["known"]:
            continue
        for n in JUDGED_MONTHS:
            month = months_before(row["month"], -n)
            if month < cycle_end:
                for kind, code in kpis.each(cuts):
                    judged[month, kind, code][0 if row["lost"] else 1].append(row["score"])
    for (month, kind, code), (lost, kept) in judged.items():
        if lost and kept:
            kpis.state("health_auc", month, {kind: code}, separation(lost, kept), None, Fraction(len(lost)))


def add(kpis: Kpis, tables: dict, as_of: datetime, window_days: int, zone: str) -> None:
    cycle_end = day_in(zone, as_of)
    nps(kpis, tables, as_of)
    milestones(kpis, tables, cycle_end)
    health(kpis, tables, as_of, cycle_end)
