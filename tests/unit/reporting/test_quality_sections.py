"""Each section of the data-quality report says what its figures are, to the row, the point and the cent."""

import re
from dataclasses import replace
from decimal import Decimal
from xml.etree import ElementTree

import planted_reports as planted
import pytest
import yaml

from expectations.catalogue import load_catalogue
from expectations.owners import owner_names
from expectations.structure import OWNER
from expectations.wording import worded
from orchestration.reporting import drawing
from orchestration.reporting.figures import Verdict
from orchestration.reporting.formatting import Formats
from orchestration.reporting.history_inputs import SEGMENT_KINDS
from orchestration.reporting.privacy import shape
from orchestration.reporting.quality_figures import ComplianceCount
from orchestration.reporting.quality_page import SECTIONS
from orchestration.reporting.render import render_data_quality
from orchestration.reporting.sections.accounts import changes
from orchestration.reporting.sections.compliance import check_lines
from orchestration.reporting.sections.impact import metric_impacts
from orchestration.reporting.sections.reconciliation import reconciled
from orchestration.reporting.sections.trends import publications
from orchestration.reporting.sections.verdict import order_rules, verdict_banner
from orchestration.reporting.sections.worklist import at_stake
from orchestration.reporting.wording import Wording
from orchestration.reporting.wording import load_catalogue as load_words
from orchestration.worklists.building import OWNERS_FILE

D = Decimal
T, F = Wording("en"), Formats("en")


def section(inputs, name: str, language: str = "en") -> str:
    """One section as text, its cells apart."""
    page = render_data_quality(inputs, language)
    found = re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)
    assert found, name
    text = re.sub(r"<[^>]+>", " ", found[0])
    return re.sub(r"\s+", " ", text).replace("&#39;", "'").replace("&lt;", "<")


def cells(inputs, name: str, caption: str) -> list[list[str]]:
    """Rows of the table under a caption, texts of their cells."""
    page = render_data_quality(inputs, "en")
    part = page[page.index(f'<section id="{name}"') :]
    table = next(each for each in re.findall(r"<table.*?</table>", part, re.DOTALL) if f">{caption}" in each)
    rows = re.findall(r"<tr.*?</tr>", table[table.index("</thead>") :], re.DOTALL)
    return [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)]
        for row in rows
    ]


def number(text: str) -> Decimal:
    return D(re.sub(r"[^\d.−]", "", text).replace("−", "-"))


def test_the_page_has_ten_sections_in_their_order():
    page = render_data_quality(planted.QUALITY, "en")
    assert re.findall(r'<section id="(\w+)"', page) == list(SECTIONS)
    assert len(SECTIONS) == 10


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_section_begins_with_a_sentence(language):
    for inputs in planted.ALL_QUALITY:
        page = render_data_quality(inputs, language)
        assert len(re.findall(r'<p class="lead">[^<\s][^<]{15,}[.!]</p>', page)) == 9


def test_checks_are_counted_by_state_and_those_that_flag_rows_are_listed():
    rows = cells(planted.QUALITY, "verdict", "Checks of this run by state")
    assert rows == [
        ["Rules", "0", "2", "1", "1", "8"],
        ["Tests of the models", "0", "0", "0", "0", "1"],
        ["Controls of deliveries", "1", "2", "1", "1", "1"],
    ]
    text = section(planted.QUALITY, "verdict")
    assert text.index("R-CRM-014") < text.index("R-FCT-006") < text.index("R-EML-004")
    assert "R-ERP-009" not in text and "R-TEL-002" not in text


def test_a_run_without_checks_says_so_and_counts_no_zero():
    text = section(planted.EMPTY_QUALITY, "verdict")
    assert "No check was made: nothing is known to be right." in text
    assert " 0 " not in text


def test_a_long_list_of_checks_is_cut_with_its_count_and_the_command():
    assert "10 of 33 shown. etalon check" in section(planted.BUSY_QUALITY, "verdict")


def test_a_waiver_is_shown_until_it_dies_and_as_expired_after():
    text = section(planted.QUALITY, "verdict")
    assert "expired on 31\u00a0May\u00a02026".replace("\u00a0", " ") in text.replace("\u00a0", " ")
    assert "until 30 September 2026" in text.replace("\u00a0", " ")


