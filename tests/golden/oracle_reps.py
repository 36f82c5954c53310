"""KPIs of sellers and targets in plain Python: fractions, no SQL, no code of the project.

Written from the metric dictionary. The tables are those of the master layer, planted or of a generated company.
"""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from fractions import Fraction

from tests.golden.kpi_oracle import Kpis, day_in, month_of, months_before
from tests.golden.oracle_activity import occurrences
from tests.golden.oracle_leads import acceptances

SELLERS_NOT = {"manager", "customer_success", "integration"}
WHOLE = "company"


def add(kpis: Kpis, tables: dict, as_of: datetime, window_days: int, zone: str) -> None:
    """Every cell of the domain."""
    cycle_end = day_in(zone, as_of)
    deeds = deeds_of(tables, as_of, cycle_end)
    reps = {
        rep["rep_id"]: Seller(rep, tables, deeds, cycle_end)
        for rep in tables.get("dim_reps", []) if rep["rep_id"] != "unknown"
    }  # fmt: skip
    targets(kpis, tables, reps, as_of, cycle_end, zone)
    revenue_per_rep(kpis, tables, reps, deeds, cycle_end)
    calibration(kpis, tables)
    attrition(kpis, tables, reps, deeds, cycle_end)


def deeds_of(tables: dict, as_of: datetime, cycle_end: date) -> dict[str, set[date]]:
    """Seller -> months with a touch, an opportunity opened or one closed."""
    found = defaultdict(set)
    for touch in tables["fct_touches"]:
        if touch["occurred_at"] < as_of and touch.get("occurred_on"):
            found[touch.get("rep_id") or "unknown"].add(month_of(touch["occurred_on"]))
    for deal in tables["fct_opportunities"]:
        rep = deal.get("rep_id") or "unknown"
        if deal["opened_on"] is not None and deal["opened_on"] < cycle_end:
            found[rep].add(month_of(deal["opened_on"]))
        if is_closed(deal, cycle_end):
            found[rep].add(month_of(deal["closed_on"]))
    return found


def is_closed(deal: dict, cycle_end: date) -> bool:
    return not deal["is_open"] and deal["closed_on"] is not None and deal["closed_on"] < cycle_end


class Seller:
    """Employment of one CRM user, by the dates of the CRM, else by signs of work and targets."""

    def __init__(self, rep: dict, tables: dict, deeds: dict[str, set[date]], cycle_end: date) -> None:
        self.team, self.role = rep.get("team_name") or "unknown", rep.get("role_code") or "unknown"
        self.hired, self.left = rep.get("hired_on"), rep.get("left_on")
        mine = deeds.get(rep["rep_id"], set())
        asked = {
            month_of(q["period_start"])
            for q in tables.get("fct_quotas", [])
            if q["rep_id"] == rep["rep_id"] and q["period_start"] < cycle_end
        }
        self.start = month_of(self.hired) if self.hired else min(mine | asked, default=None)
        if self.left:
            self.end = month_of(self.left)
        else:
            self.end = months_before(cycle_end, 1) if rep["is_active"] else max(mine, default=None)
        self.has_left = bool(self.left) or not rep["is_active"]
        first = min((month for months in deeds.values() for month in months), default=None)
        self.is_start_known = bool(self.hired) or bool(self.start and first and self.start > first)

    @property
    def is_selling(self) -> bool:
        return self.role not in SELLERS_NOT

    def is_employed(self, month: date) -> bool:
        return bool(self.start and self.end) and self.start <= month <= self.end

    def is_ramping(self, month: date) -> bool:
        return self.is_employed(month) and self.is_start_known and months_before(month, 3) < self.start

    def share(self, month: date) -> Fraction:
        """Part of the days of a month that the seller was employed."""
        if not self.is_employed(month):
            return Fraction(0)
        days = [date(month.year, month.month, d + 1) for d in range(monthrange(month.year, month.month)[1])]
        there = [d for d in days if (not self.hired or d >= self.hired) and (not self.left or d <= self.left)]
        return Fraction(len(there), len(days))


