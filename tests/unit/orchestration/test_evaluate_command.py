"""`etalon evaluate`: figures recomputed from planted truth, guesses printed, wrong input named with its exit code."""

import csv
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from orchestration import cli
from orchestration.commands import exit_codes
from orchestration.evaluation.company import evaluate_company
from orchestration.evaluation.evaluating import FILE_COLUMN, evaluate_table
from orchestration.matching.errors import MatchingError
from tests.linkage import sets


def invoke(*arguments: str):
    return CliRunner().invoke(cli.etalon, ["evaluate", *map(str, arguments)])


@pytest.fixture(scope="module")
def sites(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("sites") / "sites.csv"
    pcsv.write_csv(sets.business_sites(150, 3, 10).table().drop_columns(["trap"]), path)
    return path


def test_a_labelled_file_gives_figures_a_chart_clusters_and_a_review_file(sites, tmp_path):
    out = tmp_path / "figures"
    result = invoke(sites, "--truth", "truth", "--json", "--out", out)
    assert result.exit_code == exit_codes.DONE, result.output
    said = json.loads(result.output)
    assert said["entity"] == "site" and said["roles_guessed"] is True
    # The same figures from the cluster file and the truth, pair by pair.
    con = duckdb.connect()
    pairs = con.execute(
        f"""
        with rows as (
            select row_number() over () as row, truth from read_csv('{sites}', all_varchar = true)
        ),
        labelled as (select * from rows join read_csv('{out / "clusters.csv"}') using (row))
        select count(*) filter (where l.cluster = r.cluster and l.truth = r.truth),
               count(*) filter (where l.cluster = r.cluster), count(*) filter (where l.truth = r.truth)
        from labelled as l join labelled as r on l.row < r.row
        """
    ).fetchall()[0]
    assert (said["pairs"]["true_positives"], said["pairs"]["predicted"], said["pairs"]["true"]) == pairs
    assert said["pairs"]["precision"] == 1.0 and said["pairs"]["recall"] >= 0.95
    assert said["peak_megabytes"] > 0 and said["seconds"] > 0
    ElementTree.fromstring((out / "thresholds.svg").read_text())
    assert json.loads((out / "evaluation.json").read_text())["pairs"] == said["pairs"]
    with (out / "review.csv").open(encoding="utf-8") as file:
        review = list(csv.DictReader(file))
    assert len(review) == said["review"]["pairs"] and all(row["explanation"] for row in review)


def test_guessed_roles_are_printed(sites):
    result = invoke(sites, "--truth", "truth", "--language", "fr")
    assert result.exit_code == exit_codes.DONE
    assert "entité site" in result.output and "postal_code=postal_code" in result.output


def test_the_truth_and_the_keys_are_not_matched_on(tmp_path):
    records = sets.business_sites(60, 5, 4).table().drop_columns(["trap"])
    told = records.set_column(0, "rec_id", records["truth"])
    for name, table in (("plain", records), ("leaking", told)):
        pcsv.write_csv(table, tmp_path / f"{name}.csv")
    figures = [
        json.loads(invoke(tmp_path / f"{name}.csv", "--truth", "truth", "--json").output)["b_cubed"]
        for name in ("plain", "leaking")
    ]
    assert figures[0] == figures[1]


def test_two_files_are_linked_across(tmp_path):
    records = sets.private_persons(120, 9).table().drop_columns(["trap"])
    half = records.num_rows // 2
    pcsv.write_csv(records.slice(0, half), tmp_path / "left.csv")
    pcsv.write_csv(records.slice(half), tmp_path / "right.csv")
    result = invoke(
        tmp_path / "left.csv", tmp_path / "right.csv", "--truth", "truth", "--json", "--region", "FR"
    )
    assert result.exit_code == exit_codes.DONE, result.output
    truth = records["truth"].to_pylist()
    across = sum(a == b for a in truth[:half] for b in truth[half:])
    assert json.loads(result.output)["pairs"]["true"] == across


def test_two_files_may_call_one_thing_by_two_names_and_be_written_in_windows_1252(tmp_path):
    records = sets.business_sites(80, 9).table().select(["truth", "name", "phone", "address"])
    half = records.num_rows // 2
    right = records.slice(half).rename_columns(["truth", "label", "phone", "address"])
    for name, table in (("left", records.slice(0, half)), ("right", right)):
        pcsv.write_csv(table, tmp_path / f"{name}.csv")
        text = (tmp_path / f"{name}.csv").read_text(encoding="utf-8")
        (tmp_path / f"{name}.csv").write_bytes(text.encode("cp1252"))
    named = ["--map", "name=name", "--map", "name=label", "--map", "phone=phone", "--map", "address=address"]
    result = invoke(
        tmp_path / "left.csv",
        tmp_path / "right.csv",
        "--truth",
        "truth",
        "--entity",
        "site",
        *named,
        "--json",
    )
    assert result.exit_code == exit_codes.DONE, result.output
    said = json.loads(result.output)
    assert said["pairs"]["recall"] >= 0.8 and said["pairs"]["precision"] == 1.0


def test_the_order_of_the_rows_changes_no_figure():
    records = sets.business_contacts(120, 4, 10).table()
    roles = {"given_name": "first_name", "family_name": "last_name", "email": "email", "company": "company"}
    figures = []
    for seed in (0, 1):
        order = np.random.default_rng(seed).permutation(records.num_rows)
        mixed = records.take(order).append_column(FILE_COLUMN, pa.array(["0"] * records.num_rows))
        result = evaluate_table(mixed, "truth", "person", roles)
        figures.append((result.scores, result.curve, result.calibration, result.by_evidence))
    assert figures[0] == figures[1]


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (["--truth", "nowhere"], "E-MAT-001", exit_codes.USAGE),
        (["--truth", "truth", "--map", "name=nowhere"], "E-MAT-001", exit_codes.USAGE),
        (["--truth", "truth", "--map", "nonsense=name"], "E-MAT-002", exit_codes.USAGE),
        (["--truth", "truth", "--map", "name=truth"], "E-MAT-003", exit_codes.USAGE),
        (["--truth", "empty"], "E-MAT-004", exit_codes.DATA_REFUSED),
        (["--truth", "same"], "E-MAT-005", exit_codes.DATA_REFUSED),
        (["--truth", "rec_id"], "E-MAT-005", exit_codes.DATA_REFUSED),
        (
            ["--truth", "truth", "--map", "name=empty", "--map", "phone=same"],
            "E-MAT-003",
            exit_codes.DATA_REFUSED,
        ),
        (["--truth", "truth", "--map", "name"], "ROLE=COLUMN", exit_codes.USAGE),
        ([], "--truth", exit_codes.USAGE),
    ],
)
def test_wrong_input_is_named_with_its_exit_code(tmp_path, arguments, code, exit_code):
    records = sets.business_sites(20, 3).table()
    n = records.num_rows
    records = records.append_column("empty", pa.array([None] * n, pa.string()))
    pcsv.write_csv(records.append_column("same", pa.array(["x"] * n)), tmp_path / "sites.csv")
    result = invoke(tmp_path / "sites.csv", *arguments)
    assert result.exit_code == exit_code, result.output
    assert code in result.output


