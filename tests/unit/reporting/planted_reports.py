"""A planted company for the report tests: figures as a real run gives them, and the same with hostile texts."""

# ruff: noqa: E501 - one planted row per line reads as a table
# fmt: off

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from orchestration.dictionary import metrics_of
from orchestration.dictionary.unavailable import Unavailable
from orchestration.reporting.figures import (
    AuditInputs,
    Balance,
    CleaningDecision,
    ComplaintWeek,
    ControlOutcome,
    DeliveredFile,
    EntityCount,
    Estimate,
    Kpi,
    LineAccount,
    LineChecks,
    Measure,
    MergeEvidence,
    MrrBridge,
    QualityInputs,
    Refusal,
    RevenueMonth,
    RowAccount,
    RuleOutcome,
    RunFacts,
    Segment,
    SetAside,
    StageStep,
    TouchLine,
    Verdict,
    Waiver,
)
from orchestration.reporting.formatting import add_months
from orchestration.reporting.quality_figures import (
    Breach,
    Compliance,
    ComplianceCount,
    DimensionPoint,
    FormerAccount,
    History,
    IdChange,
    JournalSample,
    KpiImpact,
    OwnerWork,
    ReconciliationCause,
    ReviewCount,
    SourcePoint,
    StewardDecision,
    WorkItem,
)
from tests.unit.reporting.planted_moves import MOVES, SEGMENT_MOVES

D = Decimal
CYCLE = date(2026, 6, 1)
COHORT = date(2026, 5, 1)

RUN = RunFacts(
    company="demo",
    cycle="2026-06",
    as_of=datetime(2026, 7, 1),
    reporting_currency="EUR",
    timezone="Europe/Paris",
    run_id="20260701T060000Z-4242",
    code_version="3f9a2c81d0be",
    policy_version="77aa01c2fe19",
    conversion_window_days=30,
    publication_id="2026-06-0a1b2c3d4e5f",
)

ACCOUNTS = (
    RowAccount("crm", "crm_lead", 41_208, 39_950, 64, 212, 310, 672, 1_877,
               (SetAside("excluded", "test_record", 180, "Un enregistrement de test.", "A test record."),
                SetAside("excluded", "internal_record", 32),
                SetAside("quarantined", "required_value_missing", 64, "Une valeur obligatoire manque.", "A required value is missing."))),
    RowAccount("crm", "crm_account", 9_120, 8_741, 3, 41, 85, 250, 1_033),
    RowAccount("crm", "crm_opportunity", 6_004, 5_871, 0, 12, 40, 81, None),
    RowAccount("erp", "erp_customer", 4_870, 4_802, 6, 12, 50, 0, 211),
    RowAccount("erp", "erp_invoice_line", 88_412, 88_390, 22, 0, 0, 0, None),
    RowAccount("pbx", "telephony_call_leg", 310_550, 308_210, 41, 1_950, 349, 0, None),
    RowAccount("mail", "email_event", 1_204_331, 1_190_020, 511, 0, 13_800, 0, None),
)

LINES = tuple(
    LineAccount(name, files, size, lines, files, blank, lines - files - blank - bad, bad,
                (SetAside("quarantined", "unclosed_quote", bad, "Une valeur entre guillemets est ouverte et jamais fermée.", "A quoted value is opened and never closed."),) if bad else ())
    for name, files, size, lines, blank, bad in (
        ("crm", 18, 23_400_120, 58_202, 14, 3),
        ("erp", 12, 9_120_000, 93_310, 0, 22),
        ("mail", 6, 402_331_009, 1_204_349, 6, 12),
        ("pbx", 6, 33_120_900, 310_556, 0, 0),
    )
)

_DIMENSIONS = {"CRM": "validity", "MST": "uniqueness", "FCT": "consistency", "ERP": "completeness", "TEL": "plausibility",
               "EML": "completeness", "MRT": "reconciliation"}