def months_of(first: date, last: date) -> Iterator[date]:
    month = month_of(first)
    while month <= last:
        yield month
        month = months_before(month, -1)


def cents(value: Fraction) -> Fraction:
    """Money and counts of targets have four decimals, halves away from zero."""
    scaled = value * 10_000
    return Fraction((2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator), 10_000)


class Baselines:
    """Monthly means of what holders did in the twelve months before a month, of at least three known ones."""

    def __init__(self, done: dict, reps: dict[str, Seller]) -> None:
        self.done, self.reps = done, reps
        self.firsts: dict[str, date] = {}
        for (_, metric, month), count in done.items():
            if count:
                self.firsts[metric] = min(month, self.firsts.get(metric, month))

    def mean(self, scope: str, holder: str, metric: str, first: date) -> Fraction | None:
        if metric not in self.firsts:
            return None
        if scope == "rep":
            members = [holder]
        elif scope == WHOLE:
            members = [*self.reps, "unknown"]
        else:
            members = [name for name, rep in self.reps.items() if rep.team == holder]
        months = [
            month
            for month in (months_before(first, n) for n in range(1, 13))
            if month >= self.firsts[metric]
            and any(name in self.reps and self.reps[name].share(month) for name in members)
        ]
        if len(months) < 3:
            return None
        counts = (self.done.get((name, metric, month), 0) for name in members for month in months)
        total = sum(counts, Fraction(0))
        return total / len(months) or None


def asked_for(tables: dict, cycle_end: date, baselines: Baselines) -> dict[tuple[str, str, str, date], list]:
    """(scope, holder, measure, month) -> parts of the targets of the shortest periods; None without a value."""
    found: dict = defaultdict(lambda: defaultdict(list))
    seen = set()
    for quota in sorted(tables.get("fct_quotas", []), key=lambda q: q["quota_key"]):
        holder = quota["rep_id"] if quota["scope_code"] == "rep" else quota["team_name"] or WHOLE
        scope = WHOLE if holder == WHOLE else quota["scope_code"]
        same = (quota["scope_code"], quota["rep_id"], quota["team_name"], quota["metric_code"],
                quota.get("stage_code"), quota["basis_code"], quota["period_start"], quota["period_end"])  # fmt: skip
        if holder == "unknown" or same in seen:
            continue
        seen.add(same)
        first, last = quota["period_start"], quota["period_end"]
        days = (last - first).days + 1
        length = 1 if days <= 31 else 2 if days <= 92 else 3
        amount = quota["target_reporting" if quota["metric_code"] == "revenue" else "target"]
        for month in months_of(first, last):
            if month >= cycle_end:
                continue
            end = months_before(month, -1)
            within = (min(end, date.fromordinal(last.toordinal() + 1)) - max(month, first)).days
            is_growth = quota["basis_code"] == "growth"
            if is_growth:
                mean = baselines.mean(
                    scope,
                    holder,
                    quota["metric_code"],
                    date(first.year, 1, 1) if length < 3 else month_of(first),
                )
                amount = quota["target"]
                part = (
                    None
                    if mean is None
                    else cents(mean * (1 + Fraction(amount)) * within / (end - month).days)
                )
            else:
                part = None if amount is None else cents(Fraction(amount) * within / days)
            found[scope, holder, quota["metric_code"], month][length, is_growth].append(part)
    return {key: lengths[min(lengths)] for key, lengths in found.items()}


