"""Golden values, where they come from, and what goes to review."""

import hashlib

import planted_survivors as company
import pytest
import survivors_by_hand
from planted import golden_id


def rows(con, sql):
    return con.execute(sql).fetchall()


@pytest.fixture(scope="module")
def expected():
    return survivors_by_hand.expected()


@pytest.fixture(scope="module")
def lineage(survivors):
    """(golden id, attribute) -> its row of golden_values."""
    found = rows(
        survivors,
        "select golden_id, attribute, value, record_key, criterion, n_records, n_alternatives"
        " from master.golden_values where attribute <> 'size_band_code'",
    )
    assert len(found) == len({row[:2] for row in found})
    return {row[:2]: survivors_by_hand.Cell(*row[2:]) for row in found}


def dims(con):
    """(golden id, column) -> text of every cell that has a value, ids and counts left out."""
    found = {}
    for table, key in (("dim_accounts", "account_id"), ("dim_persons", "person_id")):
        cursor = con.execute(
            f"select * exclude (n_source_records) from master.{table} where {key} <> 'unknown'"
        )
        names = [column[0] for column in cursor.description]
        for row in cursor.fetchall():
            cells = dict(zip(names, row, strict=True))
            golden = cells.pop(key)
            for name, value in cells.items():
                if value is not None and value != "unknown" and name != "group_id":
                    found[golden, name] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


@pytest.mark.audit("MD1")
def test_every_golden_value_is_what_the_rules_give_by_hand(lineage, expected):
    wrong = {key: (lineage.get(key), cell) for key, cell in expected.items() if lineage.get(key) != cell}
    assert not wrong, f"{len(wrong)} of {len(expected)}, e.g. {next(iter(wrong.items()))}"
    assert set(lineage) == set(expected)
    decided_by = {cell.criterion for cell in expected.values()}
    assert decided_by == {
        "override", "validity", "source_priority", "agreement", "recency", "completeness", "any_true",
        "record_key", "only_value", "earliest", "derived",
    }  # fmt: skip


def test_every_cell_of_the_golden_records_has_its_value_in_the_lineage(survivors):
    said = {
        (golden, name): value
        for golden, name, value in rows(
            survivors, "select golden_id, attribute, value from master.golden_values"
        )
    }
    cells = dims(survivors)
    assert len(cells) > 1500
    assert cells == said


@pytest.mark.audit("MD6")
def test_every_lineage_row_points_at_a_record_of_the_golden_one_that_holds_the_value(survivors, lineage):
    found = survivors_by_hand.records()
    held = {("acc", key): values for key, _, values, _ in found["account"]}
    held |= {("per", key): values for key, _, values, _ in found["person"]}
    members = set(rows(survivors, "select account_id, record_key from master.xref_accounts"))
    members |= set(rows(survivors, "select person_id, record_key from master.xref_persons"))
    for (golden, attribute), cell in lineage.items():
        assert (golden, cell.record_key) in members
        if cell.criterion not in ("override", "derived"):
            assert held[golden[:3], cell.record_key][attribute] == cell.value, (golden, attribute)


def test_alternatives_are_the_other_values_with_all_their_sources(survivors, lineage):
    found = rows(
        survivors,
        "select golden_id, attribute, value, sources, lost_by, alternative_rank from master.golden_alternatives"
        " order by all",
    )
    torn = golden_id("acc", "crm/crm_account/torn1")
    assert [row[1:] for row in found if row[0] == torn] == [
        ("country_code", "BE", "crm/crm_account", "recency", 1),
        ("employee_count", "50", "crm/crm_account", "recency", 1),
        ("owner_rep_id", "crm/crm_user/u2", "crm/crm_account", "recency", 1),
        ("registration_number", "732829320", "crm/crm_account", "recency", 1),
        ("vat_number", "FR44732829320", "crm/crm_account", "recency", 1),
    ]
    counted: dict = {}
    for golden, attribute, value, *_ in found:
        assert lineage[golden, attribute].value != value
        counted[golden, attribute] = counted.get((golden, attribute), 0) + 1
    told = {key: cell.n_alternatives for key, cell in lineage.items() if cell.n_alternatives}
    flags = survivors_by_hand.FLAGS
    assert {each for each in counted.items() if each[0][1] not in flags} == {
        each for each in told.items() if each[0][1] not in flags
    }
    yes = golden_id("per", "crm/crm_contact/yes")
    assert [row[1:] for row in found if row[0] == yes] == [
        ("is_email_opted_out", "false", "steward", "any_true", 1)
    ]


@pytest.mark.parametrize(
    ("right", "false", "number"),
    [("right", "false", "FR96552100554"), ("recht", "falsch", "DE136695976")],
    ids=["France", "Germany"],
)
def test_a_false_vat_number_is_no_rival_of_a_valid_one(lineage, right, false, number):
    """Abroad the shape was enough: a newer number with a wrong check digit won."""
    cell = lineage[golden_id("acc", min(f"crm/crm_account/{key}" for key in (right, false))), "vat_number"]
    assert (cell.value, cell.record_key, cell.criterion) == (number, f"crm/crm_account/{right}", "only_value")
    assert cell.n_alternatives == 0


