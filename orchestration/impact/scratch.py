"""A work directory beside the real one, in which one decision has gone the other way.

It links to what the run left and holds its own copy of what a decision changes: dispositions, raw records, golden ids.
What does NOT belong here: building the warehouse (measuring.py). Nothing outside the directory is written.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from expectations.contact_policies import KEPT as CONTACT_POLICIES
from expectations.thresholds import KEPT as THRESHOLDS
from ingest.sql import connect, ident, literal
from orchestration.impact.switches import EVERY_MERGE, text_columns
from orchestration.matching.components import component_labels

_PLACE = "source_instance, _delivery_id, _source_row_id, _record_part"


class Scratch:
    """The directory `folder`, made again by `reset`. base: work directory of the company."""

    def __init__(self, base: Path, folder: Path) -> None:
        self.base, self.folder = base.resolve(), folder.resolve()

    def reset(self) -> None:
        """Everything as the run left it, by links; no warehouse."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("raw", "collect", "matching", "statistics"):
            (self.folder / name).mkdir(parents=True)
            for path in sorted((self.base / name).glob("*")):
                if path.is_dir() or path.suffix == ".parquet":
                    (self.folder / name / path.name).symlink_to(path)
        for name in ("run", "quality", "exchange", "tmp"):
            (self.folder / name).mkdir()
        (self.folder / "stewardship").symlink_to(self.base / "stewardship")
        (self.folder / "run" / "settings.parquet").symlink_to(self.base / "run" / "settings.parquet")
        for given in (CONTACT_POLICIES, THRESHOLDS):
            if (kept := self.base / given).is_file():
                (self.folder / given).symlink_to(kept)
        settings = pq.read_table(self.folder / "run" / "settings.parquet", columns=["cycle"])
        # What is built here is admitted to be compared, and is never published.
        verdict = settings.append_column("verdict", pa.array(["publish"]))
        pq.write_table(verdict, self.folder / "quality" / "gate_verdicts.parquet")

    def take_back(self, reason_code: str) -> list[str]:
        """Records that were set aside for a reason are kept, and cells of text that were emptied have their value.

        A record whose key another kept record has gets a key of its own: it counts beside the other one.
        Returns the contracts whose records are others now.
        """
        with connect(self.folder) as con:
            kept = self._keep(con, reason_code)
            self._read_cells(con, reason_code)
            concerned = con.execute(
                "select distinct contract, source_instance, _delivery_id from given_keys"
                " union select distinct contract, source_instance, _delivery_id from given_cells order by all"
            ).fetchall()
            for contract, instance, delivery in concerned:
                self._rewrite(con, contract, f"{instance}__{delivery}.parquet")
        return sorted({*kept, *(row[0] for row in concerned)})

    def leave_out(self, rule_id: str) -> list[str]:
        """The records that a rule on raw flags are set aside. Returns their contracts."""
        with connect(self.folder) as con:
            failures = literal(str(self.base / "quality" / "rule_failures.parquet"))
            flagged = (
                f"select distinct contract, _delivery_id, _source_row_id from read_parquet({failures})"
                f" where rule_id = {literal(rule_id)}"
            )
            contracts = [
                row[0] for row in con.execute(f"select distinct contract from ({flagged})").fetchall()
            ]
            parts = [
                f"select {literal(contract)} as contract, {_PLACE} from {self._raw(contract)}"
                f" semi join (select * from ({flagged}) where contract = {literal(contract)})"
                " using (_delivery_id, _source_row_id)"
                for contract in contracts
            ]
            disposed = self._collected("dispositions")
            self._replace(
                con,
                "dispositions",
                f"select * from {disposed} union all by name select *, 'excluded' as disposition,"
                f" 'flagged' as reason_code from ({' union all '.join(parts)}) anti join {disposed}"
                f" using (contract, {_PLACE})",
            )
        return sorted(contracts)

    def separate(self, evidence_code: str) -> None:
        """Golden records without the links of one kind of evidence; without any link for EVERY_MERGE.

        Links that other evidence has found stay. The part with the record that the id is anchored on keeps the id.
        """
        for entity, prefix in (("account", "acc_"), ("person", "per_")):
            history = pq.read_table(self.base / "matching" / f"{entity}_history.parquet")
            with connect(self.folder) as con:
                con.register("history", history)
                apart = _apart(con, self.base / "matching", entity, evidence_code)
                con.register("apart", apart)
                con.execute(
                    "create table renamed as select record_key, case when is_anchored then golden_id else"
                    f" {literal(prefix)} || left(sha256('apart' || chr(10) || first_key), 12) end as golden_id"
                    " from apart"
                )
                given = con.sql(
                    "select h.* replace (case when h.valid_to is null then coalesce(r.golden_id, h.golden_id)"
                    " else h.golden_id end as golden_id) from history as h left join renamed as r using (record_key)"
                    " order by record_key, valid_from"
                ).to_arrow_table()
            target = self.folder / "matching" / f"{entity}_history.parquet"
            target.unlink()
            pq.write_table(given.cast(history.schema), target)

    def must_match_again(self) -> bool:
        """True when the records that matching reads were built again and are not those of the run.

        Records of the other entity, which were not built again, are linked for matching.
        """
        is_other = False
        for entity in ("account", "person"):
            before, now = (
                work / "exchange" / f"int_{entity}_records.parquet" for work in (self.base, self.folder)
            )
            if now.is_file():
                is_other |= self._content(before) != self._content(now)
            else:
                now.symlink_to(before)
        return is_other

    def _content(self, path: Path) -> tuple[int, int]:
        with connect(self.folder) as con:
            query = f"select count(*), bit_xor(hash(r)) from read_parquet({literal(str(path))}) as r"
            return con.execute(query).fetchall()[0]

    def _keep(self, con: duckdb.DuckDBPyConnection, reason_code: str) -> list[str]:
        """Drop the dispositions of a reason; table given_keys: records that need a key of their own.

        Returns their contracts.
        """
        disposed = self._collected("dispositions")
        con.execute(f"create table given_keys (contract varchar, {_typed_place()}, source_record_id varchar)")
        again = f"select * from {disposed} where reason_code = {literal(reason_code)}"
        contracts = [row[0] for row in con.execute(f"select distinct contract from ({again})").fetchall()]
        for contract in contracts:
            name = literal(contract)
            con.execute(
                f"insert into given_keys with rows as (select {_PLACE}, source_record_id, reason_code"
                f" from {self._raw(contract)} left join (select {_PLACE}, reason_code from {disposed}"
                f" where contract = {name}) using ({_PLACE})"
                f" where coalesce(reason_code = {literal(reason_code)}, true)),"
                " again as (select * from rows where reason_code is not null),"
                " placed as (select *, row_number() over (partition by source_instance, source_record_id"
                f" order by reason_code is not null, {_PLACE}) as place from rows"
                " where source_record_id in (select source_record_id from again) or source_record_id is null)"
                f" select {name}, {_PLACE},"
                " coalesce(source_record_id, '') || '~' || _delivery_id || ':' || _source_row_id || ':' || _record_part"
                " from placed where reason_code is not null and (place > 1 or source_record_id is null)"
            )
        if contracts:
            kept = f"select * from {disposed} where reason_code is distinct from {literal(reason_code)}"
            self._replace(con, "dispositions", kept)
        return contracts

    def _read_cells(self, con: duckdb.DuckDBPyConnection, reason_code: str) -> None:
        """Table given_cells: the cells of text that a reason emptied, with what stood there."""
        fields = [
            literal(f"{contract}.{name}") for contract, names in text_columns().items() for name in names
        ]
        con.execute(
            f"create table given_cells as select contract, {_PLACE}, field, min(value_before) as value"
            f" from {self._collected('changes')} where reason_code = {literal(reason_code)} and action = 'null'"
            f" and contract || '.' || field in ({', '.join(fields)}) group by contract, {_PLACE}, field"
        )

    def _rewrite(self, con: duckdb.DuckDBPyConnection, contract: str, file: str) -> None:
        """One raw file with the given keys and cells, in a folder that is no link any more."""
        folder, source = self.folder / "raw" / contract, self.base / "raw" / contract
        if folder.is_symlink():
            folder.unlink()
            folder.mkdir()
            for path in sorted(source.glob("*.parquet")):
                (folder / path.name).symlink_to(path)
        name = literal(contract)
        fields = [
            row[0]
            for row in con.execute(
                f"select distinct field from given_cells where contract = {name} order by field"
            ).fetchall()
        ]
        values = "".join(f", max(value) filter (where field = {literal(f)}) as {ident(f)}" for f in fields)
        replaced = [
            "coalesce(k.source_record_id, r.source_record_id) as source_record_id",
            *(f"coalesce(c.{ident(f)}, r.{ident(f)}) as {ident(f)}" for f in fields),
        ]
        (folder / file).unlink()
        con.execute(
            f"copy (select r.* replace ({', '.join(replaced)}) from read_parquet({literal(str(source / file))}) as r"
            f" left join (select * from given_keys where contract = {name}) as k using ({_PLACE})"
            f" left join (select {_PLACE}{values} from given_cells where contract = {name} group by {_PLACE}) as c"
            f" using ({_PLACE}) order by r._source_row_id, r._record_part)"
            f" to {literal(str(folder / file))} (format parquet, compression lz4)"
        )

    def _raw(self, contract: str) -> str:
        pattern = literal(str(self.base / "raw" / contract / "*.parquet"))
        return f"read_parquet({pattern}, union_by_name = true)"

    def _collected(self, name: str) -> str:
        return f"read_parquet({literal(str(self.base / 'collect' / f'{name}.parquet'))})"

    def _replace(self, con: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
        target = self.folder / "collect" / f"{name}.parquet"
        target.unlink()
        con.execute(f"copy ({query}) to {literal(str(target))} (format parquet, compression lz4)")


def _typed_place() -> str:
    return "source_instance varchar, _delivery_id varchar, _source_row_id bigint, _record_part integer"


def _apart(con: duckdb.DuckDBPyConnection, matching: Path, entity: str, evidence_code: str) -> pa.Table:
    """record_key, golden_id now, first_key of its part, is_anchored: the part keeps the golden id.

    What holds a golden record together is its accepted links; what they do not reach is held as it was.
    """
    golden = (
        con.sql(
            "select record_key, golden_id, row_number() over (order by record_key) - 1 as node from history"
            " where valid_to is null order by node"
        )
    ).to_arrow_table()
    con.register("golden", golden)
    links = (
        con.sql(
            f"select a.node as near, b.node as far, e.evidence_code"
            f" from read_parquet({literal(str(matching / 'edges.parquet'))}) as e"
            " join golden as a on e.left_record_key = a.record_key"
            " join golden as b on e.right_record_key = b.record_key"
            f" where e.entity = {literal(entity)} and e.decision = 'accepted' and a.golden_id = b.golden_id"
        )
    ).to_arrow_table()
    n = golden.num_rows
    near, far = (links[name].to_numpy().astype(np.int64) for name in ("near", "far"))
    linked = component_labels(n, near, far)
    if evidence_code == EVERY_MERGE:
        parts = np.arange(n, dtype=np.int64)
    else:
        ids = golden["golden_id"].dictionary_encode().combine_chunks().indices.to_numpy()
        firsts = np.full(int(ids.max()) + 1 if n else 0, n, dtype=np.int64)
        np.minimum.at(firsts, ids, linked)
        others = links["evidence_code"].to_numpy(zero_copy_only=False) != evidence_code
        loose = np.flatnonzero(linked == np.arange(n))  # one record of each part that links hold together
        parts = component_labels(
            n, np.concatenate([near[others], loose]), np.concatenate([far[others], firsts[ids[loose]]])
        )
    con.register("parts", pa.table({"node": np.arange(n, dtype=np.int64), "part": parts}))
    return con.sql(
        "select g.record_key, g.golden_id, min(g.record_key) over (partition by p.part) as first_key,"
        " first_value(p.part) over (partition by g.golden_id"
        "   order by a.anchor_record_key is null, g.record_key) = p.part as is_anchored"
        " from golden as g join parts as p using (node)"
        f" left join (select golden_id, anchor_record_key"
        f"   from read_parquet({literal(str(matching / 'golden_ids.parquet'))})"
        f"   where entity = {literal(entity)} and status = 'active') as a"
        "   on g.golden_id = a.golden_id and g.record_key = a.anchor_record_key"
    ).to_arrow_table()
