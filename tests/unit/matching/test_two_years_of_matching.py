"""Two years through the matching step: records come, change and go, evidence comes late, stewards decide.

Every month changes; what three of them brought is matched and published at once, so that a run meets several changes.
"""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.match_bench import Bench, account, decision, person

N_COMPANIES, N_MONTHS = 220, 24
MONTHS_A_RUN = 3
CYCLES = [f"{2024 + month // 12}-{month % 12 + 1:02d}" for month in range(N_MONTHS)]
_LETTERS = "bcdfglmnprstv"


def _siren(number: int) -> str:
    """A number of nine digits that passes the check of Luhn."""
    body = f"{30000000 + number * 137}"
    digits = [int(c) * (2 if place % 2 else 1) for place, c in enumerate(body)]
    return body + str(-sum(d - 9 if d > 9 else d for d in digits) % 10)


def _word(number: int) -> str:
    text = ""
    for _ in range(4):
        number, place = divmod(number, len(_LETTERS))
        text += _LETTERS[place] + "aeiou"[(number + place) % 5]
    return text.capitalize()


class World:
    """Companies and their people as two systems see them; truth: record -> company or person."""

    def __init__(self) -> None:
        self.draw = random.Random(38)
        self.firms: dict[str, dict] = {}
        self.people: dict[str, dict] = {}
        self.truth: dict[str, int] = {}
        self.decisions: list[dict] = []
        self.n_companies = 0
        self.touched: set[int] = set()

    def found(self, n: int) -> None:
        """New companies: a CRM account with its number, often an ERP customer and a lead without one, two people."""
        for _ in range(n):
            number = self.n_companies = self.n_companies + 1
            word = _word(number * 97)
            values = {
                "name": f"{word} Services", "name_key": f"{word.upper()} SERVICES", "country_code": "FR",
                "postal_code": f"{10000 + number}", "city": f"Ville{number}", "domain": f"{word.lower()}.example",
            }  # fmt: skip
            self._firm(f"crm/{number:05d}", number, values | {"registration_number": _siren(number)})
            if self.draw.random() < 0.7:
                self._firm(f"erp/{number:05d}", number, values | {"registration_number": _siren(number)})
            if self.draw.random() < 0.5:
                self._firm(
                    f"lead/{number:05d}", number, {k: values[k] for k in ("name", "name_key", "country_code")}
                )
            for k in range(2):
                self._person(number, k, word)

    def _firm(self, key: str, number: int, values: dict) -> None:
        self.firms[key] = account(key, **values)
        self.truth[key] = number

    def _person(self, number: int, k: int, word: str) -> None:
        name, mail = (
            f"{_word(number * 31 + k)} {_word(number * 53 + 7)}",
            f"p{k}.{number}@{word.lower()}.example",
        )
        values = {"name_key": name, "email": mail, "company_name": f"{word} Services",
                  "company_name_key": f"{word.upper()} SERVICES"}  # fmt: skip
        for key in (f"p/{number:05d}/{k}", f"q/{number:05d}/{k}")[: 1 + (self.draw.random() < 0.4)]:
            self.people[key] = person(key, **values)
            self.truth[key] = 10 * number + k

    def month_passes(self, ids: dict[str, str]) -> None:
        """One percent comes, a few records go or change, evidence comes late, a steward decides."""
        self.found(2)
        for records in (self.firms, self.people):
            records.pop(self.draw.choice(sorted(records)))
            changed = records[self.draw.choice(sorted(records))]
            changed["city" if "city" in changed else "mobile"] = (
                "Autre" if records is self.firms else "+33600000009"
            )
        leads = sorted(key for key in self.firms if key.startswith("lead/"))
        late = self.draw.choice(leads)
        self.firms[late]["registration_number"] = _siren(self.truth[late])
        weak = self.draw.choice(
            leads
        )  # a head count is no proof: it may ask and must not merge what is published
        for key in (weak, f"crm/{self.truth[weak]:05d}"):
            if key in self.firms:
                self.firms[key]["employee_count"] = 1000 + self.truth[weak]
        number = len(self.decisions) + 1
        if number % 3:
            lead = self.draw.choice(leads)
            self._decide(number, lead, f"crm/{self.truth[lead]:05d}")
        else:
            twins = sorted(
                key for key in self.firms if key.startswith("erp/") and ids.get(key) in _several(ids)
            )
            erp = self.draw.choice(twins)
            self._decide(number, erp, f"crm/{self.truth[erp]:05d}", "cannot")

    def _decide(self, number: int, one: str, other: str, kind: str = "must") -> None:
        decided = [{each["left_record_key"], each["right_record_key"]} for each in self.decisions]
        if one in self.firms and other in self.firms and {one, other} not in decided:
            self.decisions.append(decision(kind, *sorted((one, other)), number))


