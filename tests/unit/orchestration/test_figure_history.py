"""The bridge and the restatements of planted publications: what is published, refused, and said by the command."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from planted_candidate import MANIFEST, of_cycle, plant

from orchestration import cli
from orchestration.bridge.evidence import KEPT
from orchestration.damaged_file import DamagedFileError
from orchestration.project import ROOT
from orchestration.publication import moved_figures, publish, rollback
from orchestration.publication.figure_reading import read_moved_segments
from orchestration.publication.hashing import published_hashes
from orchestration.publication.history import read_log
from orchestration.publication.moved_figures import SilentChangeError, compared_with

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)


def rows(published: Path, table: str) -> list[dict]:
    live = read_log(published)[-1].publication.publication_id
    return pq.read_table(published / "parquet" / live / f"{table}.parquet").to_pylist()


def test_the_first_publication_has_no_bridge_and_every_figure_is_as_first_published(tmp_path: Path) -> None:
    receipt = publish(plant(tmp_path), MANIFEST)
    assert rows(tmp_path / "published", "kpi_bridge") == []
    restated = rows(tmp_path / "published", "kpi_restatements")
    assert [(row["period_month"], row["is_of_own_cycle"], row["n_changes"]) for row in restated] == [
        (MAY, False, 0), (JUNE, True, 0)
    ]  # fmt: skip
    for row in restated:
        assert row["value_as_first_published"] == row["value_restated"]
        assert row["first_publication_id"] == receipt.publication_id
        assert row["last_publication_id"] is None


def test_a_figure_is_told_as_first_published_as_last_published_and_as_restated(tmp_path: Path) -> None:
    first = publish(plant(tmp_path), MANIFEST).publication_id
    second = publish(plant(tmp_path, n_leads=8, delivery="d2"), MANIFEST).publication_id
    publish(plant(tmp_path, n_leads=11, delivery="d3", settings=of_cycle("2026-07")), MANIFEST)
    told = {row["period_month"]: row for row in rows(tmp_path / "published", "kpi_restatements")}
    june = told[JUNE]
    assert (june["value_as_first_published"], june["value_as_last_published"], june["value_restated"]) == (
        7,
        8,
        11,
    )
    assert (june["first_publication_id"], june["last_publication_id"]) == (first, second)
    assert (june["n_publications"], june["n_changes"]) == (3, 2)
    assert told[MAY]["n_changes"] == 0
    (row,) = rows(tmp_path / "published", "kpi_bridge")
    assert (row["period_month"], row["value_before"], row["value_after"], row["effect"]) == (JUNE, 8, 11, 3)
    assert row["from_publication_id"] == second and row["n_units"] == 3


def test_a_publication_made_again_has_the_same_bridge(tmp_path: Path) -> None:
    publish(plant(tmp_path), MANIFEST)
    once = publish(plant(tmp_path, n_leads=8, delivery="d2"), MANIFEST)
    hashes = published_hashes(once.marts)
    again = publish(plant(tmp_path, n_leads=8, delivery="d2"), MANIFEST)
    assert published_hashes(again.marts) == hashes
    assert len(rows(tmp_path / "published", "kpi_bridge")) == 1


def test_after_a_rollback_figures_are_compared_with_what_stands(tmp_path: Path) -> None:
    first = publish(plant(tmp_path), MANIFEST)
    publish(plant(tmp_path, n_leads=9, delivery="d2"), MANIFEST)
    rollback(plant(tmp_path), first.publication_id)
    publish(plant(tmp_path, n_leads=8, delivery="d3"), MANIFEST)
    (row,) = rows(tmp_path / "published", "kpi_bridge")
    assert (row["from_publication_id"], row["effect"]) == (first.publication_id, 1)


def test_a_past_cycle_is_compared_with_no_later_one(tmp_path: Path) -> None:
    publish(plant(tmp_path), MANIFEST)
    publish(plant(tmp_path, n_leads=9, delivery="d2", settings=of_cycle("2026-07")), MANIFEST)
    events = read_log(tmp_path / "published")
    made = publish(plant(tmp_path, n_leads=10, delivery="d3"), MANIFEST)
    publication = read_log(tmp_path / "published")[-1].publication
    assert publication.publication_id == made.publication_id
    assert compared_with(events, publication) == events[0].publication


def test_the_evidence_of_the_last_publications_is_kept_and_no_more(tmp_path: Path) -> None:
    ids = [
        publish(plant(tmp_path, n_leads=5 + n, delivery=f"d{n}"), MANIFEST).publication_id
        for n in range(KEPT + 2)
    ]
    folder = tmp_path / "published" / "registry" / "kpi_evidence"
    assert sorted(path.name for path in folder.iterdir()) == sorted(ids[-KEPT:])
    for path in folder.rglob("*.parquet"):
        names = pq.read_schema(path).names
        assert not {"lead_id", "account_id", "person_id", "email", "full_name"} & set(names), path


def with_effect(table: pa.Table, effect: str) -> pa.Table:
    column = table.schema.get_field_index("effect")
    effects = pa.array([Decimal(effect)] * table.num_rows, pa.decimal128(38, 10))
    return table.set_column(column, table.schema.field(column), effects)


def test_a_past_figure_that_moves_without_a_cause_stops_the_publication(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = publish(plant(tmp_path), MANIFEST)
    live = before.marts.read_bytes()
    whole = moved_figures.compare

    def silent(*arguments):
        bridge, by_segment = whole(*arguments)
        return bridge.slice(0, 0), by_segment

    monkeypatch.setattr(moved_figures, "compare", silent)
    with pytest.raises(SilentChangeError, match=r"leads_new 2026-06"):
        publish(plant(tmp_path, n_leads=8, delivery="d2"), MANIFEST)
    assert (tmp_path / "published" / "marts.duckdb").read_bytes() == live
    assert len(read_log(tmp_path / "published")) == 1

    def short(*arguments):
        table, by_segment = whole(*arguments)
        return with_effect(table, "0.5"), by_segment

    monkeypatch.setattr(moved_figures, "compare", short)
    with pytest.raises(SilentChangeError, match="adds up"):
        publish(plant(tmp_path, n_leads=8, delivery="d2"), MANIFEST)


def test_a_segment_that_moves_without_a_cause_stops_the_publication(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(plant(tmp_path), MANIFEST)
    whole = moved_figures.compare
    for broken in (lambda table: table.slice(0, 0), lambda table: with_effect(table, "0.5")):

        def silent(*arguments, broken=broken):
            bridge, by_segment = whole(*arguments)
            return bridge, broken(by_segment)

        monkeypatch.setattr(moved_figures, "compare", silent)
        with pytest.raises(SilentChangeError, match=r"leads_new 2026-06 all=all"):
            publish(plant(tmp_path, n_leads=8, delivery="d2"), MANIFEST)
    assert len(read_log(tmp_path / "published")) == 1


def test_a_former_publication_without_evidence_gives_the_whole_difference_undivided(tmp_path: Path) -> None:
    publish(plant(tmp_path), MANIFEST)
    shutil.rmtree(tmp_path / "published" / "registry" / "kpi_evidence")
    publish(plant(tmp_path, n_leads=8, delivery="d2"), MANIFEST)
    (row,) = rows(tmp_path / "published", "kpi_bridge")
    assert (row["cause_code"], row["effect"], row["n_units"]) == ("not_separable", 1, None)


def bridge(company: Path, *arguments: str) -> str:
    result = CliRunner().invoke(cli.etalon, ["bridge", "--company", str(company), *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_says_why_figures_moved_in_both_languages(tmp_path: Path) -> None:
    plant(tmp_path)
    assert "Nothing has been published" in bridge(tmp_path)
    publish(plant(tmp_path), MANIFEST)
    assert "No figure of a past month moved" in bridge(tmp_path)
    publish(plant(tmp_path, n_leads=9, delivery="d2"), MANIFEST)
    said = bridge(tmp_path, "leads_new", "--month", "2026-06")
    assert "leads_new  2026-06  7 -> 9" in said and "+2" in said
    assert "unités\u00a0: 2" in bridge(tmp_path, "--language", "fr")
    assert "No figure" in bridge(tmp_path, "--month", "2026-05")
    content = json.loads(bridge(tmp_path, "--json"))
    assert [row["metric_name"] for row in content["bridge"]] == ["leads_new"]
    wrong = CliRunner().invoke(cli.etalon, ["bridge", "lead_new", "--company", str(tmp_path)])
    assert wrong.exit_code == 2 and "leads_new" in wrong.output


def test_the_bridge_travels_with_the_marts(tmp_path: Path) -> None:
    publish(plant(tmp_path), MANIFEST)
    marts = publish(plant(tmp_path, n_leads=9, delivery="d2"), MANIFEST).marts
    with duckdb.connect(str(marts), read_only=True) as con:
        assert con.execute("select sum(effect) from kpi_bridge").fetchall() == [(Decimal(2),)]
        keys = con.execute(
            "select constraint_column_names from duckdb_constraints()"
            " where constraint_type = 'PRIMARY KEY' and table_name = 'kpi_bridge'"
        ).fetchall()
        assert keys == [(["metric_name", "period_month", "step_order"],)]


def test_the_query_of_the_documentation_finds_what_is_no_longer_as_first_published(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "history.md").read_text(encoding="utf-8")
    (query,) = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    publish(plant(tmp_path), MANIFEST)
    marts = publish(plant(tmp_path, n_leads=9, delivery="d2"), MANIFEST).marts
    with duckdb.connect(str(marts), read_only=True) as con:
        assert con.execute(query).fetchall() == [("leads_new", JUNE, Decimal(7), Decimal(9))]


def test_damaged_evidence_is_named_with_the_way_out(tmp_path: Path) -> None:
    first = publish(plant(tmp_path), MANIFEST)
    folder = tmp_path / "published" / "registry" / "kpi_evidence" / first.publication_id
    damaged = next(folder.glob("leads_*.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:50])
    with pytest.raises(DamagedFileError, match=damaged.name):
        publish(plant(tmp_path, n_leads=8, delivery="d2"), MANIFEST)
    shutil.rmtree(folder)
    publish(plant(tmp_path, n_leads=8, delivery="d2"), MANIFEST)
    assert [row["cause_code"] for row in rows(tmp_path / "published", "kpi_bridge")] == ["not_separable"]


def plant_channels(root: Path, n_phone: int, **values):
    """A planted candidate whose leads of June came by web, but for `n_phone` of them; its mart says so by channel."""
    company = plant(root, **values)
    with duckdb.connect(str(root / "work" / "warehouse.duckdb")) as con:
        con.execute(
            f"""
            alter table metrics.fct_lead_cadences add column channel_code varchar;
            update metrics.fct_lead_cadences set channel_code = case
                when created_on = '2026-06-01' and cast(split_part(lead_id, '_', 3) as integer) < {n_phone} then 'phone'
                else 'web' end;
            insert into marts.mart_management_kpis_month by name
            select metric_name || created_on || channel_code as kpi_key, 'leads_new' as metric_name,
                created_on as period_month, 'channel' as segment_kind_code, channel_code as segment_code,
                count(*) as metric_value, count(*) as numerator, 'count' as unit_code
            from metrics.fct_lead_cadences, (select 'leads_new' as metric_name) group by all;
            """
        )
    return company


def by_segment(published: Path, kind: str) -> list[tuple]:
    return [
        (row["segment_code"], row["movement_code"], row["value_before"], row["effect"], row["n_units"])
        for row in rows(published, "kpi_segment_bridge")
        if row["segment_kind_code"] == kind
    ]


def test_leads_that_change_channel_are_published_with_both_legs(tmp_path: Path) -> None:
    publish(plant_channels(tmp_path, 1), MANIFEST)
    marts = publish(plant_channels(tmp_path, 3, n_leads=8, delivery="d2"), MANIFEST).marts
    assert by_segment(tmp_path / "published", "channel") == [
        ("phone", "migration_in", 1, 2, 2),
        ("web", "migration_out", 6, -2, 2),
        ("web", "within", 4, 1, 1),
    ]
    assert by_segment(tmp_path / "published", "all") == [("all", "within", 7, 1, 1)]
    with duckdb.connect(str(marts), read_only=True) as con:
        sums = "select segment_kind_code, sum(effect) from kpi_segment_bridge group by all order by all"
        assert con.execute(sums).fetchall() == [("all", 1), ("channel", 1)]


def test_a_figure_that_stays_while_its_segments_move_is_told_by_segment_alone(tmp_path: Path) -> None:
    publish(plant_channels(tmp_path, 0), MANIFEST)
    publish(plant_channels(tmp_path, 2, delivery="d2"), MANIFEST)
    assert rows(tmp_path / "published", "kpi_bridge") == []
    assert by_segment(tmp_path / "published", "channel") == [
        ("phone", "migration_in", 0, 2, 2),
        ("web", "migration_out", 7, -2, 2),
    ]
    live = read_log(tmp_path / "published")[-1].publication.publication_id
    found, n_moved = read_moved_segments(tmp_path / "published", live, ("channel",), 5)
    assert [(each.segment_code, each.before, each.after, each.share) for each in found] == [
        ("phone", 0, 2, pytest.approx(Decimal(2) / 7, abs=Decimal("1e-9")))
    ]
    assert n_moved == 2 and found[0].causes[0][1] == "migration_in"


def test_the_command_tells_the_segments_of_a_kind_or_one_of_them(tmp_path: Path) -> None:
    publish(plant_channels(tmp_path, 0), MANIFEST)
    publish(plant_channels(tmp_path, 2, delivery="d2"), MANIFEST)
    said = bridge(tmp_path, "leads_new", "--segment", "channel")
    assert "leads_new  2026-06  channel=web  7 -> 5" in said and "left for another segment" in said
    assert "channel=phone  0 -> 2" in said and "came from another segment" in said
    one = bridge(tmp_path, "--segment", "channel=web", "--language", "fr")
    assert "parties vers un autre segment" in one and "phone" not in one
    assert "No figure" in bridge(tmp_path, "--segment", "channel=web", "--month", "2026-05")
    content = json.loads(bridge(tmp_path, "--segment", "channel=web", "--json"))
    assert [(row["segment_code"], row["movement_code"]) for row in content["segment_bridge"]] == [
        ("web", "migration_out")
    ]
    assert content["unknown_segments_of"] is None
    for wrong, nearest in (("chanel", "channel"), ("channel=", "channel"), ("channel=phoen", "phone")):
        refused = CliRunner().invoke(cli.etalon, ["bridge", "--segment", wrong, "--company", str(tmp_path)])
        assert refused.exit_code == 2 and nearest in refused.output, wrong


def test_a_publication_without_bridges_is_not_one_in_which_nothing_moved(tmp_path: Path) -> None:
    published = publish(plant_channels(tmp_path, 0), MANIFEST).parquet
    for table, arguments, key, said in (
        ("kpi_segment_bridge", ("--segment", "channel"), "segment_bridge", "which segments moved"),
        ("kpi_bridge", (), "bridge", "why figures moved"),
    ):
        assert json.loads(bridge(tmp_path, *arguments, "--json"))[key] == []
        (published / f"{table}.parquet").unlink()
        assert said in bridge(tmp_path, *arguments)
        assert json.loads(bridge(tmp_path, *arguments, "--json"))[key] is None


def test_without_former_figures_by_segment_the_whole_is_bridged_and_the_command_says_so(
    tmp_path: Path,
) -> None:
    first = publish(plant_channels(tmp_path, 0), MANIFEST)
    kept = first.parquet / "mart_management_kpis_month.parquet"
    kept.write_bytes(kept.read_bytes()[:40])
    with pytest.raises(DamagedFileError, match=kept.name):
        publish(plant_channels(tmp_path, 2, n_leads=8, delivery="d2"), MANIFEST)
    kept.unlink()
    publish(plant_channels(tmp_path, 2, n_leads=8, delivery="d2"), MANIFEST)
    assert [row["effect"] for row in rows(tmp_path / "published", "kpi_bridge")] == [1]
    assert rows(tmp_path / "published", "kpi_segment_bridge") == []
    said = bridge(tmp_path, "--segment", "channel")
    assert f"Figures by segment of {first.publication_id}" in said and "no longer kept" in said
