"""The mapping assistant on real vendor files: wherever it claims proof, the hand-written mapping must say the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_extracts import SAMPLES, SOURCES, VENDORS, needs_samples

from ingest.assistant.clocks import check_clock
from ingest.assistant.dates import prove_dates
from ingest.assistant.drafting import Draft, draft_mapping, problem_of
from ingest.assistant.table import open_table
from ingest.mapping import MAPPINGS, FileSpec, Mapping, build_mapping, path_pattern
from ingest.reading import read_layout
from ingest.strict_yaml import read_yaml
from ingest.text_preparation import inspect_bytes, prepare

pytestmark = needs_samples


def mapped_files() -> Iterator[tuple[str, Mapping, str, FileSpec, Path]]:
    """(mapping name, mapping, file key, spec, sample) of every delimited sample that a shipped mapping reads."""
    for name, folder, files, _ in [*SOURCES.values(), *VENDORS.values()]:
        mapping = build_mapping(name, read_yaml(MAPPINGS / f"{name}.yml"))
        for key, spec in mapping.model.files.items():
            for path in sorted((SAMPLES / folder).glob(files)):
                if spec.format == "delimited" and path_pattern(spec.path).fullmatch(path.name):
                    yield name, mapping, key, spec, path


@pytest.fixture(scope="module")
def drafts() -> dict[Path, tuple[FileSpec, Draft]]:
    found = {}
    for _, mapping, key, spec, path in mapped_files():
        contracts = [contract for contract, _, _ in mapping.tables_of(key)] or ["crm_user"]
        found[path] = (spec, draft_mapping(path, contract=contracts[0]))
    return found


def opened(path: Path, spec: FileSpec, scratch: Path) -> tuple[Path, int, tuple[str, ...]]:
    text = prepare(
        path, inspect_bytes(path), encoding=spec.encoding, repair_newlines=True, quarantine_undecodable=False,
        strip_bom=True, scratch=scratch, where=path.name, accept_utf8=spec.on_utf8 == "accept",
    ).path  # fmt: skip
    layout = read_layout(text, spec, set(), path.name)
    return text, layout.data_offset, layout.names


def test_encoding_separator_and_header_are_never_claimed_wrongly(
    drafts: dict[Path, tuple[FileSpec, Draft]],
) -> None:
    decided: Counter[str] = Counter()
    for path, (spec, draft) in drafts.items():
        claims = draft.claims
        if claims["encoding"]:
            raw = path.read_bytes()
            assert raw.decode(claims["encoding"]).removeprefix("\ufeff") == raw.decode(
                spec.encoding
            ).removeprefix("\ufeff"), path
        if claims["delimiter"]:
            assert claims["delimiter"] == spec.delimiter, path
        if claims["header"] is not None:
            assert claims["header"] is (spec.header is True), path
            assert claims["skip_rows"] == spec.skip_rows, path
        decided.update(name for name in ("encoding", "delimiter", "header") if claims[name] is not None)
    print(f"\n{len(drafts)} files, decided: {dict(decided)}")
    # A claim that became a question would be safe and useless.
    assert len(drafts) >= 25
    assert all(decided[name] >= 0.9 * len(drafts) for name in ("encoding", "delimiter", "header"))


def test_a_draft_refuses_to_load_while_a_question_is_open(
    drafts: dict[Path, tuple[FileSpec, Draft]], tmp_path: Path
) -> None:
    complete = set()
    for path, (_, draft) in drafts.items():
        problem = problem_of(draft.text, tmp_path)
        if draft.open_questions:
            assert problem is not None and problem.problem.code == "E-ING-110", path
        else:
            assert problem is None, path
            complete.add(f"{path.parent.name}/{path.name}")
    assert complete == {"small_crm/Accounts.csv"}  # four text columns, each of a known name


def order_of(formats: list[str]) -> set[str]:
    codes = {f: f.replace("%-", "%") for f in formats}
    return {
        "ymd"
        if f == "iso" or t.find("%Y") < min(t.find("%m"), t.find("%d"))
        else "dmy"
        if t.find("%d") < t.find("%m")
        else "mdy"
        for f, t in codes.items()
    }


def test_a_date_order_is_never_claimed_wrongly(tmp_path: Path) -> None:
    decided: Counter[str] = Counter()
    for name, mapping, key, spec, path in mapped_files():
        text, offset, names = opened(path, spec, tmp_path)
        with open_table(text, offset, spec.delimiter or ",", spec.quote, names, tmp_path) as table:
            for _, filled, contract in mapping.tables_of(key):
                for column, how in filled.columns.items():
                    is_temporal = column != "is_deleted" and contract.column(column).type in (
                        "date",
                        "timestamp",
                    )
                    if (
                        not is_temporal
                        or how.source not in names
                        or (how.type or "date") not in ("date", "timestamp")
                    ):
                        continue
                    at = names.index(how.source)
                    if table.row(f"SELECT count({table.column(at)}) FROM {table.all_rows}") == (0,):
                        continue
                    proof = prove_dates(table, at)
                    decided["columns"] += 1
                    if proof is None or proof.formats is None:
                        decided[f"open in {name}"] += 1
                        continue
                    decided["decided"] += 1
                    assert {proof.order} <= order_of(how.formats or ["iso"]), (path, how.source, proof)
    print(f"\n{dict(decided)}")
    assert decided["columns"] >= 20 and decided["decided"] >= 0.9 * decided["columns"]


def test_all_856_dates_of_a_pbx_fit_both_orders_and_the_epoch_proves_day_month(tmp_path: Path) -> None:
    (found,) = [f for f in mapped_files() if f[0] == "freepbx_25"]
    _, mapping, _, spec, path = found
    text, offset, names = opened(path, spec, tmp_path)
    with open_table(text, offset, ",", '"', names, tmp_path) as table:
        at = names.index("calldate")
        proof = prove_dates(table, at)
        assert proof is not None and proof.formats is None
        assert "856 dates fit several orders; fit one only: 0 day-month, 0 month-day" in [
            e.text("en") for e in proof.evidence
        ]
        clock = check_clock(table, at, names.index("uniqueid"), proof.options)
        assert clock is not None
        assert clock.formats == ("%d/%m/%Y %H:%M:%S",)
        assert (clock.n, clock.n_agreeing) == (856, 856)
        assert mapping.defaults.timezone in clock.zones and "America/New_York" not in clock.zones