def targets(
    kpis: Kpis, tables: dict, reps: dict[str, Seller], as_of: datetime, cycle_end: date, zone: str
) -> None:
    """What was done against what was asked for."""
    done = defaultdict(Fraction)
    unknown = set()
    for touch in tables["fct_touches"]:
        if touch["occurred_at"] < as_of and touch.get("occurred_on"):
            month = month_of(touch["occurred_on"])
            done[touch.get("rep_id"), "activities", month] += 1
            if touch["channel_code"] == "meeting" and touch["source_stream_code"] != "meeting":
                done[touch.get("rep_id"), "meetings", month] += 1
    for guests in occurrences(tables).values():
        done[guests[0]["rep_id"], "meetings", month_of(day_in(zone, guests[0]["starts_at"]))] += 1
    for lead in tables["fct_leads"]:
        accepted = acceptances(lead, as_of, zone)
        if accepted and (lead["created_at"] is None or lead["created_at"] < as_of):
            done[lead.get("rep_id") or "unknown", "sql", month_of(min(accepted)[0])] += 1
    first_wins: dict = {}
    for deal in tables["fct_opportunities"]:
        if not is_closed(deal, cycle_end) or not deal["is_won"]:
            continue
        key = (deal.get("rep_id"), "revenue", month_of(deal["closed_on"]))
        if deal["amount"] is not None and deal["amount_reporting"] is None:
            unknown.add(key)
        done[key] += Fraction(deal["amount_reporting"] or 0)
        if deal["account_id"] != "unknown":
            win = (deal["closed_on"], deal["opportunity_id"], deal.get("rep_id"))
            first_wins[deal["account_id"]] = min(first_wins.get(deal["account_id"], win), win)
    for closed, _, rep in first_wins.values():
        done[rep, "new_customers", month_of(closed)] += 1
    asked_of: dict = defaultdict(list)
    for (scope, holder, metric, month), parts in asked_for(tables, cycle_end, Baselines(done, reps)).items():
        if scope == "rep":
            members, share = [holder], reps[holder].share(month) if holder in reps else Fraction(0)
            cuts = {"team": reps[holder].team, "role": reps[holder].role} if holder in reps else {}
        elif scope == WHOLE:
            members, share = [name for name, _, _ in done], Fraction(1)
            cuts = {"team": "unknown", "role": "unknown"}
        else:
            members, share = [name for name, rep in reps.items() if rep.team == holder], Fraction(1)
            cuts = {"team": holder, "role": "unknown"}
        asked = None if None in parts else sum(parts, Fraction(0))
        if asked is not None:
            asked = asked if share == 1 else cents(asked * share)
        if share == 0 or asked == 0:
            continue
        actual = sum((done[name, metric, month] for name in set(members)), Fraction(0))
        if metric == "revenue" and any((name, metric, month) in unknown for name in members):
            actual = None
        asked_of[metric, month].append((scope, cuts, actual, asked))
    for (metric, month), found in asked_of.items():
        attainment(kpis, metric, month, found)


def attainment(kpis: Kpis, metric: str, month: date, found: list[tuple]) -> None:
    """One measure of one month: the sellers' targets, a team's without any, the company's without either."""
    of_sellers = {cuts["team"] for scope, cuts, _, _ in found if scope == "rep"}
    for scope, cuts, actual, asked in found:
        if scope == WHOLE:
            is_judged = all(each[0] == WHOLE for each in found)
        else:
            is_judged = scope == "rep" or cuts["team"] not in of_sellers
        personal, known = scope == "rep", asked is not None and actual is not None
        kpis.part(
            "quota_attained_share", month, cuts, personal and known and actual >= asked, personal and known
        )
        for name, of_metric in (
            ("quota_attainment", "revenue"),
            ("activity_target_attainment", "activities"),
            ("new_customer_target_attainment", "new_customers"),
            ("meeting_target_attainment", "meetings"),
            ("sql_target_attainment", "sql"),
        ):
            if is_judged and metric == of_metric:
                both = (actual, asked) if known else (None, None)
                kpis.part(name, month, cuts, *both)
            else:
                kpis.part(name, month, cuts, 0, 0)


def calibration(kpis: Kpis, tables: dict) -> None:
    """Mean squared error of the judged probabilities; no value unless the model is published."""
    is_published = any(row["is_published"] for row in tables.get("statistics.deal_models", []))
    errors = defaultdict(list)
    for row in tables.get("statistics.deal_scores", []):
        if row["set_code"] == "held_out":
            for cut in (("all", "all"), ("stage", row["stage_code"])):
                error = (Fraction(row["win_probability"]) - row["is_won"]) ** 2
                errors[row["closed_month"], *cut].append(error)
    for (month, kind, code), found in errors.items():
        value = sum(found, Fraction(0)) / len(found) if is_published else None
        kpis.state("deal_score_brier", month, {kind: code}, value, None, Fraction(len(found)))