_RULES = (
    RuleOutcome("R-CRM-001", "raw", "raw.crm_lead", "critical", "pass", 41_208, 0, D(0), "revops",
                "Chaque lead a-t-il un identifiant ?", "Does every lead have an identifier?"),
    RuleOutcome("R-CRM-014", "raw", "raw.crm_lead", "warning", "warn", 39_950, 1_204, D("0.02"), "sales-ops",
                "Les adresses électroniques des leads sont-elles lisibles ?", "Can the leads' e-mail addresses be read?", "2,4 % attendus"),
    RuleOutcome("R-MST-003", "master", "master.dim_accounts", "critical", "pass", 7_708, 0, D(0), "revops",
                "Un compte n'apparaît-il qu'une fois ?", "Does an account appear only once?"),
    RuleOutcome("R-FCT-006", "fact", "master.fct_email_sends", "warning", "warn", 402_000, 16, D(0), "marketing",
                "Un envoi est-il toujours délivré avant d'être ouvert ?", "Is a message always delivered before it is opened?"),
    RuleOutcome("R-ERP-009", "raw", "raw.exchange_rate", "critical", "not_assessed", 0, 0, D(0), "finance",
                "Chaque mois a-t-il un taux de change ?", "Does every month have an exchange rate?", "no row was kept"),
    RuleOutcome("R-TEL-002", "fact", "master.fct_calls", "info", "pass", 120_411, 0, D(0), "sales-ops",
                "Une conversation dure-t-elle moins que l'appel ?", "Is a conversation shorter than its call?"),
    RuleOutcome("R-EML-004", "raw", "raw.email_event", "warning", "waived", 1_190_020, 930, D(0), "marketing",
                "Chaque événement porte-t-il un destinataire ?", "Does every event carry a recipient?", "", date(2026, 9, 30)),
    *(RuleOutcome(f"R-MRT-{i:03}", "mart", "marts.mart_management_kpis_month", "critical", "pass", 228, 0, D(0), "revops",
                  "Les segments s'additionnent-ils au total ?", "Do segments add up to the total?") for i in range(1, 6)),
)

RULES = (
    *(replace(rule, dimension=_DIMENSIONS[rule.rule_id[2:5]]) for rule in _RULES),
    RuleOutcome("D-unique_lead_id", "fact", "master.fct_leads", "critical", "pass", 39_950, 0, dimension="uniqueness", origin="dbt"),
)

CONTROLS = (
    ControlOutcome("pbx/zone", "pbx", "telephony_call_leg", "error", "fail", 1_200, 1_190,
                   "pbx/2026-06/Master.csv : 1190 heures sur 1200 s'écartent de l'horloge.", "pbx/2026-06/Master.csv: 1190 of 1200 times differ from the clock.",
                   ("pbx/2026-06/Master.csv:2",)),
    ControlOutcome("pbx/volume_calls", "pbx", "", "info", "warn", 65_016, 0, "65016 enregistrements, 432371 avant.", "65016 records, 432371 before."),
    ControlOutcome("pbx/hours", "pbx", "telephony_call_leg", "warn", "not_assessed", 4, 0, "4 lignes à juger.", "4 rows to judge."),
    ControlOutcome("crm/orphan_crm_lead_owner_id", "crm", "crm_lead", "warn", "waived", 41_000, 900, "900 valeurs sans utilisateur.",
                   "900 values without a user.", (), date(2026, 9, 30)),
    ControlOutcome("crm/order_crm_lead_created_at_modified_at", "crm", "crm_lead", "warn", "warn", 41_000, 450, "450 lignes.", "450 rows."),
    ControlOutcome("erp/unseen_passed_control", "erp", "erp_invoice", "error", "pass", 9_000, 0, "9000 lignes.", "9000 rows."),
)

DECISIONS = (
    CleaningDecision("phone_unparsable", "null", 2_140, "crm_lead", "phone", "Ni un numéro du pays déclaré ni un numéro international.", "No phone number of the declared country nor an international one."),
    CleaningDecision("line_repaired", "correct", 3, "", "", "Une ligne réparée par une personne.", "A line repaired by a person.", "person", datetime(2026, 6, 28, 9, 30)),
    CleaningDecision("steward_override", "override", 2, "crm_account", "country_code", "Un référent a fixé la valeur.", "A steward set the value.", "person"),
    CleaningDecision("steward_override", "override", 1, "crm_account", "city", "Un référent a fixé la valeur.", "A steward set the value."),
    CleaningDecision("email_invalid", "null", 1_204, "crm_lead", "email", "Pas une adresse e-mail.", "Not an e-mail address."),
    CleaningDecision("superseded_by_newer", "supersede", 1_003, "crm_account", "", "Une version plus récente de la même clé est gardée.", "A newer version of the same key is kept."),
    CleaningDecision("dst_ambiguous", "keep_flagged", 31, "telephony_call_leg", "started_at"),
    CleaningDecision("same_account", "merge", 1_244, "crm_account", ""),
)

MERGES = (
    MergeEvidence("account", "same_registration_number", "accepted", 812),
    MergeEvidence("account", "same_domain", "accepted", 432),
    MergeEvidence("account", "same_domain", "review", 57),
    MergeEvidence("person", "same_email", "accepted", 1_790),
    MergeEvidence("person", "same_phone_and_name", "rejected", 44),
)

BALANCES = tuple(
    Balance(term, stream, scope, value, value, D(0))
    for term, stream, scope, value in (
        ("A", "file", "bytes_of_lines:crm/0a1b2c3d4e5f", D(23_400_120)), ("A", "file", "bytes_of_lines:crm/1a1b2c3d4e5f", D(3_400)),
        ("B", "file", "lines_of_file:crm/0a1b2c3d4e5f", D(58_202)), ("C", "crm_lead", "records_of_delivery:crm/0a1b2c3d4e5f", D(41_208)),
        ("C", "crm_account", "kept_counted:crm/0a1b2c3d4e5f", D(9_120)), ("D", "person", "survivors_and_merged:all", D(39_950)),
        ("E", "call", "rows_in_facts:all", D(308_210)), ("F", "invoice_line", "money_in_facts:EUR", D("4812033.42")),
        ("F", "invoice_line", "money_in_facts:USD", D("118200.10")), ("G", "cell:email_invalid", "decisions_in_journal:all", D(5_622)),
    )
)

