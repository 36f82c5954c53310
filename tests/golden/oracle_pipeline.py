"""The metrics of the pipeline in plain Python: fractions, no SQL, no code of the project.

Written from the dictionary: what was known on the first day of a month, the chance to win from a stage, forecasts
frozen on that day, stays in a stage, effort and people. Not here: the planted rows (`planted_pipeline.py`).
"""

from collections import defaultdict
from datetime import date, datetime, timedelta
from fractions import Fraction

from tests.golden.kpi_oracle import Kpis, day_in, month_of, months_before

FUNNEL = ["prospecting", "qualification", "meeting", "needs_defined", "proposal", "negotiation"]
#: What a deal needs to pass into a stage.
GATES = {
    "needs_defined": {"identified_pain"},
    "proposal": {"metrics", "economic_buyer", "decision_criteria"},
    "negotiation": {"decision_process", "champion"},
}


def rounded(value: Fraction | None, places: int) -> Fraction | None:
    """Half away from zero, as decimals of a warehouse."""
    if value is None:
        return None
    scale = 10**places
    whole = int(abs(value) * scale + Fraction(1, 2))
    return Fraction(whole if value >= 0 else -whole, scale)


class Pipeline:
    """The opportunities of one company and what can be asked of them."""

    def __init__(self, tables: dict, as_of: datetime, zone: str) -> None:
        self.tables, self.as_of, self.zone = tables, as_of, zone
        self.cycle_end = day_in(zone, as_of)
        self.deals = tables["fct_opportunities"]
        channels = {lead["lead_id"]: lead["channel_code"] for lead in tables["fct_leads"]}
        self.cuts = {
            d["opportunity_id"]: {"channel": channels.get(d["lead_id"]), "size_band": d["size_band_code"]}
            for d in self.deals
        }
        teams = {r["rep_id"]: r["team_name"] for r in tables.get("dim_reps", [])}
        self.team = {d["opportunity_id"]: teams.get(d["rep_id"]) or "unknown" for d in self.deals}
        self.changes = defaultdict(list)
        for change in sorted(
            tables.get("fct_opportunity_changes", []),
            key=lambda c: (c["changed_at"], c["opportunity_change_key"]),
        ):
            self.changes[change["opportunity_id"]].append(change)
        self.rates = defaultdict(list)
        for rate in tables.get("int_month_rates", []):
            self.rates[rate["currency"]].append(rate)
        self.closed = [
            d for d in self.deals
            if (d["is_won"] or d["is_lost"]) and d["closed_on"] is not None and d["closed_on"] < self.cycle_end
        ]  # fmt: skip
        self.top_rank = self._top_ranks()
        firsts = [d["opened_on"] for d in self.deals if d["opened_on"] is not None]
        self.months = []
        month = month_of(min(firsts)) if firsts else self.cycle_end
        while month < self.cycle_end:
            self.months.append(month)
            month = months_before(month, -1)

    def _top_ranks(self) -> dict[str, int]:
        closed_on = {d["opportunity_id"]: d["closed_on"] for d in self.closed}
        top: dict[str, int] = {}
        for entry in self.tables["fct_opportunity_stages"]:
            deal = entry["opportunity_id"]
            if (
                entry["stage_code"] not in FUNNEL
                or deal not in closed_on
                or entry["first_entered_at"] is None
            ):
                continue
            if day_in(self.zone, entry["first_entered_at"]) <= closed_on[deal]:
                top[deal] = max(top.get(deal, 0), FUNNEL.index(entry["stage_code"]) + 1)
        return top

    def money(self, amount, currency: str | None, month: date) -> Fraction | None:
        for rate in self.rates[currency]:
            if amount is not None and rate["valid_from_month"] <= month < rate["valid_to_month"]:
                return rounded(Fraction(amount) * Fraction(rate["exchange_rate"]), 4)
        return None

    def chances(self, on: date) -> dict[str, Fraction]:
        """Chance to win from each stage as known on a first day of a month."""
        seen = [d for d in self.closed if months_before(on, 12) <= d["closed_on"] < on]
        out = {}
        for rank, stage in enumerate(FUNNEL, start=1):
            reached = [
                d for d in seen
                if d["opportunity_id"] in self.top_rank and (d["is_won"] or self.top_rank[d["opportunity_id"]] >= rank)
            ]  # fmt: skip
            if reached:
                out[stage] = rounded(Fraction(sum(d["is_won"] for d in reached), len(reached)), 10)
        return out

    def known(self, deal: dict, on: date) -> dict | None:
        """What was known of a deal on a first day of a month; None when it was not open then."""
        if deal["opened_on"] is None or deal["opened_on"] >= on:
            return None
        if not deal["is_open"] and (deal["closed_on"] is None or deal["closed_on"] < on):
            return None
        history = self.changes[deal["opportunity_id"]]
        before = [
            c for c in history if c["changed_at"] < self.as_of and day_in(self.zone, c["changed_at"]) < on
        ]

        def last(field: str, present):
            told = [c[field] for c in before if c[field] is not None]
            if told:
                return told[-1]
            return present if not any(c[field] is not None for c in history) else None

        now = deal if deal["is_open"] else {}
        state = {
            "stage": last("stage_code", now.get("stage_code")) or "unknown",
            "amount": last("amount", deal["amount"]),
            "planned": last("expected_close_on", now.get("expected_close_on")),
            "category": last("forecast_category_code", now.get("forecast_category_code")) or "unknown",
            "is_frozen": all(
                any(c[f] is not None for c in before) for f in ("stage_code", "amount", "expected_close_on")
            ),
        }
        return None if state["stage"] in ("won", "lost") else state


