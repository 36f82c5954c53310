"""Follow-up of leads and hand-overs in plain Python: fractions, no SQL, no code of the project.

Written from the metric dictionary. Business time is added up day by day between UTC instants, holidays are computed
from the calendar. Not here: the planted rows (`planted_leads.py`), the figures of conversion (`kpi_oracle.py`).
"""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from tests.golden.kpi_oracle import Kpis, day_in, month_of

HOUR = timedelta(hours=1)
SLA = timedelta(hours=24)
#: Countries whose clocks all show one time, of those that the companies under test sell to.
ONE_CLOCK = {"FR": "Europe/Paris", "DE": "Europe/Berlin", "BE": "Europe/Brussels", "GB": "Europe/London"}
KNOWN_ZONES = frozenset(available_timezones())
ZONES_OF_FRANCE = {"Europe/Paris"}
SOURCES = {
    "web": "web", "webinar": "event", "content download": "content", "inbound call": "phone",
    "cold call": "prospecting", "purchased list": "list", "linkedin prospecting": "social", "linkedin": "social",
    "partner referral": "partner", "reseller": "partner",
}  # fmt: skip


def easter(year: int) -> date:
    """Easter Sunday, by the anonymous Gregorian algorithm."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    f = (b + 8) // 25
    g = (b - f + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


@cache
def holidays_of_france(year: int) -> frozenset[date]:
    """Public holidays of the whole of France."""
    fixed = [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)]
    moving = [easter(year) + timedelta(days=n) for n in (1, 39, 50)]
    return frozenset([date(year, m, d) for m, d in fixed] + moving)


def is_worked(day: date, country: str | None) -> bool:
    return day.weekday() < 5 and not (country == "FR" and day in holidays_of_france(day.year))


def next_worked(day: date, country: str | None) -> date:
    day += timedelta(days=1)
    while not is_worked(day, country):
        day += timedelta(days=1)
    return day


def clock_of(lead: dict, zone: str) -> str:
    """Zone of the lead, else the one zone of its country, else the company's."""
    stated = lead.get("timezone")
    if stated in KNOWN_ZONES:
        return stated
    return ONE_CLOCK.get(lead.get("country_code") or "") or zone


def business_seconds(begin: datetime, end: datetime, zone: str, country: str | None) -> int:
    """Seconds of worked hours between two UTC instants."""
    clock, day, total = ZoneInfo(zone), day_in(zone, begin), timedelta(0)
    while day <= day_in(zone, end):
        if is_worked(day, country):
            opens, closes = (
                datetime.combine(day, time(hour), clock).astimezone(UTC).replace(tzinfo=None)
                for hour in (9, 17)
            )
            total += max(min(end, closes) - max(begin, opens), timedelta(0))
        day += timedelta(days=1)
    return int(total.total_seconds())


def hours(seconds: float) -> Fraction:
    """Hours with four decimals, as the facts carry them."""
    return Fraction(round(Fraction(int(seconds), 3600) * 10_000), 10_000)


def kaplan_meier_median(observed: list[tuple[Fraction, bool]]) -> Fraction | None:
    """Smallest time by which half have had their event; (time, has had it) each."""
    at_risk, alive = len(observed), Fraction(1)
    for moment in sorted({t for t, happened in observed if happened}):
        at_risk = sum(1 for t, _ in observed if t >= moment)
        alive *= 1 - Fraction(sum(1 for t, happened in observed if happened and t == moment), at_risk)
        if alive <= Fraction(1, 2):
            return moment
    return None


def cuts_of(lead: dict) -> dict[str, str]:
    name = (lead.get("lead_source") or "").strip().lower()
    return {
        "channel": lead["channel_code"], "size_band": lead["size_band_code"], "rep": lead["rep_id"],
        "source": SOURCES.get(name, "other") if name else "unknown",
    }  # fmt: skip


def touched_after(touches: list[dict], moment: datetime, day_only: bool, zone: str) -> list[dict]:
    """Touches at or after a moment; whole days where one side has no time."""
    return [
        t for t in touches
        if (day_in(zone, t["occurred_at"]) >= day_in(zone, moment) if day_only or t["is_day_only"]
            else t["occurred_at"] >= moment)
    ]  # fmt: skip