FILES = tuple(
    DeliveredFile(source, f"{source}/{stream}_2026-{month:02}.csv", f"{month:02}{'9f3c7a' * 10}{month:02}", 1_204_000 * month,
                  date(2026, month, 28), 8_000 * month)
    for source, stream in (("crm", "leads"), ("erp", "invoices"))
    for month in (4, 5, 6)
)

REFUSAL = Refusal(
    "erp", "erp/invoices_2026-06.csv", "E-ING-014", "line 8 412", "The file ends in the middle of a record.",
    "The last line has 3 of 14 fields; the export was probably cut.", "Ask for the file again, then: etalon run",
    "Le fichier s'arrête au milieu d'un enregistrement.", "La dernière ligne a 3 champs sur 14.",
    "Redemandez le fichier, puis : etalon run",
)

WAIVERS = (
    Waiver("R-CRM-020", "*", "ops", "La migration du CRM est finie.", date(2026, 5, 31), False),
    Waiver("R-EML-004", "raw.email_event", "Camille (RevOps)", "Le routeur ne livre le destinataire qu'en août.", date(2026, 9, 30)),
)

FORMER = tuple(
    FormerAccount("2026-05-99aa88bb77cc", "2026-05", source, contract, records, kept, 4, 20, 30, 40, 0)
    for source, contract, records, kept in (("crm", "crm_lead", 39_000, 38_906), ("erp", "erp_customer", 4_850, 4_756), ("old", "x", 100, 6))
)


def impact(metric, unit, kind, code, published, without, n_rows, fr, en, issue_fr="", issue_en="") -> KpiImpact:
    value = [None if text is None else D(text) for text in (published, without)]
    return KpiImpact(metric, "2026-06", kind, code, unit, *value, n_rows, fr, en, issue_fr, issue_en)


_CR = ("Taux de conversion (CR)", "Conversion rate")
IMPACTS = (
    impact("cr", "rate", "reason", "test_record", "0.1184", "0.1122", 180, *_CR, "Un enregistrement de test.", "A test record."),
    impact("cr", "rate", "merge", "same_email", "0.1184", "0.1149", 1_790, *_CR),
    impact("cr", "rate", "rule", "R-CRM-014", "0.1184", "0.1181", 1_204, *_CR, "Les adresses sont-elles lisibles ?", "Can addresses be read?"),
    *(impact("cr", "rate", "reason", f"small_reason_{i}", "0.1184", f"0.11839{i}", i, *_CR) for i in range(1, 5)),
    impact("cr", "rate", "reason", "unmoving", "0.1184", "0.1184", 7, *_CR),
    impact("revenue_total", "money", "reason", "credit_note_twice", "1284310.55", "1291810.50", 3, "Revenu total", "Total revenue",
           "Un avoir compté deux fois.", "A credit note counted twice."),
    impact("ttf_hours", "hours", "reason", "negative_ttf", "5.4", None, 3, "TTF médian", "Median time to first contact"),
    impact("sales_cycle_days", "days", "reason", "test_record", "47", "46", 3, "Durée du cycle", "Sales cycle"),
    impact("leads_new", "count", "merge", "same_email", "3412", "3590", 178, "Volume de leads", "New leads"),
    impact("mrr", "money", "reason", "test_record", "402150", "402150", 0, "MRR", "MRR"),
    impact("win_rate_close", "rate", "reason", "test_record", "0.2714", "0.2714", 0, "Taux de closing", "Win rate"),
)


def item(rank, owner, rule, reason, key, field, value, unit, age, assignee="", label=("", "")) -> WorkItem:
    return WorkItem(f"itm_{rank:012d}", rule, reason, key.split("/")[0], key.split("/")[1], key, field, owner, assignee,
                    None if value is None else D(value), unit, age, rank, *label)


WORK = (
    OwnerWork("sales_ops", 1_204, 118, 214, D("12.5"), (("EUR", D("1204310.50")), ("touches", D(812))), (
        item(1, "sales_ops", "R-CRM-014", "email_invalid", "crm/crm_lead/00Q5g0000000095EAA", "email", "48000", "EUR", 34, "rep_0042",
             ("Pas une adresse e-mail.", "Not an e-mail address.")),
        item(3, "sales_ops", "R-CRM-030", "", "crm/crm_opportunity/0065g00000AAA", "", "12", "touches", 9),
        item(9, "sales_ops", "R-CRM-031", "", "crm/crm_opportunity/0065g00000BBB", "", None, "", 1),
    )),
    OwnerWork("finance", 1, 0, 3, None, (), (item(2, "finance", "R-ERP-009", "", "erp/erp_subscription/S0000000030", "", "1200", "EUR", 3),)),
    OwnerWork("", 0, 2, None, D("4.0")),
)