def test_the_change_by_source_is_this_run_minus_the_last_publication():
    found = {change.source_instance: change.differences for change in changes(planted.QUALITY)}
    crm = [account for account in planted.ACCOUNTS if account.source_instance == "crm"]
    former = next(each for each in planted.FORMER if each.source_instance == "crm")
    assert found["crm"][0] == sum(each.records_in for each in crm) - former.records_in
    assert found["crm"][5] == sum(each.quarantined for each in crm) - former.quarantined
    assert found["old"][0] == -100, "a source that no longer delivers"
    assert found["pbx"][0] == 310_550, "a source that is new"


def test_a_publication_with_the_same_counts_is_no_table_of_zeros():
    assert changes(planted.SAME_QUALITY) == []
    assert "No count differs from the publication of" in section(planted.SAME_QUALITY, "accounts")


def test_the_totals_of_the_account_are_the_sums_of_its_rows():
    rows = cells(planted.QUALITY, "accounts", "Account of records by source")
    total = [number(cell) for cell in rows[-1][1:]]
    columns = zip(
        *([number(cell) if cell != "–" else D(0) for cell in row[1:]] for row in rows[:-1]), strict=True
    )
    assert total == [sum(column) for column in columns]


def bands(svg: str) -> list[tuple[str, float]]:
    root = ElementTree.fromstring(svg)
    return [
        (path[0].text, float(re.search(r"stroke-width:([\d.]+)", path.get("style"))[1]))
        for path in root.iter("path")
    ]


def test_a_flow_is_as_thick_as_its_records_and_never_too_thin_to_see():
    nodes = [drawing.Node("a", "900"), drawing.Node("b", "100")]
    fates = [drawing.Node("kept", "995", "kept"), drawing.Node("out", "5", "excluded")]
    links = [
        drawing.Flow(0, 0, 900, "a kept"), drawing.Flow(0, 1, 0, "a out"),
        drawing.Flow(1, 0, 95, "b kept"), drawing.Flow(1, 1, 5, "b out"),
    ]  # fmt: skip
    thick = dict(bands(drawing.flows(nodes, fates, links, title="t", name="n")))
    assert set(thick) == {"a kept", "b kept", "b out"}, "nothing is drawn for nothing"
    assert thick["a kept"] / thick["b kept"] == pytest.approx(900 / 95, rel=0.01)
    assert thick["b out"] == 2


def test_effects_are_in_points_and_money_the_largest_first_and_roundings_left_out():
    found = {each.label: each for each in metric_impacts(planted.IMPACTS, "EUR", T, F)}
    rate = found["Conversion rate"]
    assert [(line.label, line.effect) for line in rate.lines] == [
        ("A test record.", "+0.62\u00a0pp"),
        ("Same e-mail address", "+0.35\u00a0pp"),
        ("Can addresses be read?", "+0.03\u00a0pp"),
    ]
    assert (rate.n_more, rate.n_unmoved) == (4, 1)
    (credit,) = found["Total revenue"].lines
    assert (credit.without, credit.effect) == ("€1,291,810.50", "\u2212€7,499.95")
    assert "MRR" not in found, "no decision moves it"
    assert found["Median time to first contact"].lines[0].without == "–"


def test_the_lead_names_the_decision_that_moves_a_kpi_most():
    text = section(planted.QUALITY, "impact")
    assert "Conversion rate is 11.84%; it would be 11.22% if “A test record” were switched off" in text


def test_what_was_not_measured_says_what_measuring_costs():
    text = section(planted.SAME_QUALITY, "impact")
    assert "49 decisions, one partial run for each, so about 49 partial runs." in text
    assert "etalon impact --all" in text


@pytest.mark.parametrize(
    ("n", "said"), [(37, "; plus 37 unreadable lines."), (1, "; plus 1 unreadable line."), (0, " set aside.")]
)
def test_lines_that_are_no_record_stand_beside_the_records(n, said):
    first = replace(planted.LINES[0], quarantined_lines=n)
    text = section(replace(planted.QUALITY, lines=(first,)), "accounts")
    assert said in text
    assert f"Unreadable lines {n} " in text


def test_a_rule_with_more_rows_at_fault_comes_before_one_with_a_larger_share():
    one, many = (
        replace(planted.RULES[1], rule_id=f"R-CRM-{i}", n_evaluated=n, n_failed=f)
        for i, n, f in ((901, 2, 1), (902, 9000, 40))
    )
    grave = replace(one, rule_id="R-CRM-903", severity="critical")
    assert [each.rule_id for each in order_rules((one, many, grave))] == [
        "R-CRM-903",
        "R-CRM-902",
        "R-CRM-901",
    ]