def snapshots(kpis: Kpis, pipeline: Pipeline) -> dict[tuple[date, str, str], int]:
    """Open, amount and weighted amount at the end of each month; returns the open ones of each cell."""
    n_open: dict[tuple[date, str, str], int] = defaultdict(int)
    for month in pipeline.months:
        end = months_before(month, -1)
        chances = pipeline.chances(end)
        for deal in pipeline.deals:
            state = pipeline.known(deal, end)
            if state is None:
                continue
            cuts = pipeline.cuts[deal["opportunity_id"]]
            wide = cuts | {"stage": state["stage"], "forecast_category": state["category"]}
            amount = pipeline.money(state["amount"], deal["currency"], month)
            chance = chances.get("prospecting" if state["stage"] == "unknown" else state["stage"])
            weighted = None if amount is None or chance is None else rounded(amount * chance, 4)
            kpis.add("opps_open", month, wide, 1)
            kpis.add("pipeline_amount", month, wide, 0 if state["amount"] is None else amount)
            kpis.add("weighted_pipeline", month, wide, 0 if state["amount"] is None else weighted)
            for kind, code in kpis.each(cuts):
                n_open[month, kind, code] += 1
    return n_open


def velocity(kpis: Kpis, pipeline: Pipeline, n_open: dict[tuple[date, str, str], int]) -> None:
    for (month, kind, code), many in n_open.items():
        end = months_before(month, -1)
        recent = [
            d for d in pipeline.closed
            if end - timedelta(days=90) <= d["closed_on"] < end
            and (kind, code) in set(kpis.each(pipeline.cuts[d["opportunity_id"]]))
        ]  # fmt: skip
        won = [d for d in recent if d["is_won"]]
        amounts = [0 if d["amount"] is None else d["amount_reporting"] for d in won]
        cycles = [
            d["sales_cycle_days"]
            for d in won
            if d["sales_cycle_days"] is not None and d["sales_cycle_days"] >= 0
        ]
        value = None
        if won and None not in amounts and sum(cycles):
            deal = Fraction(sum(amounts)) / len(won)
            value = many * Fraction(len(won), len(recent)) * deal / (Fraction(sum(cycles)) / len(cycles))
        kpis.state("pipeline_velocity", month, {kind: code}, value, None, Fraction(many))