def attrition(
    kpis: Kpis, tables: dict, reps: dict[str, Seller], deeds: dict[str, set[date]], cycle_end: date
) -> None:
    """12 x sellers who left in 12 months / their rep-months, where the company has all 12 months."""
    owners = {a["account_id"]: a.get("owner_rep_id") or "unknown" for a in tables["dim_accounts"]}
    there = {name: set(seen) for name, seen in deeds.items()}
    for line in tables["fct_invoice_lines"]:
        if not line["is_intercompany"] and line["invoiced_on"] and line["invoiced_on"] < cycle_end:
            owner = owners.get(line["account_id"], "unknown")
            there.setdefault(owner, set()).add(month_of(line["invoiced_on"]))
    cells: dict = defaultdict(lambda: [0, 0])
    for name in set(there) | set(reps):
        rep = reps.get(name)
        employed = (
            {m for m in months_of(rep.start, rep.end) if m < cycle_end}
            if rep and rep.start and rep.end
            else set()
        )
        for month in there.get(name, set()) | employed:
            for cut in (("all", "all"), ("team", rep.team if rep else "unknown"),
                        ("role", rep.role if rep else "unknown")):  # fmt: skip
                cell = cells[month, *cut]
                if rep and rep.is_selling and month in employed:
                    cell[0] += 1
                    cell[1] += rep.has_left and month == rep.end
    months, segments = {place[0] for place in cells}, {place[1:] for place in cells}
    for month in months:
        past = [months_before(month, n) for n in range(12)]
        if not months.issuperset(past):
            continue
        for kind, code in segments:
            employed = sum(cells[each, kind, code][0] for each in past)
            left = 12 * sum(cells[each, kind, code][1] for each in past)
            value = Fraction(left, employed) if employed else None
            kpis.state("rep_attrition_rate", month, {kind: code}, value, Fraction(left), Fraction(employed))


def revenue_per_rep(
    kpis: Kpis, tables: dict, reps: dict[str, Seller], deeds: dict[str, set[date]], cycle_end: date
) -> None:
    """12 x revenue / sellers in place, without those who ramp up and the accounts they own."""
    owners = {a["account_id"]: a.get("owner_rep_id") or "unknown" for a in tables["dim_accounts"]}
    revenue, unknown, months = defaultdict(Fraction), set(), defaultdict(set)
    for line in tables["fct_invoice_lines"]:
        if line["is_intercompany"] or line["invoiced_on"] is None or line["invoiced_on"] >= cycle_end:
            continue
        key = (owners.get(line["account_id"], "unknown"), month_of(line["invoiced_on"]))
        months[key[0]].add(key[1])
        if line["net_amount_reporting"] is None:
            unknown.add(key)
        revenue[key] += Fraction(line["net_amount_reporting"] or 0)
    for rep, seen in deeds.items():
        months[rep] |= seen
    for name, rep in reps.items():
        if rep.start and rep.end:
            months[name] |= {m for m in months_of(rep.start, rep.end) if m < cycle_end}
    sums, counts, lacking = defaultdict(Fraction), defaultdict(int), set()
    for name, seen in months.items():
        rep = reps.get(name)
        for month in seen:
            for cell in (("all", "all"), ("team", rep.team if rep else "unknown"),
                         ("role", rep.role if rep else "unknown")):  # fmt: skip
                place = (month, *cell)
                counts[place] += 0
                ramping = rep is not None and rep.is_selling and rep.is_ramping(month)
                if ramping:
                    continue
                sums[place] += revenue[name, month]
                if (name, month) in unknown:
                    lacking.add(place)
                if rep is not None and rep.is_selling and rep.is_employed(month):
                    counts[place] += 1
    for place, n in counts.items():
        month, kind, code = place
        total = None if place in lacking else 12 * sums[place]
        value = total / n if n and total is not None else None
        kpis.state("revenue_per_rep", month, {kind: code}, value, total, Fraction(n))