def test_a_published_cycle_says_what_to_work_on_and_an_unpublished_one_how_to_publish():
    done = replace(planted.RUN, publication_id="2026-06-0a1b2c3d4e5f")
    for code, first in (
        ("publish", "etalon worklist list"),
        ("publish_with_warnings", "etalon worklist list"),
    ):
        commands = verdict_banner(Verdict(code), done, T, F)["commands"]
        assert commands[0] == first and "etalon check" not in commands
        waiting = verdict_banner(Verdict(code), replace(done, publication_id=None), T, F)
        assert waiting["commands"] == ["etalon publish", *commands]
    assert verdict_banner(Verdict("hold"), done, T, F)["commands"] == ["etalon check"]


@pytest.mark.parametrize(("language", "name"), [("fr", "Téléphonie"), ("en", "Telephony")])
def test_owners_have_names_and_only_commands_their_codes(language, name):
    rules = tuple(replace(rule, owner="telephony") for rule in planted.RULES)
    work = (replace(planted.WORK[0], owner="telephony"),)
    inputs = replace(planted.QUALITY, rules=rules, work=work)
    for part in ("verdict", "worklist", "annex"):
        text = section(inputs, part, language)
        assert name in text
        assert "telephony" not in re.sub(r"telephony_call_leg|--owner telephony", "", text)


def test_every_owner_of_the_rules_has_a_name_in_both_languages():
    owners = {rule.owner for rule in load_catalogue().rules} | {OWNER}
    owners |= set(yaml.safe_load(OWNERS_FILE.read_text(encoding="utf-8")).values())
    assert owners <= set(owner_names()), owners - set(owner_names())
    assert all(set(names) == {"fr", "en"} for names in owner_names().values())


def test_an_amount_without_a_known_currency_has_no_unit():
    causes = tuple(replace(each, currency="unknown", is_converted=False) for each in planted.RECONCILIATION)
    for language in ("fr", "en"):
        text = section(replace(planted.QUALITY, reconciliation=causes), "reconciliation", language)
        assert not re.search(r"\d.unknown", text) and "En unknown" not in text


@pytest.mark.parametrize(
    ("value", "unit", "fr", "en"),
    [
        ("1.00", "leads", "1 lead", "1 lead"),
        ("1", "records", "1 fiche", "1 record"),
        ("3", "records", "3 fiches", "3 records"),
        ("1", "touches", "1 contact", "1 touch"),
        ("49", "touches", "49 contacts", "49 touches"),
        ("12.5", "EUR", "13 €", "€13"),
    ],
)
def test_what_is_at_stake_is_counted_in_the_language(value, unit, fr, en):
    said = {
        language: at_stake(D(value), unit, Wording(language), Formats(language)) for language in ("fr", "en")
    }
    assert {key: text.replace("\u00a0", " ") for key, text in said.items()} == {"fr": fr, "en": en}


def test_what_to_fix_is_told_by_owner_with_what_is_left_out():
    text = section(planted.QUALITY, "worklist")
    assert "1,205 records to fix; fixed this month: 120. The largest share is for sales_ops: 1,204." in text
    assert "3 of 1,204 shown." in text and "etalon worklist list --owner sales_ops" in text
    assert "€1,204,311, 812 touches" in text.replace("\u00a0", " ")


def test_decisions_say_who_and_when():
    rows = cells(planted.QUALITY, "decisions", "Decisions by reason")
    who = {row[0].split(" <")[0]: (row[3], row[4]) for row in rows}
    assert who["A line repaired by a person. line_repaired"] == ("Person", "2026-06-28")
    assert who["A steward set the value. steward_override"] == ("Rule and person", "2026-07-01")
    assert who["dst_ambiguous"] == ("Rule", "2026-07-01")
    assert "4 rarer reasons are not shown." in section(planted.BUSY_QUALITY, "decisions")


def test_merges_that_were_undone_and_questions_without_an_answer_are_counted():
    text = section(planted.QUALITY, "merges")
    assert (
        "Records that joined another one on evidence: 3,121. Questions that wait for a steward: 59, of which"
        in text
    )
    assert "Merges undone: 2." in text
    both = [section(planted.QUALITY, each) for each in ("accounts", "merges")]
    assert "3,121 merged" in both[0], "one number of merged records"
    assert "The number of merged records counts each record once, as section 2 does" in both[1]