@pytest.mark.parametrize("content", ["", "name,truth\n"])
def test_a_file_without_rows_is_refused(tmp_path, content):
    (tmp_path / "empty.csv").write_text(content)
    result = invoke(tmp_path / "empty.csv", "--truth", "truth")
    assert result.exit_code in (exit_codes.DATA_REFUSED, exit_codes.USAGE)
    assert "E-MAT-" in result.output


def test_every_error_is_worded_in_both_languages():
    for code, said in MatchingError.catalogue().items():
        assert re.fullmatch(r"E-MAT-\d{3}", code)
        for language in ("en", "fr"):
            assert all(said[language][part].strip() for part in ("what", "why", "next"))


def test_the_matching_of_a_company_is_held_against_its_truth(tmp_path):
    work = tmp_path / "work"
    (work / "matching").mkdir(parents=True)
    (tmp_path / "truth").mkdir()
    keys = [f"crm/crm_account/{i}" for i in range(5)]
    clusters = {
        "entity": ["account"] * 4 + ["person"],
        "contract": ["crm_account"] * 5,
        "source_instance": ["crm"] * 5,
        "source_record_id": [str(i) for i in range(4)] + ["0"],
        "true_id": ["A", "A", "B", "B", "P"],
    }
    pq.write_table(pa.table(clusters), tmp_path / "truth" / "entity_clusters.parquet")
    members = {"record_key": keys, "account_id": ["x", "x", "x", "y", "z"]}
    pq.write_table(pa.table(members), work / "matching" / "account_members.parquet")
    with pytest.raises(MatchingError, match="E-MAT-009"):
        evaluate_company(tmp_path, work)
    pq.write_table(
        pa.table({"record_key": keys[:1], "person_id": ["p"]}), work / "matching" / "person_members.parquet"
    )
    edges = {
        "entity": ["account"] * 2,
        "left_record_key": [keys[0], keys[0]],
        "right_record_key": [keys[1], keys[2]],
        "evidence_code": ["same_domain"] * 2,
        "weight": [0.7, 0.7],
        "decision": ["accepted"] * 2,
    }
    pq.write_table(pa.table(edges), work / "matching" / "edges.parquet")
    accounts, persons = evaluate_company(tmp_path, work)
    # {0,1,2} {3} against {0,1} {2,3}: of 3 pairs found 1 is true, of 2 true pairs 1 is found.
    assert accounts.scores.pairs.precision == pytest.approx(1 / 3)
    assert accounts.scores.pairs.recall == pytest.approx(1 / 2)
    assert accounts.n_unknown == 1
    assert accounts.by_evidence == {"same_domain": {"pairs": 2, "precision": 0.5}}
    assert persons.scores.n_records == 1
