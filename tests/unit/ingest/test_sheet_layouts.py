"""Generic sheets (targets, consents, surveys, usage, costs): both languages give the same planted rows."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from company_site import VendorSite
from vendor_layouts import table

MONTHS = (
    "January,February,March,April,May,June,July,August,September,October,November,December",
    "Janvier,Février,Mars,Avril,Mai,Juin,Juillet,Août,Septembre,Octobre,Novembre,Décembre",
)


def site(
    tmp_path: Path, mapping: str, name: str, header: str, rows: list[list[str]], french: bool
) -> VendorSite:
    content = table(header.split(","), rows, ";" if french else ",", "cp1252" if french else "utf-8")
    return VendorSite(tmp_path / "site", mapping, {f"2026-06/{name}.csv": content})


@pytest.mark.parametrize("french", [False, True])
def test_targets_turn_months_into_periods(tmp_path: Path, french: bool) -> None:
    header = (
        f"E-mail du vendeur,Équipe,Indicateur,Devise,Année,{MONTHS[1]}"
        if french
        else f"Seller email,Team,Metric,Currency,Year,{MONTHS[0]}"
    )
    revenue, customers = (
        ("Chiffre d'affaires", "Nouveaux clients") if french else ("Revenue", "New customers")
    )
    january, december = ("12 500,50", "9000") if french else ("12,500.50", "9000")
    rows = [
        ["Jo@Etalon.example", "Nord", revenue, "EUR", "2028", january, "100", *[""] * 9, december],
        ["", "Nord", customers, "", "2028", *[""] * 11, "3"],
    ]
    found = site(tmp_path, "targets", "objectifs_2028" if french else "targets_2028", header, rows, french)
    assert found.kept(
        "crm_quota", "owner_email, team_name, metric, period_start::text, period_end::text, target, currency"
    ) == [
        ("jo@etalon.example", "Nord", "revenue", "2028-01-01", "2028-01-31", Decimal("12500.5"), "EUR"),
        ("jo@etalon.example", "Nord", "revenue", "2028-02-01", "2028-02-29", Decimal(100), "EUR"),
        ("jo@etalon.example", "Nord", "revenue", "2028-12-01", "2028-12-31", Decimal(9000), "EUR"),
        (None, "Nord", "new_customers", "2028-12-01", "2028-12-31", Decimal(3), None),
    ]
    assert found.not_kept() == [("crm_quota", "blank_cell", 20)]
    assert found.journal() == []


@pytest.mark.audit("OB2", "OB3", "OB5", "SL1")
@pytest.mark.parametrize("french", [False, True])
def test_a_target_may_name_a_stage_or_a_growth(tmp_path: Path, french: bool) -> None:
    header = (
        f"E-mail du vendeur,Équipe,Indicateur,Devise,Année,{MONTHS[1]}"
        if french
        else f"Seller email,Team,Metric,Currency,Year,{MONTHS[0]}"
    )
    named = (
        (
            "Affaires arrivées à l'étape Proposition",
            "Activités à l'étape Négociation",
            "Hausse des rendez-vous",
            "SQL",
        )
        if french
        else ("Deals reaching stage Proposal", "Activities in stage Negotiation", "Growth of meetings", "SQL")
    )
    share = "0,3" if french else "0.3"
    rows = [
        ["", "Nord", name, "", "2028", share if n == 2 else "5", *[""] * 11] for n, name in enumerate(named)
    ]
    found = site(tmp_path, "targets", "objectifs_2028" if french else "targets_2028", header, rows, french)
    assert found.kept("crm_quota", "metric, stage_code, basis, target") == [
        ("meetings", None, "growth", Decimal("0.3")),
        ("sql", None, "value", Decimal(5)),
        ("stage_activities", "negotiation", "value", Decimal(5)),
        ("stage_entries", "proposal", "value", Decimal(5)),
    ]
    assert found.journal() == []


@pytest.mark.audit("PB16")
@pytest.mark.parametrize("french", [False, True])
def test_events_of_companies_keep_their_day_and_kind(tmp_path: Path, french: bool) -> None:
    header = (
        "Identifiant,Compte,SIREN,Date,Événement,Source"
        if french
        else "Event ID,Account ID,Registration number,Date,Event,Source"
    )
    rows = (
        [
            ["1", "A1", "", "03/02/2026", "Levée de fonds", "Presse"],
            ["2", "", "552081317", "04/02/2026", "Rachat", ""],
            ["3", "A1", "", "05/02/2026", "Arrivée d’un dirigeant", ""],
            ["4", "A1", "", "05/02/2026", "Arrivée d'un dirigeant", ""],
        ]
        if french
        else [
            ["1", "A1", "", "2026-02-03", "Funding", "Presse"],
            ["2", "", "552081317", "2026-02-04", "Acquisition", ""],
            ["3", "A1", "", "2026-02-05", "Executive arrival", ""],
            ["4", "A1", "", "2026-02-05", "Executive arrival", ""],
        ]
    )
    name = "evenements_comptes" if french else "account_events"
    found = site(tmp_path, "account_events", name, header, rows, french)
    columns = "account_id, registration_number, occurred_on::text, event_kind, source_name"
    assert found.kept("crm_account_event", columns) == [
        ("A1", None, "2026-02-03", "funding", "Presse"),
        *[("A1", None, "2026-02-05", "executive_arrival", None)] * 2,
        (None, "552081317", "2026-02-04", "acquisition", None),
    ]
    assert found.journal() == []


@pytest.mark.audit("K10")
@pytest.mark.parametrize("french", [False, True])
def test_figures_of_networks_are_of_a_seller_or_a_page(tmp_path: Path, french: bool) -> None:
    header = (
        "Réseau,E-mail du vendeur,Page,Date,Période,Indicateur,Valeur"
        if french
        else "Network,Seller email,Page,Date,Period,Metric,Value"
    )
    rows = (
        [["LinkedIn", "Jo@Etalon.example", "", "03/02/2026", "Jour", "Connexions acceptées", "4"],
         ["Threads", "", "Etalon", "28/02/2026", "Mois", "Impressions", "1 234,5"]]
        if french
        else [["LinkedIn", "Jo@Etalon.example", "", "2026-02-03", "Day", "Connections accepted", "4"],
              ["Threads", "", "Etalon", "2026-02-28", "Month", "Impressions", "1,234.5"]]
    )  # fmt: skip
    name = "reseaux_sociaux" if french else "social_metrics"
    found = site(tmp_path, "social_metrics", name, header, rows, french)
    assert found.kept(
        "social_metric", "network, owner_email, page_name, measured_on::text, period, metric, value"
    ) == [
        ("linkedin", "jo@etalon.example", None, "2026-02-03", "day", "connections_accepted", Decimal(4)),
        ("other", None, "Etalon", "2026-02-28", "month", "impressions", Decimal("1234.5")),
    ]
    assert found.journal() == []


def test_a_corrected_target_replaces_the_one_before(tmp_path: Path) -> None:
    header = f"Seller email,Team,Metric,Currency,Year,{MONTHS[0]}".split(",")
    line = ["jo@etalon.example", "Nord", "Revenue", "EUR", "2026"]
    found = VendorSite(
        tmp_path / "site",
        "targets",
        {
            "2026-01/targets.csv": table(header, [[*line, "100", *[""] * 11]]),
            "2026-06/targets.csv": table(header, [[*line, "80", *[""] * 11]]),
        },
    )
    assert found.kept("crm_quota", "target") == [(Decimal(80),)]


@pytest.mark.parametrize("french", [False, True])
def test_consents_keep_the_day_and_the_end(tmp_path: Path, french: bool) -> None:
    header = (
        "E-mail,Téléphone,Canal,Choix,Depuis le,Jusqu'au,Origine,Motif"
        if french
        else "Email,Phone,Channel,Choice,Since,Until,Origin,Reason"
    )
    rows = [
        ["Ada@Lune.example", "", "E-mail", "Refus", "03/02/2026", "", "Salon", "trop de messages"],
        ["", "01 23 45 67 89", "Téléphone", "Rétractation", "01/06/2026", "01/12/2026", "", ""],
    ] if french else [
        ["Ada@Lune.example", "", "Email", "Opt-out", "2026-02-03", "", "Salon", "trop de messages"],
        ["", "01 23 45 67 89", "Call", "Cooling-off", "2026-06-01", "2026-12-01", "", ""],
    ]  # fmt: skip
    found = site(tmp_path, "consents", "consentements" if french else "consents", header, rows, french)
    assert found.kept(
        "crm_consent",
        "email, phone, channel, status, effective_at::text, effective_at_precision, expires_at::text",
    ) == [
        ("ada@lune.example", None, "email", "opt_out", "2026-02-03 00:00:00", "day", None),
        (None, "+33123456789", "call", "cooling_off", "2026-06-01 00:00:00", "day", "2026-12-01 00:00:00"),
    ]
    assert found.journal() == []


@pytest.mark.parametrize("french", [False, True])
def test_survey_answers(tmp_path: Path, french: bool) -> None:
    header = (
        "Identifiant,Enquête,Canal,E-mail,Compte,Note,Envoyé le,Répondu le,Commentaire"
        if french
        else "Answer ID,Survey,Channel,Email,Account ID,Score,Sent at,Answered at,Comment"
    )
    rows = [
        ["1", "T2", "E-mail" if french else "Email", "ada@lune.example", "A1", "10",
         "01/06/2026 08:00" if french else "2026-06-01T08:00:00Z",
         "02/06/2026 09:30" if french else "2026-06-02T09:30:00Z", "Très bien; rien à dire"],
        ["2", "T2", "Fax", "", "A1", "sept", "", "02/06/2026 09:30" if french else "2026-06-02", ""],
    ]  # fmt: skip
    found = site(tmp_path, "nps", "enquete" if french else "nps", header, rows, french)
    assert found.kept(
        "nps_response", "survey, channel, email, account_id, score, answered_at::text, comment"
    ) == [("T2", "email", "ada@lune.example", "A1", 10, "2026-06-02 09:30:00", "Très bien; rien à dire")]
    # A score that is no number is no answer; it stays visible with its text.
    assert found.not_kept() == [("nps_response", "required_value_invalid", 1)]
    assert found.journal() == [("nps_response", "score", "number_invalid", "sept")]


@pytest.mark.parametrize("french", [False, True])
def test_usage_keeps_equal_events_apart_and_days_whole(tmp_path: Path, french: bool) -> None:
    header = (
        "Compte,Utilisateur,E-mail,Événement,Le,Nombre,Secondes,Formule"
        if french
        else "Account ID,User ID,Email,Event,Occurred at,Count,Seconds,Plan"
    )
    event = ["A1", "u1", "ada@lune.example", "login", "2026-06-01T08:00:00Z", "", "", "Pro"]
    rows = [event, event, ["A1", "", "", "report", "2026-06-02", "7", "420", "Pro"]]
    found = site(tmp_path, "product_usage", "utilisation" if french else "usage", header, rows, french)
    assert found.kept(
        "product_usage",
        "event_name, occurred_at::text, occurred_at_precision, usage_count, usage_s, account_id",
    ) == [
        ("login", "2026-06-01 08:00:00", "second", 1, None, "A1"),
        ("login", "2026-06-01 08:00:00", "second", 1, None, "A1"),
        ("report", "2026-06-02 00:00:00", "day", 7, 420, "A1"),
    ]


@pytest.mark.parametrize("french", [False, True])
def test_costs_cover_their_month(tmp_path: Path, french: bool) -> None:
    header = (
        "Service,Nature,Canal,Campagne,Fournisseur,Libellé,Mois,Montant,Devise"
        if french
        else "Department,Cost kind,Channel,Campaign ID,Supplier,Label,Month,Amount,Currency"
    )
    rows = [
        ["Marketing", "Agence", "Réseaux sociaux", "", "Studio", "Forfait", "02/2024", "1 200,50", "EUR"],
        ["Commerce", "Salaires", "", "", "", "Équipe", "12/2025", "30000", "EUR"],
    ] if french else [
        ["Marketing", "Agency", "Social", "", "Studio", "Forfait", "2024-02", "1,200.50", "EUR"],
        ["Sales", "Salaries", "", "", "", "Équipe", "2025-12", "30000", "EUR"],
    ]  # fmt: skip
    name = "couts_commerciaux" if french else "marketing_costs"
    found = site(tmp_path, "marketing_costs", name, header, rows, french)
    assert found.kept(
        "marketing_cost",
        "department, cost_kind, channel_code, period_start::text, period_end::text, amount, currency",
    ) == [
        ("marketing", "agency", "social", "2024-02-01", "2024-02-29", Decimal("1200.5"), "EUR"),
        ("sales", "salaries", None, "2025-12-01", "2025-12-31", Decimal(30000), "EUR"),
    ]
    assert found.journal() == []


@pytest.mark.audit("OB7")
@pytest.mark.parametrize("french", [False, True])
def test_a_year_asked_for_in_one_figure_is_a_target_beside_its_months(tmp_path: Path, french: bool) -> None:
    header = (
        "E-mail du vendeur,Équipe,Indicateur,Devise,Année,Objectif"
        if french
        else "Seller email,Team,Metric,Currency,Year,Target"
    )
    amount = "120 000,50" if french else "120,000.50"
    rows = [
        ["jo@etalon.example", "Nord", "Chiffre d'affaires" if french else "Revenue", "EUR", "2028", amount]
    ]
    found = site(tmp_path, "targets", "annuels_2028" if french else "year_targets_2028", header, rows, french)
    columns = "owner_email, metric, basis, period_start::text, period_end::text, target, currency"
    year = ("2028-01-01", "2028-12-31")
    assert found.kept("crm_quota", columns) == [
        ("jo@etalon.example", "revenue", "value", *year, Decimal("120000.5"), "EUR")
    ]