def cohorts(kpis: Kpis, pipeline: Pipeline) -> None:
    for deal in pipeline.deals:
        if deal["opened_on"] is None or deal["opened_on"] >= pipeline.cycle_end:
            continue
        ended = not deal["is_open"] and (deal["closed_on"] is None or deal["closed_on"] < pipeline.cycle_end)
        cuts = pipeline.cuts[deal["opportunity_id"]]
        kpis.part("win_rate_cohort", month_of(deal["opened_on"]), cuts, ended and deal["is_won"], 1)
    for deal in pipeline.closed:
        month, cuts = month_of(deal["closed_on"]), pipeline.cuts[deal["opportunity_id"]]
        amount = 0 if deal["amount"] is None else deal["amount_reporting"]
        kpis.add("opps_won", month, cuts, deal["is_won"])
        kpis.part("avg_deal", month, cuts, amount if deal["is_won"] else 0, deal["is_won"])


def forecasts(kpis: Kpis, pipeline: Pipeline) -> None:
    units: dict[tuple[date, str], dict] = {}

    def unit(month: date, team: str) -> dict:
        empty = {"f": Fraction(0), "a": Fraction(0), "gap": False, "expected": 0, "named": 0, "frozen": 0}
        return units.setdefault((month, team), empty)

    first = None
    for on in [*pipeline.months[1:], pipeline.cycle_end]:
        for deal in pipeline.deals:
            state = pipeline.known(deal, on)
            if state is None:
                continue
            first = first or on
            if state["planned"] is None or not on <= state["planned"] < months_before(on, -1):
                continue
            mine = unit(on, pipeline.team[deal["opportunity_id"]])
            amount = pipeline.money(state["amount"], deal["currency"], on)
            mine["gap"] |= state["amount"] is not None and amount is None
            mine["expected"] += 1
            mine["named"] += state["category"] != "unknown"
            mine["frozen"] += state["is_frozen"]
            mine["f"] += (amount or 0) if state["category"] == "commit" else 0
    for deal in pipeline.closed:
        if deal["is_won"]:
            mine = unit(month_of(deal["closed_on"]), pipeline.team[deal["opportunity_id"]])
            mine["gap"] |= deal["amount"] is not None and deal["amount_reporting"] is None
            mine["a"] += Fraction(deal["amount_reporting"] or 0)
    cells = defaultdict(list)
    for (month, team), mine in units.items():
        if first is not None and first <= month < pipeline.cycle_end:
            cells[month, "all", "all"].append(mine)
            cells[month, "team", team].append(mine)
    for (month, kind, code), teams in cells.items():
        judged = [t for t in teams if not t["expected"] or (t["named"] and t["frozen"])]
        won, errors = sum(t["a"] for t in judged), [t["f"] - t["a"] for t in judged]
        blind = len(judged) < len(teams) and not sum(t["expected"] for t in judged)
        unknown = blind or any(t["gap"] for t in teams)
        tested = [t for t in judged if t["f"] or t["a"]]
        within = sum(t["a"] > 0 and abs(t["f"] - t["a"]) * 10 <= t["a"] for t in tested)
        for metric, top, bottom in (
            ("forecast_accuracy", won - sum(abs(e) for e in errors), won),
            ("forecast_bias", Fraction(sum(errors)), won),
            ("forecast_within_10pct", Fraction(within), Fraction(len(tested))),
        ):
            value = None if unknown or not bottom else top / bottom
            kpis.state(metric, month, {kind: code}, value, top, bottom)


def targets_of(quotas: list[dict], quarter: date) -> dict[str, Fraction | None]:
    """Team -> revenue target of a quarter; None where one has no amount in the reporting currency."""
    end = months_before(quarter, -3)
    told = {}
    for quota in sorted(quotas, key=lambda q: q["quota_key"], reverse=True):
        if quota["metric_code"] != "revenue" or not quota["team_name"]:
            continue
        if quota["period_start"] < end and quota["period_end"] >= quarter:
            nobody = (
                quota["quota_key"] if quota["scope_code"] == "rep" and quota["rep_id"] == "unknown" else None
            )
            told[quota["scope_code"], quota["rep_id"], quota["team_name"], quota["period_start"],
                 quota["period_end"], nobody] = quota  # fmt: skip
    out = {}
    for team in {q["team_name"] for q in told.values()}:
        mine = [q for q in told.values() if q["team_name"] == team]
        mine = [q for q in mine if q["scope_code"] == "team"] or mine
        for kind in ("quarter", "month", "year"):
            if any(q["period_kind_code"] == kind for q in mine):
                mine = [q for q in mine if q["period_kind_code"] == kind]
                break
        parts = [part_of(q, quarter, end) for q in mine]
        out[team] = None if None in parts else sum(parts, Fraction(0))
    return out