SAMPLES = (
    JournalSample("phone_unparsable", "null", "crm_lead", "phone", "crm/crm_lead/00Q5g0000000020EAA", "0,00000x+00", "", "crm:crm/2026-06/Lead.csv:23"),
    JournalSample("superseded_by_newer", "supersede", "crm_account", "", "", "", "472acf264429:29", ""),
    JournalSample("same_account", "merge", "crm_account", "account_id", "crm/crm_account/0015g1", "crm/crm_account/0015g1", "acc_81339cbc8fde", ""),
)


def decided(number, kind, status, keys, author, reason, **more) -> StewardDecision:
    return StewardDecision(f"dec_{number:012d}", "account", kind, status, keys, author, reason, datetime(2026, 6, number % 28 + 1, 10), **more)


_PAIR = ("crm/crm_account/0015g1", "erp/erp_customer/C000010")
STEWARDS = (
    decided(1, "override", "active", _PAIR[:1], "rvd", "Vérifié au registre.", field_name="country_code"),
    decided(2, "same", "active", _PAIR, "rvd", "Même SIREN."),
    decided(3, "different", "to_confirm", _PAIR, "rvd", "Deux filiales.", expires_on=date(2026, 12, 31)),
    decided(4, "cannot_say", "active", _PAIR, "rvd", "Rien au registre."),
    decided(5, "unmerge", "active", tuple(f"crm/crm_lead/00Q{i}" for i in range(5)), "rvd", "Trois personnes."),
    decided(6, "same", "undone", _PAIR, "rvd", "Erreur."),
    *(decided(i, "override", "expired", _PAIR[:1], "rvd", "Ancien.", field_name="city") for i in range(7, 19)),
    *(decided(i, "same", "active", _PAIR, "rvd", "Idem.") for i in range(20, 29)),
)
REVIEWS = (ReviewCount("account", "pair", 57, 4, D("210400.00"), "EUR"), ReviewCount("person", "live_merge", 2, 0, None, "EUR"))
ID_CHANGES = (IdChange("account", "merge", 12), IdChange("person", "unmerge", 5))