def follow_up(
    kpis: Kpis, observed: dict, lead: dict, touches: list[dict], as_of: datetime, zone: str
) -> None:
    born, cuts = lead["created_at"], cuts_of(lead)
    month, day_only = month_of(day_in(zone, born)), lead["is_created_day_only"]
    clock = clock_of(lead, zone)
    country = lead["country_code"] or ("FR" if zone in ZONES_OF_FRANCE else None)
    kpis.add("leads_social", month, cuts, cuts["source"] == "social")
    later = touched_after(touches, born, day_only, zone)
    kpis.part("followed_up_rate", month, cuts, bool(later), 1)

    born_on = day_in(zone, born) if day_only else day_in(clock, born)
    before_the_end = day_only or born.replace(tzinfo=UTC).astimezone(ZoneInfo(clock)).hour < 17
    due = born_on if is_worked(born_on, country) and before_the_end else next_worked(born_on, country)
    is_due = due < day_in(clock, as_of)
    contacts = [
        day_in(zone if day_only or t["is_day_only"] else clock, t["occurred_at"])
        for t in later
        if t["is_effective"]
    ]
    kpis.part("same_day_contact_rate", month, cuts, is_due and any(day <= due for day in contacts), is_due)

    fields = [lead["country_code"], cuts["source"] != "unknown", (cuts["channel"] or "unknown") != "unknown",
              (cuts["size_band"] or "unknown") != "unknown", cuts["rep"] != "unknown"]  # fmt: skip
    kpis.part("crm_fields_rate", month, cuts, sum(map(bool, fields)), 5)

    effective = sorted((t["occurred_at"], not t["is_day_only"]) for t in touches if t["is_effective"])
    if not effective:
        if not day_only:
            for cell in kpis.each(cuts):
                observed[month, *cell].append((hours((as_of - born).total_seconds()), False))
        return
    first = effective[0][0]
    by_day = day_only or any(
        t["is_day_only"] for t in touches if t["is_effective"] and t["occurred_at"] == first
    )
    before = [t for t in touches if t["is_effective"] and t not in later]
    if before or by_day:
        return
    kpis.observe("ttf_business_hours", month, cuts, hours(business_seconds(born, first, clock, country)))
    for cell in kpis.each(cuts):
        observed[month, *cell].append((hours((first - born).total_seconds()), True))


def acceptances(lead: dict, as_of: datetime, zone: str) -> list[tuple]:
    """Days and instants at which sales accepted a lead: when the CRM says, else when it was converted."""
    accepted = []
    if lead.get("sql_at") and lead["sql_at"] < as_of:
        accepted.append((day_in(zone, lead["sql_at"]), bool(lead.get("is_sql_day_only")), lead["sql_at"]))
    if lead["is_converted"] and lead["converted_at"] and lead["converted_at"] < as_of:
        day_only = bool(lead["is_converted_day_only"])
        accepted.append((day_in(zone, lead["converted_at"]), day_only, lead["converted_at"]))
    return accepted


def hand_over(
    kpis: Kpis, lead: dict, touches: list[dict], as_of: datetime, window: timedelta, zone: str
) -> None:
    """MQL: handed over when the CRM says. SQL: accepted when the CRM says, else converted."""
    cuts, mql, accepted = cuts_of(lead), lead.get("mql_at"), acceptances(lead, as_of, zone)
    if accepted:
        kpis.add("sql", month_of(min(accepted)[0]), cuts, 1)
    if not mql or mql >= as_of:
        return
    month = month_of(day_in(zone, mql))
    kpis.add("mql", month, cuts, 1)
    by_day = bool(lead.get("is_mql_day_only"))
    age = (day_in(zone, as_of) - day_in(zone, mql)).days  # as_of is the first instant of a day
    over = age > 1 if by_day else mql + SLA <= as_of
    in_time = any(
        0 <= (day_in(zone, t["occurred_at"]) - day_in(zone, mql)).days <= 1 if by_day or t["is_day_only"]
        else mql <= t["occurred_at"] <= mql + SLA
        for t in touches
    )  # fmt: skip
    timed = [
        t["occurred_at"] for t in touches if not by_day and not t["is_day_only"] and t["occurred_at"] >= mql
    ]
    if timed:
        kpis.observe("handoff_lag_hours", month, cuts, hours((min(timed) - mql).total_seconds()))
    kpis.part("handoff_loss_rate", month, cuts, over and not in_time, over)
    matured, is_accepted = age > window.days if by_day else mql + window <= as_of, False
    if accepted:
        sql_on, sql_day_only, sql = min(accepted)
        days = (sql_on - day_in(zone, mql)).days
        is_accepted = 0 <= days <= window.days if by_day or sql_day_only else mql <= sql < mql + window
    kpis.part("handoff_acceptance_rate", month, cuts, matured and is_accepted, matured)


#: days of the window, minimum, maximum, channels, mails a day; days of the steps
TEMPLATES = {
    "PB1": ((10, 4, None, 1, 2), (0, 2, 4, 8)),
    "PB2": ((14, 6, 8, 2, 2), (1, 3, 5, 8, 12, 14)),
    "PB3": ((21, 8, 12, 2, 2), ()),
}