def test_small_multiples_share_one_scale_and_the_table_says_the_same():
    page = section(planted.QUALITY, "trends")
    assert page.count("30%") == 1 + 8, "the note and each of the eight drawings"
    rows = cells(planted.QUALITY, "trends", "Checks at fault by dimension")
    assert len(rows) == 12
    assert rows[0][1:] == ["0 / 20 (0)", "4 / 21 (1)", "0 / 22 (2)", "4 / 20 (0)",
                           "0 / 21 (1)", "–", "0 / 20 (0)", "4 / 21 (1)"]  # fmt: skip
    assert "5 checks at fault in June 2026, 4 in the publication before: worse." in page.replace(
        "\u00a0", " "
    )


def test_a_column_is_as_high_as_its_share_in_every_multiple():
    def heights(top: str) -> list[float]:
        values = [
            drawing.Column("a", D("0.1")),
            drawing.Column("b", D("0.05"), D("0.05")),
            drawing.Column("c", None),
        ]
        svg = drawing.columns(values, D(top), top_label="x", title="t", name="n", slots=12)
        return [float(box.get("height")) for box in ElementTree.fromstring(svg).iter("rect")]

    assert heights("0.1") == [82.0, 41.0, 41.0]
    assert heights("0.2") == [41.0, 20.5, 20.5]


def test_a_publication_without_a_figure_is_a_gap_not_a_zero():
    assert [each.sequence for each in publications(planted.history(3).sources)] == [1, 2, 3]
    assert "–" in [
        cell for row in cells(planted.QUALITY, "trends", "Records set aside by source") for cell in row
    ]


def test_a_check_of_contacts_that_was_not_made_is_never_a_zero():
    lines = {line.check_code: line for line in check_lines(planted.COMPLIANCE.counts, "2026-06")}
    assert lines["cool_down"].status == "not_assessed" and lines["cool_down"].before == 2
    assert lines["after_opt_out"].status == "fail" and lines["after_opt_out"].before == 31
    assert lines["outside_hours"].status == "pass"
    assert lines["retention_due_30"].status == "due"
    text = section(planted.QUALITY, "compliance")
    assert text.startswith(" 8 Contacts against the rules of contact 12 breaches in")
    assert "2 checks were not assessed, which is no pass." in text
    nothing = replace(
        planted.QUALITY.compliance, counts=(ComplianceCount("cool_down", "voice", "2026-06", 0, 0, 9),)
    )
    assert "that is no pass" in section(replace(planted.QUALITY, compliance=nothing), "compliance")


def test_the_causes_of_a_currency_sum_to_its_difference_to_the_cent():
    rows = cells(planted.QUALITY, "reconciliation", "Amounts by cause, EUR<")
    amounts = [[number(cell) for cell in row[3:6]] for row in rows]
    assert amounts[-1] == [sum(column) for column in zip(*amounts[:-1], strict=True)]
    assert amounts[-1] == [D("883400.10"), D("960001.18"), D("-76601.08")]
    assert rows[0][0] == "One-off, without an earlier deal"
    eur = reconciled(planted.RECONCILIATION, "2026-06", "EUR", T, F)
    assert [(each.currency, each.residual) for each in eur] == [
        ("EUR", 0),
        ("EUR", 0),
        ("USD", 0),
        ("unknown", 0),
    ]


def test_deals_and_lines_without_a_rate_are_named_once():
    told = "Without an exchange rate, left out of the converted amounts: opportunities 1, invoice lines 3."
    assert section(planted.QUALITY, "reconciliation").count(told) == 1
    rated = tuple(each for each in planted.RECONCILIATION if not each.is_converted)
    assert told[:24] not in section(replace(planted.QUALITY, reconciliation=rated), "reconciliation")


def test_without_one_of_the_two_sources_the_reconciliation_is_not_assessed():
    text = section(replace(planted.QUALITY, reconciliation=()), "reconciliation")
    assert "Not assessed" in text and "invoiced 0" not in text and "cause" not in text


def test_a_difference_that_no_cause_explains_is_shown():
    wrong = (replace(planted.RECONCILIATION[-1], difference=D("0.01")),)
    (found,) = reconciled(wrong, "2026-06", "EUR", T, F)
    assert found.residual == D("-0.01")
    page = render_data_quality(replace(planted.QUALITY, reconciliation=wrong), "en")
    assert re.search(r'light fail"><span[^>]*>✕</span>−\$0\.01', page)