def part_of(quota: dict, first: date, end: date) -> Fraction | None:
    """What a target asks for from the day `first` to before `end`, by the days of its period."""
    if quota["target_reporting"] is None:
        return None
    days = (quota["period_end"] - quota["period_start"]).days + 1
    within = (min(end, quota["period_end"] + timedelta(days=1)) - max(first, quota["period_start"])).days
    return rounded(Fraction(quota["target_reporting"]) * within / days, 4)


def coverage(kpis: Kpis, pipeline: Pipeline) -> None:
    for month in pipeline.months:
        on = months_before(month, -1)
        quarter = date(on.year, (on.month - 1) // 3 * 3 + 1, 1)
        cells = defaultdict(list)
        for team, target in targets_of(pipeline.tables.get("fct_quotas", []), quarter).items():
            gap, opened, remaining = target is None, Fraction(0), target or Fraction(0)
            for deal in pipeline.deals:
                if pipeline.team[deal["opportunity_id"]] != team:
                    continue
                state = pipeline.known(deal, on)
                if state and state["planned"] and on <= state["planned"] < months_before(quarter, -3):
                    amount = pipeline.money(state["amount"], deal["currency"], on)
                    gap |= state["amount"] is not None and amount is None
                    opened += amount or 0
            for deal in pipeline.closed:
                if (
                    pipeline.team[deal["opportunity_id"]] == team
                    and deal["is_won"]
                    and quarter <= deal["closed_on"] < on
                ):
                    gap |= deal["amount"] is not None and deal["amount_reporting"] is None
                    remaining -= Fraction(deal["amount_reporting"] or 0)
            cells["all", "all"].append((gap, opened, remaining))
            cells["team", team].append((gap, opened, remaining))
        for (kind, code), teams in cells.items():
            top, bottom = sum(t[1] for t in teams), sum(t[2] for t in teams)
            value = None if any(t[0] for t in teams) or bottom <= 0 else top / bottom
            kpis.state("pipeline_coverage", month, {kind: code}, value, top, bottom)


def stays(kpis: Kpis, pipeline: Pipeline) -> None:
    seen = defaultdict(list)
    for deal in pipeline.deals:
        history = [
            c for c in pipeline.changes[deal["opportunity_id"]]
            if c["stage_code"] is not None and c["changed_at"] < pipeline.as_of
        ]  # fmt: skip
        moves = [c for n, c in enumerate(history) if not n or history[n - 1]["stage_code"] != c["stage_code"]]
        spans = defaultdict(list)
        for n, move in enumerate(moves):
            end = moves[n + 1]["changed_at"] if n + 1 < len(moves) else None
            if end is None and deal["closed_at"] is not None and deal["closed_at"] < pipeline.as_of:
                end = max(deal["closed_at"], move["changed_at"])
            is_lost_track = end is None and not deal["is_open"] and deal["closed_at"] is None
            spans[move["stage_code"]].append(
                (move["changed_at"], None if is_lost_track else end, is_lost_track)
            )
        for stage in set(spans) & set(FUNNEL):
            if any(lost_track for *_, lost_track in spans[stage]):
                continue
            seconds = sum(
                int(((end or pipeline.as_of) - begin).total_seconds() // 1) for begin, end, _ in spans[stage]
            )
            month = month_of(day_in(pipeline.zone, min(begin for begin, *_ in spans[stage])))
            is_left = all(end is not None for _, end, _ in spans[stage])
            for kind, code in kpis.each(pipeline.cuts[deal["opportunity_id"]] | {"stage": stage}):
                seen[month, kind, code].append((Fraction(seconds, 86400), is_left))
    for (month, kind, code), durations in seen.items():
        alive, median = Fraction(1), None
        for duration in sorted({d for d, is_left in durations if is_left}):
            at_risk = sum(d >= duration for d, _ in durations)
            alive *= 1 - Fraction(sum(d == duration and is_left for d, is_left in durations), at_risk)
            if alive <= Fraction(1, 2):
                median = duration
                break
        kpis.state("time_in_stage", month, {kind: code}, median, None, Fraction(len(durations)))


def gates(kpis: Kpis, pipeline: Pipeline) -> None:
    """Deals past a gate and those without a field that their CRM gives; a skipped stage counts as passed."""
    given = defaultdict(dict)
    for evidence in pipeline.tables.get("fct_opportunity_evidences", []):
        given[evidence["opportunity_id"]][evidence["evidence_code"]] = evidence["is_present"]
    entries = defaultdict(list)
    for entry in pipeline.tables["fct_opportunity_stages"]:
        if entry["stage_code"] in FUNNEL and entry["first_entered_at"] < pipeline.as_of:
            entries[entry["opportunity_id"]].append(
                (FUNNEL.index(entry["stage_code"]), entry["first_entered_at"])
            )
    for deal in pipeline.deals:
        reached = list(entries[deal["opportunity_id"]])
        if deal["is_won"] and deal["closed_at"] is not None and deal["closed_at"] < pipeline.as_of:
            reached.append((len(FUNNEL), deal["closed_at"]))
        for stage, asked in GATES.items():
            moments = [moment for rank, moment in reached if rank >= FUNNEL.index(stage)]
            if not moments:
                continue
            fields = [filled for code, filled in given[deal["opportunity_id"]].items() if code in asked]
            kpis.part(
                "gate_without_evidence_rate",
                month_of(day_in(pipeline.zone, min(moments))),
                pipeline.cuts[deal["opportunity_id"]] | {"stage": stage},
                not all(fields),
                bool(fields),
            )


def engagements(kpis: Kpis, pipeline: Pipeline) -> None:
    contacts = defaultdict(list)  # account -> day, person, seconds, two-way
    for touch in pipeline.tables["fct_touches"]:
        if touch.get("account_id") not in (None, "unknown") and touch["occurred_at"] < pipeline.as_of:
            talked = touch["channel_code"] in ("voice", "meeting")
            is_timed = talked and touch["source_stream_code"] != "meeting"
            contacts[touch["account_id"]].append((
                day_in(pipeline.zone, touch["occurred_at"]), touch["person_id"],
                (touch["duration_s"] or 0) if is_timed else 0, talked and touch["is_effective"],
            ))  # fmt: skip
    timed = {
        (meeting["account_id"], meeting["occurrence_key"]): meeting
        for meeting in pipeline.tables["fct_meetings"]
        if meeting["is_held"] and meeting["account_id"] != "unknown"
    }
    for (account, _), meeting in timed.items():
        day = day_in(pipeline.zone, meeting["starts_at"])
        contacts[account].append((day, "unknown", meeting["duration_s"] or 0, False))
    for send in pipeline.tables["fct_email_sends"]:
        replied = send["replied_at"] is not None and send["replied_at"] < pipeline.as_of
        if replied and not send["is_automated"] and send["account_id"] != "unknown":
            contacts[send["account_id"]].append(
                (day_in(pipeline.zone, send["replied_at"]), send["person_id"], 0, True)
            )
    for deal in pipeline.closed:
        if deal["opened_on"] is None or deal["opened_on"] >= pipeline.cycle_end:
            continue
        mine = [c for c in contacts[deal["account_id"]] if deal["opened_on"] <= c[0] <= deal["closed_on"]]
        seconds = sum(c[2] for c in mine)
        people = len({c[1] for c in mine if c[3] and c[1] != "unknown"})
        month, cuts = month_of(deal["closed_on"]), pipeline.cuts[deal["opportunity_id"]]
        kpis.part("effort_on_lost", month, cuts, 0 if deal["is_won"] else seconds, seconds)
        kpis.part("buying_group_size", month, cuts, people, people > 0)


def add(kpis: Kpis, tables: dict, as_of: datetime, window_days: int, zone: str) -> None:
    """All published metrics of the pipeline that `kpi_oracle.py` does not have."""
    pipeline = Pipeline(tables, as_of, zone)
    velocity(kpis, pipeline, snapshots(kpis, pipeline))
    cohorts(kpis, pipeline)
    forecasts(kpis, pipeline)
    coverage(kpis, pipeline)
    stays(kpis, pipeline)
    gates(kpis, pipeline)
    engagements(kpis, pipeline)