def test_no_golden_account_bears_a_false_vat_number(survivors):
    """DE999999999 of four companies looked like one number that four accounts share."""
    alone = golden_id("acc", "crm/crm_account/lone_false_vat")
    stated = "select vat_number from resolution.int_account_records where record_key = 'crm/crm_account/lone_false_vat'"
    assert rows(survivors, stated) == [("DE999999999",)]
    golden = f"select account_name, vat_number from master.dim_accounts where account_id = '{alone}'"
    assert rows(survivors, golden) == [("Lone false VAT", None)]


def test_the_latest_override_wins_over_every_source_while_it_is_in_force(survivors, lineage):
    one, two = golden_id("acc", "crm/crm_account/set1"), golden_id("acc", "crm/crm_account/set2")
    four = golden_id("acc", "crm/crm_account/set4")
    assert rows(
        survivors,
        "select city, employee_count, size_band_code, is_strategic, owner_rep_id from master.dim_accounts"
        f" where account_id = '{one}'",
    ) == [("Tourcoing", 1200, "enterprise", False, "crm/crm_user/u3")]
    assert rows(
        survivors, f"select city, employee_count from master.dim_accounts where account_id = '{two}'"
    ) == [("Nice", 6)]
    assert lineage[four, "country_code"].value == "LU"
    decided = rows(
        survivors,
        f"select decision_id from master.golden_values where golden_id = '{one}' and attribute = 'city'",
    )
    assert decided == [("dec_2",)]


def test_nobody_takes_a_refusal_of_contact_back_but_a_steward_may_add_one(survivors):
    assert rows(
        survivors,
        "select last_name, is_email_opted_out from master.dim_persons where last_name in ('Yes', 'Noe') order by all",
    ) == [("Noe", True), ("Yes", True)]


def conflicts(con):
    return rows(
        con,
        "select left_record_key, right_record_key, attribute, reason, n_values from master.golden_conflicts"
        " order by all",
    )


def test_only_differences_that_matter_go_to_review(survivors):
    found = conflicts(survivors)
    torn1, torn2 = "crm/crm_account/torn1", "crm/crm_account/torn2"
    assert [row for row in found if row[0] == torn1] == [
        (torn1, torn2, "country_code", "different", 2),
        (torn1, torn2, "employee_count", "other_size_band", 2),
        (torn1, torn2, "owner_rep_id", "different_same_source", 2),
        (torn1, torn2, "registration_number", "different_valid", 2),
        (torn1, torn2, "vat_number", "different_valid", 2),
    ]
    quiet = {f"crm/crm_account/{key}" for key in ("calm1", "calm2", "right", "false", "set4", "set5")}
    assert not [row for row in found if row[0] in quiet and row[3] != "contradictory_overrides"]


def test_an_override_that_nothing_can_take_is_told(survivors):
    assert {
        (row[0], row[2]) for row in conflicts(survivors) if row[3] == "override_unusable"
    } == company.UNUSABLE


def test_a_review_item_keeps_its_id_whichever_record_wins_and_whoever_joins(survivors):
    """It hung on the smallest key of the golden record: a record that agreed with one side renamed the question."""
    items = rows(
        survivors,
        "select item_id, left_record_key, right_record_key, attribute from master.golden_conflicts"
        " where kind = 'survivorship' and reason <> 'override_unusable'",
    )
    assert len(items) > 50
    for item, *keys, attribute in items:
        text = "|".join(("account", "survivorship", *sorted(keys), attribute))
        assert item == f"rev_{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def test_two_values_that_stewards_set_for_one_golden_record_are_a_contradiction(survivors):
    """Set for two of its records they were no contradiction of one record, and the later one won in silence."""
    told = rows(
        survivors,
        "select golden_id, attribute, decision_ids from master.golden_conflicts where kind = 'contradiction'",
    )
    one, four = golden_id("acc", "crm/crm_account/set1"), golden_id("acc", "crm/crm_account/set4")
    assert sorted(told) == sorted([(one, "city", "dec_1,dec_2"), (four, "city", "dec_17,dec_18")])


def test_no_two_review_items_share_an_id(survivors):
    assert rows(survivors, "select count(*) - count(distinct item_id) from master.golden_conflicts") == [(0,)]


def test_conflicts_hold_keys_and_no_value(survivors):
    names = {row[0] for row in rows(survivors, "describe master.golden_conflicts")}
    assert names == {
        "item_id", "entity", "kind", "golden_id", "left_record_key", "right_record_key", "attribute", "reason",
        "n_values", "decision_ids",
    }  # fmt: skip