def _several(ids: dict[str, str]) -> set[str]:
    counted = defaultdict(int)
    for golden in ids.values():
        counted[golden] += 1
    return {golden for golden, n in counted.items() if n > 1}


def _violations(decisions: list[dict], ids: dict[str, str]) -> list[dict]:
    found = []
    for row in decisions:
        left, right = ids.get(row["left_record_key"]), ids.get(row["right_record_key"])
        if left and right and (left == right) != (row["kind"] == "must"):
            found.append(row)
    return found


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """Per run: ids before and after, what matching said of the changes, the decisions, the questions."""
    folder: Path = tmp_path_factory.mktemp("two_years")
    bench, world, told, before = Bench(folder), World(), [], {}
    world.found(N_COMPANIES)
    for number, cycle in enumerate(CYCLES):
        if before:
            world.month_passes(before)
        if number % MONTHS_A_RUN and cycle != CYCLES[-1]:
            continue
        ids, _, report = bench.run(
            list(world.firms.values()), list(world.people.values()), cycle, world.decisions
        )
        changes = pq.read_table(folder / "out" / "id_changes.parquet").to_pylist()
        told.append({
            "cycle": cycle, "before": before, "ids": ids, "changes": changes, "decisions": list(world.decisions),
            "kinds": [item["kind"] for item in bench.items()], "truth": dict(world.truth),
            "input": (list(map(dict, world.firms.values())), list(map(dict, world.people.values()))),
            "churn": (report.accounts.id_churn, report.persons.id_churn),
        })  # fmt: skip
        bench.remember(cycle)
        before = ids
    told[0]["bench"] = bench
    return told


def test_no_decision_is_ever_violated(months: list[dict]) -> None:
    assert len(months[-1]["decisions"]) > 12
    for month in months:
        assert _violations(month["decisions"], month["ids"]) == [], month["cycle"]


def test_ids_change_for_few_records_and_each_change_is_told(months: list[dict]) -> None:
    changed = n_known = 0
    for month in months[1:]:
        moved = {
            key: (month["before"][key], golden)
            for key, golden in month["ids"].items()
            if key in month["before"] and month["before"][key] != golden
        }
        told = {row["record_key"]: row for row in month["changes"] if row["cause"] != "first_seen"}
        assert {key: (row["previous_id"], row["golden_id"]) for key, row in told.items()} == moved, month[
            "cycle"
        ]
        assert {row["cause"] for row in told.values()} <= {"merge", "split", "unmerge", "restored"}
        changed += len(moved)
        n_known += len(month["ids"])
        assert len(moved) <= MONTHS_A_RUN * max(6, 0.01 * len(month["ids"]))
    assert 0 < changed / (MONTHS_A_RUN * n_known) <= 0.003


def test_nobody_is_merged_with_another_and_late_proof_finds_its_record(months: list[dict]) -> None:
    for month in months:
        holders = defaultdict(set)
        for key, golden in month["ids"].items():
            holders[golden].add(month["truth"][key])
        assert all(len(each) == 1 for each in holders.values()), month["cycle"]
    last = months[-1]
    apart = {frozenset((row["left_record_key"], row["right_record_key"]))
             for row in last["decisions"] if row["kind"] == "cannot"}  # fmt: skip
    by_number = defaultdict(list)
    for firm in last["input"][0]:
        if firm.get("registration_number"):
            by_number[firm["registration_number"]].append(firm["record_key"])
    pairs = [pair for keys in by_number.values() for pair in itertools.combinations(keys, 2)]
    kept = [pair for pair in pairs if not any(set(pair) & foes for foes in apart)]
    assert len(kept) > 100 and all(last["ids"][a] == last["ids"][b] for a, b in kept)
    assert any("live_merge" in month["kinds"] for month in months)


def test_past_months_run_again_give_the_ids_of_then(months: list[dict]) -> None:
    bench = months[0]["bench"]
    assert len(months) == 9
    for month in (months[4], months[0], months[-1]):
        ids, _, _ = bench.run(*month["input"], month["cycle"], month["decisions"])
        assert ids == month["ids"], month["cycle"]
        bench.remember(month["cycle"])