def sequence(
    kpis: Kpis,
    lead: dict,
    touches: list[dict],
    refusals: list[dict],
    is_undated: bool,
    as_of: datetime,
    zone: str,
) -> None:
    """Minimum, caps and steps of the template of a lead; who refuses contacts in it or converts early has none."""
    channel, size = lead["channel_code"], lead["size_band_code"]
    code = {"inbound": "PB1", "outbound": "PB2"}.get(channel or "")
    if size == "enterprise" and channel in ("inbound", "outbound", "partner"):
        code = "PB3"
    if code is None or size not in ("smb", "mid", "unknown", "enterprise") or is_undated:
        return
    (window, least, most, channels, mails), steps = TEMPLATES[code]
    channels = 3 if code == "PB2" and size == "mid" else channels
    born_on = day_in(zone, lead["created_at"])
    if (day_in(zone, as_of) - born_on).days <= window:
        return
    converted = lead["converted_at"]
    if converted and converted < as_of and (day_in(zone, converted) - born_on).days <= window:
        return
    for refusal in refusals:
        begun, ended = refusal["refused_at"], refusal.get("ends_at")
        is_over = ended is not None and ended <= lead["created_at"]
        if begun < as_of and not is_over and (day_in(zone, begun) - born_on).days <= window:
            return
    days = [((day_in(zone, t["occurred_at"]) - born_on).days, t["channel_code"]) for t in touches]
    days = [(day, by) for day, by in days if 0 <= day <= window]
    by_mail = Counter(day for day, by in days if by == "email")
    kept = (
        least <= len(days) <= (most or len(days))
        and len({by for _, by in days}) >= channels
        and max(by_mail.values(), default=0) <= mails
    )
    month = month_of(born_on)
    cuts = {"channel": channel, "size_band": size, "rep": lead["rep_id"], "template": code}
    kpis.part("cadence_adherence", month, cuts, kept, 1)
    on_time = sum(any(abs(day - step) <= 1 for day, _ in days) for step in steps)
    kpis.part("sequence_steps_rate", month, cuts, on_time, len(steps))


def routing(kpis: Kpis, tables: dict, as_of: datetime, zone: str) -> None:
    """Leads given to a seller within two hours, from the month in which their source tells the first assignment."""
    waits = timedelta(hours=2)
    first: dict = {}
    for lead in tables["fct_leads"]:
        if lead.get("assigned_at") and lead["assigned_at"] < as_of and lead["created_at"]:
            month, source = month_of(day_in(zone, lead["created_at"])), lead.get("source_instance")
            first[source] = min(month, first.get(source, month))
    for lead in tables["fct_leads"]:
        born, given = lead["created_at"], lead.get("assigned_at")
        if born is None or born >= as_of or lead.get("source_instance") not in first:
            continue
        if month_of(day_in(zone, born)) < first[lead.get("source_instance")]:
            continue
        by_day = bool(lead["is_created_day_only"] or lead.get("is_assigned_day_only"))
        if lead["is_created_day_only"]:
            over = (day_in(zone, as_of) - day_in(zone, born)) > timedelta(0)
        else:
            over = as_of - born >= waits
        in_time = given is not None and given < as_of
        if in_time:
            in_time = day_in(zone, given) <= day_in(zone, born) if by_day else given - born <= waits
        cuts = {"channel": lead["channel_code"], "size_band": lead["size_band_code"], "rep": lead["rep_id"]}
        kpis.part("routed_in_sla_rate", month_of(day_in(zone, born)), cuts, over and in_time, over)


def add(kpis: Kpis, tables: dict, as_of: datetime, window_days: int, zone: str) -> None:
    """The KPIs of follow-up, routing and hand-overs, of every month and cut."""
    routing(kpis, tables, as_of, zone)
    window = timedelta(days=window_days)
    observed: dict = defaultdict(list)
    touches, refusals = defaultdict(list), defaultdict(list)
    for refusal in tables.get("int_contact_refusals", []):
        refusals[refusal["person_id"]].append(refusal)
    undated = {p["person_id"] for p in tables.get("int_person_attributes", []) if p.get("is_email_undated")}
    dated = {
        (r["person_id"], r["channel_code"])
        for r in tables.get("int_contact_refusals", [])
        if r.get("is_of_flag")
    }
    undated |= {
        p["person_id"]
        for p in tables.get("dim_persons", [])
        for flag, channel in (("is_email_opted_out", "email"), ("is_call_opted_out", "voice"))
        if p.get(flag) and (p["person_id"], channel) not in dated
    }
    for touch in tables["fct_touches"]:
        if touch["occurred_at"] < as_of:
            touches[touch["lead_id"]].append(touch)
    for lead in tables["fct_leads"]:
        if lead["created_at"] is not None and lead["created_at"] >= as_of:
            continue
        mine = touches[lead["lead_id"]]
        hand_over(kpis, lead, mine, as_of, window, zone)
        if lead["created_at"] is not None:
            follow_up(kpis, observed, lead, mine, as_of, zone)
            person = lead["person_id"]
            sequence(kpis, lead, mine, refusals[person], person in undated, as_of, zone)
    for (month, kind, code), seen in observed.items():
        enough = 2 * sum(happened for _, happened in seen) >= len(seen)
        half = kaplan_meier_median(seen) if enough else None
        kpis.state("ttf_km_median", month, {kind: code}, half, None, Fraction(len(seen)))
