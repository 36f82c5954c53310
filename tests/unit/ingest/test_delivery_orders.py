"""Deliveries converge: any order, overlap, copy, correction or late file, in one run or many, with work/ deleted in
between, ends in one state; and that state is the one a plain reading of the files gives.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import random
import shutil

import pytest
from company_site import Site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MAPPING = """
version: 1
source: {system: vendor}
files:
  leads:
    path: "{date}/Leads*.csv"
    format: delimited
    delimiter: ","
    expected_columns: [Id, Email, Owner, Changed, Name]
    required: false
  users:
    path: "{date}/Users*.csv"
    format: delimited
    delimiter: ","
    expected_columns: [Login, Key]
    snapshot: {complete: true, max_removed: 0.6}
    required: false
  events:
    path: "{date}/Events*.csv"
    format: delimited
    delimiter: ","
    expected_columns: [Id, Deal, At, Stage]
    required: false
tables:
  crm_lead:
    from: leads
    lookups: {owner: {file: users, match: {Login: Owner}}}
    columns:
      source_record_id: Id
      email: {source: Email, required: true}
      status: {const: new}
      is_converted: {const: false}
      created_at: {source: Changed, formats: ["%Y-%m-%d"]}
      modified_at: {source: Changed, formats: ["%Y-%m-%d"]}
      owner_id: owner.Key
      last_name: Name
  crm_user:
    from: users
    columns: {source_record_id: Login, full_name: Key, is_active: {const: true}}
  crm_opportunity_event:
    from: events
    columns:
      source_record_id: Id
      opportunity_id: Deal
      changed_at: {source: At, formats: ["%Y-%m-%d"]}
      field: {const: stage}
      new_value: Stage