def history(n: int) -> History:
    """n monthly publications that end with June 2026; volume is judged from the third one on."""
    points, sources = [], []
    for sequence in range(1, n + 1):
        month = add_months(CYCLE, sequence - n)
        named = (sequence, f"{month:%Y-%m}-{sequence:012d}", f"{month:%Y-%m}")
        for order, name in enumerate(("completeness", "validity", "uniqueness", "consistency", "timeliness", "volume", "integrity", "oddity")):
            if name != "volume" or sequence > 2:
                n_warn = max(0, 4 - sequence // 3) if order % 2 else 0
                points.append(DimensionPoint(*named, name, 20 - n_warn, n_warn, 5 if order == 1 and sequence == 12 else 0, 0, order % 3))
        for source, records, aside in (("crm", 56_000, 420 - 20 * sequence), ("erp", 93_000, 28), ("pbx", 310_000, 1_990)):
            if source != "pbx" or sequence > 1:
                sources.append(SourcePoint(*named, source, records + 100 * sequence, aside))
    return History(tuple(points), tuple(sources))


COMPLIANCE = Compliance(
    (
        ComplianceCount("after_opt_out", "email", "2026-06", 402_000, 12, 310), ComplianceCount("after_opt_out", "email", "2026-05", 390_000, 31),
        ComplianceCount("outside_hours", "voice", "2026-06", 12_040, 0), ComplianceCount("cool_down", "voice", "2026-05", 12_040, 2),
        ComplianceCount("retention_due_30", "all", "2026-06", 9_120, 41),
        ComplianceCount("unheard_of", "pigeon", "", 0, 0),
    ),
    (Breach("after_opt_out", "email", "mail/email_event/9912", "per_0a1b2c3d4e5f", datetime(2026, 6, 12, 8, 4), "b2b_default"),
     Breach("after_opt_out", "email", "mail/email_event/9913", "", None, "")),
    12,
)


def cause(code, period, currency, n_opportunities, n_lines, crm, erp) -> ReconciliationCause:
    return ReconciliationCause(code, period, currency, n_opportunities, n_lines, D(crm), D(erp), D(crm) - D(erp))


RECONCILIATION = (
    replace(cause("invoiced_equal", "2026-06", "EUR", 122, 242, "921144.20", "921144.20"), is_converted=True),
    replace(cause("never_invoiced", "2026-06", "EUR", 3, 0, "18000.00", "0"), is_converted=True, n_opportunities_unrated=1),
    replace(cause("document_missing", "", "EUR", 0, 3, "0", "0"), is_converted=True, n_lines_unrated=3),
    cause("invoiced_equal", "2026-06", "EUR", 120, 240, "812400.10", "812400.10"),
    cause("invoiced_less", "2026-06", "EUR", 9, 12, "41000.00", "39120.35"),
    cause("invoiced_more", "2026-05", "EUR", 4, 4, "12000.00", "12000.01"),
    cause("never_invoiced", "2026-05", "EUR", 3, 0, "18000.00", "0"),
    cause("one_off_without_deal", "2026-06", "EUR", 0, 31, "0", "96480.72"),
    cause("document_missing", "", "unknown", 0, 3, "0", "300.00"),
    cause("invoiced_equal", "2026-06", "USD", 2, 2, "118200.10", "118200.10"),
)

QUALITY = QualityInputs(
    run=RUN,
    verdict=Verdict("publish_with_warnings", ("R-CRM-014", "R-FCT-006"), 0),
    accounts=ACCOUNTS,
    lines=LINES,
    rules=RULES,
    controls=CONTROLS,
    decisions=DECISIONS,
    merges=MERGES,
    entities=(EntityCount("account", 13_543, 12_299), EntityCount("person", 44_120, 41_900)),
    balances=BALANCES,
    files=FILES,
    waivers=WAIVERS,
    former_accounts=FORMER,
    impacts=IMPACTS,
    work=WORK,
    samples=SAMPLES,
    steward_decisions=STEWARDS,
    reviews=REVIEWS,
    id_changes=ID_CHANGES,
    history=history(12),
    compliance=COMPLIANCE,
    reconciliation=RECONCILIATION,
    moves=MOVES,
    moved_since="2026-05-0123456789ab",
    segment_moves=SEGMENT_MOVES,
    n_segments_moved=41,
)

HELD_QUALITY = replace(
    QUALITY,
    run=replace(RUN, publication_id=None),
    verdict=Verdict("hold", ("R-CRM-001",), 1),
    rules=(replace(RULES[0], status="fail", n_failed=12), *RULES[1:]),
    balances=(*BALANCES[:4], Balance("D", "person", "survivors_and_merged:all", D(39_950), D(39_949), D(1)), *BALANCES[4:]),
    refusals=(REFUSAL,),
)

EMPTY_QUALITY = QualityInputs(run=replace(RUN, as_of=None, publication_id=None))


def series(last: str, *steps: str, end: date = CYCLE) -> tuple[tuple[str, Decimal | None], ...]:
    """13 months that end with `last`; `steps` are the values before it, oldest first, '' for none."""
    values = [*([""] * (12 - len(steps))), *steps, last]
    months = [add_months(end, -back) for back in range(12, -1, -1)]
    return tuple((f"{m:%Y-%m}", D(v) if v else None) for m, v in zip(months, values, strict=True))


def kpi(name, unit, places, better, last, *steps, fr, en, numerator=None, denominator=None, **more) -> Kpi:
    history = series(last, *steps, end=COHORT if more.get("is_cohort") else CYCLE)
    measure = Measure(
        history[-1][1],
        None if numerator is None else D(numerator),
        None if denominator is None else D(denominator),
        more.pop("reason_code", None),
        more.pop("caveat_code", None),
    )
    return Kpi(
        name, unit, places, better, history[-1][0], measure, history, label_fr=fr[0], label_en=en[0],
        definition_fr=fr[1], definition_en=en[1], **({"trust": "reliable", "minimum_n": 30} | more),
    )


KPIS = (
    kpi("leads_new", "count", 0, "up", "3412", *["2980", "3010", "3122", "2890", "2950", "3300", "3108", "3040", "3201", "3150", "3322", "3287"],
        fr=("Volume de leads", "leads de référence créés dans le mois, doublons fusionnés comptés une fois"),
        en=("New leads", "golden leads created in the month, merged duplicates counted once"), minimum_n=0),
    kpi("cr", "rate", 1, "up", "0.1184", *["0.104", "0.106", "0.101", "0.109", "0.112", "0.108", "0.111", "0.113", "0.109", "0.115", "0.1152", "0.1121"],
        fr=("Taux de conversion (CR)", "leads convertis dans la fenêtre ÷ leads dont la fenêtre est close"),
        en=("Conversion rate", "leads converted in the window ÷ leads whose window is over"),
        numerator=389, denominator=3287, is_cohort=True),
    kpi("touches_per_lead", "touches_per_lead", 1, "none", "4.2", *["4.6", "4.5", "4.5", "4.4", "4.6", "4.4", "4.3", "4.4", "4.2", "4.3", "4.2", "4.1"],
        fr=("Contacts par lead", "contacts sortants et appels entrants décrochés dans la fenêtre ÷ leads de la cohorte"),
        en=("Touches per lead", "outbound touches and answered inbound calls in the window ÷ leads of the cohort"),
        numerator=13805, denominator=3287, is_cohort=True),
    kpi("ttf_hours", "hours", 1, "down", "5.4", *["8.1", "7.9", "7.4", "7.2", "7.7", "6.9", "6.8", "6.6", "6.1", "6.3", "5.9", "6.0"],
        fr=("TTF médian", "médiane des heures entre création et premier contact effectif, leads contactés"),
        en=("Median time to first contact", "median hours from creation to first effective contact, contacted leads"),
        denominator=2907, trust="caution", trust_rule_ids=("R-CRM-014",)),
    kpi("contacted_24h_rate", "rate", 1, "up", "0.7421", *["0.69", "0.70", "0.688", "0.71", "0.702", "0.72", "0.715", "0.731", "0.74", "0.735", "0.748", "0.751"],
        fr=("Suivi sous 24 h", "leads contactés sous 24 h ÷ leads de plus de 24 h"),
        en=("Contacted within 24 h", "leads contacted within 24 h ÷ leads older than 24 h"), numerator=2480, denominator=3342),
    kpi("complaint_rate", "rate", 3, "down", "0.00231", *["0.0011", "0.0012", "0.0009", "0.0014", "0.0013", "0.0012", "0.0015", "0.0011", "0.0016", "0.0014", "0.0018", "0.0017"],
        fr=("Taux de plaintes", "plaintes ÷ e-mails délivrés"), en=("Complaint rate", "complaints ÷ delivered mails"),
        numerator=93, denominator=40250, bar=D("0.002"), trust="caution", trust_rule_ids=("R-EML-004", "R-FCT-006", "R-X")),
    kpi("win_rate_close", "rate", 1, "up", "0.2714", *["0.25", "0.26", "0.24", "0.27", "0.28", "0.26", "0.25", "0.27", "0.29", "0.28", "0.27", "0.281"],
        fr=("Taux de closing", "opportunités gagnées ÷ opportunités closes dans le mois"),
        en=("Win rate by close date", "won ÷ closed opportunities of the month"), numerator=57, denominator=210),
    kpi("sales_cycle_days", "days", 0, "down", "47", *["51", "50", "52", "49", "50", "48", "49", "47", "48", "46", "47", "46"],
        fr=("Durée du cycle", "médiane des jours entre ouverture et gain"), en=("Sales cycle", "median days from opening to winning"),
        denominator=57),
    kpi("revenue_total", "money", 0, "up", "1284310.55", *["990000", "1010200", "1034000", "1002000", "1090100", "1120000", "1088000", "1101000", "1150400", "1189000", "1204000", "1246000"],
        fr=("Revenu total", "lignes de facture nettes d'avoirs, hors TVA, au taux du mois"),
        en=("Total revenue", "invoice lines net of credit notes, ex VAT, at the month's rate"), minimum_n=0),
    kpi("revenue_new_business", "money", 0, "up", "214300", *["120000", "131000", "140100", "118000", "160000", "150200", "149000", "171000", "160500", "188000", "190100", "201000"],
        fr=("Nouvelles affaires", "revenu des groupes sans revenu dans les 12 mois précédents"),
        en=("New-business revenue", "revenue of groups with none in the 12 months before"), minimum_n=0, caveat_code="history_under_12_months"),
    kpi("mrr", "money", 0, "up", "402150", *["351000", "355000", "358200", "360100", "366000", "371000", "374400", "379000", "383000", "388100", "391000", "396300"],
        fr=("MRR", "montants récurrents actifs ÷ mois de facturation, en fin de mois"),
        en=("MRR", "active recurring amounts ÷ billing months, at month end"), minimum_n=0),
)


def segment(dimension, code, n, cr, touches, ttf, contacted) -> Segment:
    many = D(n)
    return Segment(
        dimension, code, n,
        Measure(D(cr) if cr else None, None if not cr else D(round(float(cr) * n)), many, None if cr else "cohort_immature"),
        Measure(D(touches), None, many), Measure(D(ttf), None, many), Measure(D(contacted), None, many),
        TOUCH_LINES.get(code),
    )


def touch_line(r, colour, *reasons, n=6_100) -> TouchLine:
    bounds = (D(r), D(r) - D("0.03"), D(r) + D("0.03")) if r else (None,) * 3
    return TouchLine(n, *bounds, None if r else "zero_variance_y", colour, reasons, 5)


TOUCH_LINES = {
    "all": touch_line("0.21", "amber", "r_below_green_bar", "no_experiment", "heterogeneous_segments"),
    "smb": touch_line("0.28", "amber", "no_experiment"),
    "mid": touch_line("0.04", "red", "r_below_amber_bar"),
    "enterprise": touch_line("0.31", "amber", "no_experiment"),
    "unknown": touch_line(None, "grey", "too_few_units", n=26),
}

CHECKS = LineChecks(
    slope=D("0.0212"),
    adjusted=Estimate(D("0.0134"), D("0.0071"), D("0.0197")),
    covariates=("first_contact", "score", "segment", "seller", "source"),
    robustness=D("0.0871"),
    benchmark_code="seller",
    benchmark_slope=D("0.0052"),
    is_cancelled=False,
    marginal=Estimate(D("0.0208"), D("0.0141"), D("0.0275")),
    hazard=Estimate(D("0.94"), D("0.91"), D("0.97")),
    form_code="linear",
    form=Estimate(D("0.835")),
)
AUDIT = AuditInputs(
    run=RUN,
    verdict=QUALITY.verdict,
    kpis=KPIS,
    segments=(
        segment("size_band", "smb", 1_840, "0.131", "3.9", "4.8", "0.771"),
        segment("size_band", "mid", 980, "0.108", "4.4", "5.6", "0.742"),
        segment("size_band", "enterprise", 441, "0.091", "5.1", "7.9", "0.668"),
        segment("size_band", "unknown", 26, "0.077", "2.8", "9.1", "0.54"),
        segment("channel", "inbound", 2_104, "0.142", "4.1", "3.1", "0.83"),
        segment("channel", "outbound", 1_012, "0.071", "4.6", "12.4", "0.58"),
        segment("channel", "partner", 171, "", "3.2", "8.8", "0.69"),
    ),
    segment_period="2026-05",
    line=TOUCH_LINES["all"],
    checks=CHECKS,
    bridge=MrrBridge("2026-06", D(396_300), D(9_120), D(1_240), D(4_310), D(-2_900), D(-5_920), D(402_150)),
    revenue=tuple(
        RevenueMonth(month, total, KPIS[9].history[i][1]) for i, (month, total) in enumerate(KPIS[8].history)
    ),
    complaints=tuple(
        ComplaintWeek(date(2026, 4, 6) + timedelta(weeks=i), n, 9_900, D(n) / 9_900 if n is not None else None, n > 19, D("0.002"))
        for i, n in enumerate((12, 14, 9, 15, 13, 22, 16, 18, 11, 17, 21, 19, 24))
    ),
    stages=(
        StageStep("prospecting", 2_210, 1_480, D("0.6697"), "strength", D("0.0812"), date(2026, 5, 1)),
        StageStep("qualification", 1_480, 1_102, D("0.7446"), "weakness", D("-0.0647"), date(2026, 5, 1)),
        StageStep("meeting", 1_102, 790, D("0.7169"), "as_usual", D("0.0031"), date(2026, 5, 1)),
        StageStep("proposal", 790, 522, D("0.6608"), "too_few", None, date(2026, 5, 1)),
        StageStep("negotiation", 522, 388, D("0.7433")),
        StageStep("won", 388, 0, None),
    ),
    n_rows_in=sum(a.records_in for a in ACCOUNTS),
    n_rows_kept=sum(a.kept_as_own for a in ACCOUNTS),
    n_rows_set_aside=sum(a.quarantined + a.excluded for a in ACCOUNTS),
    n_rows_repeated=sum(a.exact_duplicate + a.superseded for a in ACCOUNTS),
    n_rows_merged=sum(a.merged or 0 for a in ACCOUNTS),
    last_delivery_on=date(2026, 6, 30),
)

HELD_AUDIT = AuditInputs(
    run=replace(RUN, publication_id=None),
    verdict=replace(
        HELD_QUALITY.verdict,
        reasons_fr=("R-CRM-001 : 12 lignes sur 41 208 ne passent pas.",),
        reasons_en=("R-CRM-001: 12 of 41,208 rows do not pass.",),
    ),
)
EMPTY_AUDIT = AuditInputs(run=RUN, verdict=Verdict("publish"))

# Every kind of tile and panel without a value, and the other branches of a page.
SPARSE_AUDIT = replace(
    AUDIT,
    kpis=(
        replace(KPIS[1], measure=Measure(None, D(0), D(0), "cohort_immature"), history=(), trust="not_assessed"),
        replace(KPIS[6], measure=Measure(D("0.5"), D(2), D(4)), trust="unreliable", trust_rule_ids=("crm/orphan_crm_opportunity_owner_id",)),
        replace(KPIS[5], measure=Measure(D("0.001"), D(40), D(40_000))),
        replace(KPIS[2], measure=Measure(None), history=()),
    ),
    segments=(),
    bridge=None,
    revenue=(),
    complaints=(),
    stages=(),
    checks=replace(
        CHECKS, is_cancelled=True, marginal=Estimate(None, reason_code="separated"), form_code=None,
        form=Estimate(None, reason_code="fewer_than_4_counts"),
    ),
)
CLEAN_QUALITY = replace(
    QUALITY, verdict=Verdict("publish"), rules=RULES[2:3], merges=(), entities=(), decisions=(), balances=(), samples=(),
    impacts=IMPACTS[-1:], moves=(), segment_moves=(), n_segments_moved=0, work=(replace(WORK[1], n_open=0, items=()),), history=history(1), reconciliation=RECONCILIATION[:1],
    compliance=Compliance((ComplianceCount("outside_hours", "voice", "2026-06", 12_040, 0),)), waivers=(),
)
# The other sentences of each section: many reasons and decisions, trends that level or improve, nothing to judge.
BUSY_QUALITY = replace(
    QUALITY,
    verdict=Verdict("hold", reasons_fr=tuple(f"Raison {i}." for i in range(12)), reasons_en=tuple(f"Reason {i}." for i in range(12))),
    rules=tuple(replace(RULES[1], rule_id=f"R-CRM-{i:03}") for i in range(100, 130)) + RULES,
    decisions=tuple(CleaningDecision(f"reason_{i}", "correct", i, f"table_{j}") for i in range(1, 20) for j in range(6)),
    accounts=(replace(ACCOUNTS[0], suppressed=5, kept=ACCOUNTS[0].kept - 5), *ACCOUNTS[1:]),
    history=History(tuple(replace(point, n_fail=0, n_warn=0) for point in history(3).dimensions), history(3).sources),
    compliance=Compliance((ComplianceCount("cool_down", "voice", "", 0, 0),)),
    reconciliation=(),
)
SAME_QUALITY = replace(
    QUALITY,
    impacts=None,
    moves=None,
    segment_moves=(),
    n_segments_moved=0,
    n_decisions_to_measure=49,
    former_accounts=tuple(
        FormerAccount("2026-05-99aa88bb77cc", "2026-05", a.source_instance, a.contract, a.records_in, a.kept, a.quarantined, a.excluded,
                      a.exact_duplicate, a.superseded, a.suppressed) for a in ACCOUNTS
    ),
)
BETTER_QUALITY = replace(
    QUALITY, history=History(tuple(p for p in history(12).dimensions if p.sequence < 7), ()), former_accounts=(),
)


def with_every_text(value, text: str):
    """The same inputs with `text` in place of every string field, at any depth, but for codes a page branches on."""
    branching = {"code", "severity", "status", "disposition", "unit", "better", "trust", "dimension", "cycle", "period", "segment_period",
                 "kind", "switch_kind", "actor", "window", "scope"}
    if isinstance(value, tuple):
        return tuple(with_every_text(item, text) for item in value)
    if is_dataclass(value):
        changed = {}
        for each in fields(value):
            item = getattr(value, each.name)
            if isinstance(item, str):
                keep = (each.name in branching and not isinstance(value, Segment)) or each.name == "dimension"
                changed[each.name] = item if keep else text
            elif each.name == "history":
                changed[each.name] = item
            else:
                changed[each.name] = with_every_text(item, text)
        return replace(value, **changed)
    return text if isinstance(value, str) else value


ALL_QUALITY = (QUALITY, HELD_QUALITY, EMPTY_QUALITY, CLEAN_QUALITY, BUSY_QUALITY, BETTER_QUALITY, SAME_QUALITY)
ALL_AUDIT = (AUDIT, HELD_AUDIT, EMPTY_AUDIT, SPARSE_AUDIT)


def definition(name, label_fr, label_en, *, kind="simple", parts=None, **meta):
    """A metric as its YAML has it."""
    common = {"label_fr": label_fr, "label_en": label_en, "definition_fr": f"{label_fr} de la période.", "definition_en": f"{label_en} of the period.",
              "formula": "count of golden leads", "grain": "golden lead", "anchor": "created_on", "unit": "count", "better": "up", "minimum_n": 0,
              "owner": "revops", "version": 1, "published": True, "edge_rules": ["Tests are left out.", "A lead without a creation date belongs to no month."]}
    return {"name": name, "original_file_path": f"models/metrics/metrics_{'finance' if meta.get('owner') == 'finance' else 'sales'}.yml", "label": label_fr, "description": label_en, "type": kind, "type_params": parts or {}, "config": {"meta": common | meta}}


EXAMPLE = {"period_month": "2026-05-01", "segment_kind_code": "all", "segment_code": "all", "value": "0.2", "text": "One of five leads."}
METRICS = {each.name: each for each in metrics_of([
    definition("leads_new", "Volume de leads", "New leads", cuts={"channel": "lead__channel_code"}, filters=["Tests are left out."]),
    definition("leads_converted", "Leads convertis", "Converted leads", published=False, half_of="cr"),
    definition("cr", "Taux de conversion", "Conversion rate", kind="ratio", unit="rate", minimum_n=30, formula="leads_converted / leads_new",
               parts={"numerator": {"name": "leads_converted"}, "denominator": "leads_new"}, worked_example=EXAMPLE),
    definition("churned", "Comptes perdus", "Accounts lost", better="down", owner="finance"),
    definition("revenue_total", "Chiffre d'affaires", "Revenue", unit="money", currency="reporting_currency", better="none", owner="finance"),
])}
ABSENT = {"rep_attrition": Unavailable("rep_attrition", "Départs de commerciaux", "Rep attrition", "Il faut un extrait du personnel.", "An extract of the staff is needed.")}