def test_the_waterfall_leads_from_one_total_to_the_other():
    steps = [
        drawing.Step("CRM", D(100), "100", True),
        drawing.Step("x", D(-30), "−30"),
        drawing.Step("y", D(10), "+10"),
        drawing.Step("ERP", D(80), "80", True),
    ]
    boxes = list(ElementTree.fromstring(drawing.waterfall(steps, title="t", name="n")).iter("rect"))
    edges = [(float(box.get("x")), float(box.get("x")) + float(box.get("width"))) for box in boxes]
    assert edges[1][1] == pytest.approx(edges[0][1]), "the first movement starts where the total ends"
    assert edges[2][0] == pytest.approx(edges[1][0])
    assert edges[2][1] == pytest.approx(edges[3][1]), "the last one ends at the other total"
    assert "fill:var(--surface)" in boxes[1].get("style"), "a fall is hollow"


def test_every_check_stands_in_the_annex():
    text = section(planted.QUALITY, "annex")
    assert all((rule.rule_id in text) == (rule.origin == "catalogue") for rule in planted.RULES)
    assert "1 test of a model passes, on 1 table." in text
    failing = tuple(replace(rule, status="fail") if rule.origin == "dbt" else rule for rule in planted.RULES)
    assert "D-unique_lead_id" in section(replace(planted.QUALITY, rules=failing), "annex")
    assert "12 checks by rule, 1 tests of the models, 6 controls of deliveries and 6 files read." in text
    assert planted.FILES[0].file_sha256 in text
    dimensions = {
        row[0]: row[1:]
        for row in cells(planted.QUALITY, "annex", "Rules and tests of the models by dimension")
    }
    assert dimensions["Completeness"] == ["0", "0", "1", "1", "0"]
    assert sum(int(n) for counts in dimensions.values() for n in counts) == len(planted.RULES)


def test_why_a_check_was_not_assessed_is_told_in_the_language_of_the_page():
    told = worded("few_rows", n_evaluated=2, min_rows=20)
    rules = tuple(replace(rule, **told) if rule.rule_id == "R-ERP-009" else rule for rule in planted.RULES)
    french, english = (section(replace(planted.QUALITY, rules=rules), "annex", each) for each in ("fr", "en"))
    assert "il en faut au moins 20" in french and "at least 20 needed" not in french
    assert "at least 20 needed" in english and "il en faut au moins 20" not in english


def test_the_shape_of_a_value_names_nobody():
    assert shape("Jane.Doé 12 €") == "xxxx.xxx 00 €"
    assert shape("12 rue", keep_digits=True) == "12 xxx"
    assert shape("x" * 100) == "x" * 60 + "…"


def test_a_past_figure_that_moved_is_told_with_its_causes_and_what_they_add_up_to():
    text = section(planted.QUALITY, "trends")
    assert "14 figures of past months differ from publication 2026-05-0123456789ab" in text
    assert "€1,000.00 → €955.00" in text and text.count("−€5.00") == 9
    assert "2 more figures are not shown" in text
    assert text.index("Exchange rate changed") < text.index("New data, what happened since")
    assert "No figure of a past month differs" in section(replace(planted.QUALITY, moves=()), "trends")
    assert "with the publication" in section(replace(planted.QUALITY, moves=None), "trends")
    french = section(planted.QUALITY, "trends", "fr")
    assert "14 chiffres de mois passés diffèrent" in french and "Taux de change modifié" in french


def test_the_segments_that_moved_most_stand_under_the_figures_with_their_cause():
    text = section(planted.QUALITY, "trends")
    assert "Company size: SMB" in text and "Left for another segment: Records known before, corrected" in text
    assert "€20.00 → €65.00" in text and "Came from another segment: Golden records merged" in text
    assert "Channel: core" in text and "10.00% → 20.00%" in text
    assert f"{41 - len(planted.SEGMENT_MOVES)} more figures are not shown" in text
    french = section(planted.QUALITY, "trends", "fr")
    assert "Les segments qui ont le plus bougé" in french and "Parties vers un autre segment" in french
    alone = section(replace(planted.QUALITY, moves=()), "trends")  # migrations move no whole
    assert "No figure of a past month differs" in alone and "Company size: SMB" in alone
    assert "Segments that moved most" not in section(replace(planted.QUALITY, segment_moves=()), "trends")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_kind_of_segments_of_the_report_has_a_name_and_no_other_has(language):
    prefix = "quality.moves.kind."
    named = {key.removeprefix(prefix) for key in load_words(language) if key.startswith(prefix)}
    assert named == set(SEGMENT_KINDS)