"""
HEADERS = {"Leads": "Id,Email,Owner,Changed,Name", "Users": "Login,Key", "Events": "Id,Deal,At,Stage"}
Files = dict[str, str]  # path below the source's folder -> content


def line(generator: random.Random, kind: str) -> str:
    """One line of a file; few values, so that keys meet, copies occur and some lines are no record."""
    key, day = generator.randint(1, 4), f"2026-03-0{generator.randint(1, 3)}"
    if kind == "Leads":
        email = generator.choice(["a@x.fr", "a@x.fr", "a@x.fr", ""])
        name = generator.choice(["Ann", "Bob", "Bob,surplus", '"Cid'])
        return f"{key},{email},u{generator.randint(1, 3)},{generator.choice([day, ''])},{name}"
    if kind == "Users":
        return f"u{key},k{generator.randint(1, 2)}"
    return f"{key},d{generator.randint(1, 2)},{day},{generator.choice(['won', 'lost'])}"


def drawn(seed: int) -> Files:
    """Files of a company: some of them copies of one another under other dates."""
    generator = random.Random(seed)
    files: Files = {}
    for kind, header in HEADERS.items():
        contents = [
            "".join(
                f"{text}\n"
                for text in [header, *(line(generator, kind) for _ in range(generator.randint(0, 4)))]
            )
            for _ in range(3)
        ]
        for month in ("2026-03", "2026-04", "2026-05"):
            for name in (f"{kind}.csv", f"{kind}-corrected.csv"):
                if generator.random() < 0.5:
                    files[f"{month}/{name}"] = generator.choice(contents)
                    if generator.random() < 0.1:
                        rows = files[f"{month}/{name}"].count("\n") - 1
                        totals = {"rows": rows + generator.choice([0, 0, 1])}
                        files[f"{month}/{name}.manifest.json"] = json.dumps(totals)
    return files


def batches(seed: int, paths: list[str]) -> list[list[str]]:
    """The paths in another order, in runs of some of them; a manifest comes with its file, before or after it."""
    generator = random.Random(seed)
    order = generator.sample(paths, len(paths))
    found: list[list[str]] = []
    while order:
        n = generator.choice([1, 1, 2, len(order)])
        found.append(order[:n])
        order = order[n:]
    return found


def put(where: Site, files: Files, paths: list[str]) -> None:
    for path in paths:
        where.put(path, files[path])


def examples(n: int) -> settings:
    """How many companies a property is tried on."""
    return settings(
        max_examples=n, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )


@examples(6)
@given(seed=st.integers(0, 100_000))
def test_any_order_and_any_runs_end_in_one_state(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    converge(tmp_path_factory, seed)


@pytest.mark.nightly
@examples(150)
@given(seed=st.integers(0, 100_000))
def test_many_orders_and_runs_end_in_one_state(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    converge(tmp_path_factory, seed)


def converge(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """All files at once, and in runs of some of them with work/ deleted now and then."""
    files = drawn(seed)
    folder = tmp_path_factory.mktemp("orders")
    together, apart = Site(folder / "together", MAPPING), Site(folder / "apart", MAPPING)
    put(together, files, sorted(files))
    assert together.collect().imbalances == ()
    generator = random.Random(seed + 1)
    for batch in batches(seed, sorted(files)):
        if generator.random() < 0.25:
            shutil.rmtree(apart.root / "work", ignore_errors=True)
        put(apart, files, batch)
        assert apart.collect().imbalances == ()
    if not files:
        apart.collect()
    state = apart.state()
    assert state == together.state()
    assert apart.collect().landed == () and apart.state() == state, "one more run changes nothing"
    shutil.rmtree(apart.root / "work")
    apart.collect()
    assert apart.state() == state, "nor does a rebuild"
    assert kept_leads(apart) == expected_leads(apart, files)


@examples(2)
@given(seed=st.integers(0, 100_000))
def test_contents_that_replace_one_another_at_a_path_converge_too(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    replace_contents(tmp_path_factory, seed)


@pytest.mark.nightly
@examples(50)
@given(seed=st.integers(0, 100_000))
def test_many_contents_that_replace_one_another_converge(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    replace_contents(tmp_path_factory, seed)


def replace_contents(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """The last content at a path counts, whatever came first and in between; a refused one replaces nothing."""
    generator = random.Random(seed)
    versions = [drawn(seed), drawn(seed + 1)]
    sent = [(path, files[path]) for files in versions for path in sorted(files) if not path.endswith(".json")]
    last = dict(sent)
    states = []
    folder = tmp_path_factory.mktemp("replaced")
    for name in ("first", "second"):
        where = Site(folder / name, MAPPING)
        order = generator.sample(sent, len(sent))
        for path, content in [*order, *last.items()]:
            where.put(path, content)
            if generator.random() < 0.5 or (path, content) in order:
                where.collect()
        assert where.collect().imbalances == ()
        states.append(where.state())
        refused = refused_contents(where)
        lying = [(path, content) for path, content in sent if last[path] in {content} | refused]
        assert kept_leads(where) == expected_versions([pair for pair in lying if pair[1] not in refused])
        if not refused:
            shutil.rmtree(where.root / "work")
            where.collect()
            assert kept_leads(where) == expected_versions(lying), "a rebuild tells the same"
    assert states[0] == states[1]


def refused_contents(where: Site) -> set[str]:
    """Contents that are refused, by the archived bytes of what the receipts call so."""
    found = set()
    for path in (where.root / "work" / "deliveries").glob("*.json"):
        receipt = json.loads(path.read_text())
        if receipt["status"] == "refused":
            sha256 = receipt["file_sha256"]
            found.add((where.root / "work" / "archive" / sha256[:2] / sha256).read_text())
    return found


def kept_leads(where: Site) -> set[tuple[str, str | None, str]]:
    if not (where.root / "work" / "raw" / "crm_lead").is_dir():
        return set()
    return set(
        where.rows(
            "SELECT source_record_id, last_name, _delivery_id FROM raw.crm_lead r ANTI JOIN "
            "(SELECT * FROM collect.dispositions WHERE contract = 'crm_lead') d "
            "USING (_delivery_id, _source_row_id, _record_part)"
        )
    )


def expected_leads(where: Site, files: Files) -> set[tuple[str, str | None, str]]:
    """Kept leads by a plain reading: copies count once, at their latest date, refused contents not at all, and
    per key the greatest (changed, delivered, delivery, line) wins among records that have an address.
    """
    refused = {path for (path,) in where.rows("SELECT file_path FROM collect.refusals")}
    by_content: dict[str, list[str]] = {}
    for path, content in files.items():
        by_content.setdefault(content, []).append(path)
    return expected_versions(
        [
            (path, content)
            for content, paths in by_content.items()
            if not {f"crm/{path}" for path in paths} & refused
            for path in paths
        ]
    )


def expected_versions(placed: list[tuple[str, str]]) -> set[tuple[str, str | None, str]]:
    """Kept leads of contents that count at paths, none of them refused."""
    by_content: dict[str, list[str]] = {}
    for path, content in placed:
        if "/Leads" in path and path.endswith(".csv"):
            by_content.setdefault(content, []).append(path)
    winners: dict[str, tuple] = {}
    for content, paths in by_content.items():
        digest = hashlib.sha256(content.encode()).hexdigest()
        delivery = hashlib.sha256(f"crm\nleads\n{digest}".encode()).hexdigest()[:12]
        for number, text in enumerate(content.splitlines()[1:], start=2):
            fields = text.split(",")
            if len(fields) != 5 or not fields[1] or '"' in text:
                continue
            changed = dt.date.fromisoformat(fields[3]) if fields[3] else dt.date.min
            version = (changed, max(paths)[:7], delivery, number)
            if fields[0] not in winners or winners[fields[0]][0] < version:
                winners[fields[0]] = (version, fields[4])
    return {(key, name, version[2]) for key, (version, name) in winners.items()}
