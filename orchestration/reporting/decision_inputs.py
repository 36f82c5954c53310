"""Reads what was decided: the cleaning journal by reason with masked samples, stewards' decisions, open questions.

Values leave this module masked: letters as x, and digits as 0 where the contract says that a column describes a
person. What does not belong here: deciding, wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestration.reporting.figures import CleaningDecision
from orchestration.reporting.privacy import masked, shape
from orchestration.reporting.quality_figures import IdChange, JournalSample, ReviewCount, StewardDecision

if TYPE_CHECKING:
    from orchestration.reporting.inputs import Reader

_JOURNAL = "quality_dbt.dq_journal"
SAMPLES_SHOWN = 2
# Their values are keys of records and ids of golden records, deliveries or facts.
_KEYED = ("merge", "supersede", "exclude", "keep_apart", "link", "duplicate")


def cleaning_decisions(reader: Reader) -> tuple[CleaningDecision, ...]:
    """Counts of the journal; before dbt has built it, of the changes that ingest made."""
    query = """
        select coalesce(reason_code, '') as reason_code, action, coalesce(contract, '') as table_name,
            coalesce(field, '') as field_name, {actor} as actor, {moment} as last_decided_at,
            cast({count} as bigint) as n_decisions
        from relation group by all order by all
    """
    columns = reader.columns(_JOURNAL)
    actor = "case when actor = 'rule' then 'rule' else 'person' end" if "actor" in columns else "'rule'"
    moment = "max(cast(decided_at as timestamp))" if "decided_at" in columns else "cast(null as timestamp)"
    rows = reader.table(_JOURNAL, query.format(count="sum(n_decisions)", actor=actor, moment=moment))
    rows = rows or reader.parquet(
        "collect/changes", query.format(count="count(*)", actor="'rule'", moment="cast(null as timestamp)")
    )
    return tuple(CleaningDecision(**row, **_wording(row["reason_code"])) for row in rows)


def _wording(reason_code: str) -> dict[str, str]:
    from ingest.reasons import reasons

    reason = reasons().get(reason_code)
    return {"label_fr": reason.fr, "label_en": reason.en} if reason else {}


def journal_samples(reader: Reader) -> tuple[JournalSample, ...]:
    """Up to two decisions of each reason and action, of different tables and fields first, their values masked."""
    places = reader.path("collect/deliveries")
    if not places.is_file():
        return ()
    # One row per table and field, the smallest: a sample that is the same whatever the number of threads.
    query = f"""
        , sampled as (
            select coalesce(reason_code, '') as reason_code, action, coalesce(contract, '') as table_name,
                coalesce(field, '') as field_name,
                min(struct_pack(
                    line := coalesce(_source_row_id, 0), delivery := coalesce(_delivery_id, ''),
                    record := coalesce(record_key, ''), before := value_before, after := value_after
                )) as chosen
            from relation group by all
        ),
        ranked as (
            select *, row_number() over (partition by reason_code, action order by table_name, field_name) as rank
            from sampled
        )
        select ranked.reason_code, ranked.action, ranked.table_name, ranked.field_name,
            chosen.record as record_key, chosen.before as before, chosen.after as after, chosen.line as line,
            files.source_instance, files.file_path
        from ranked
        left join (
            select _delivery_id, min(source_instance) as source_instance, min({reader.file_name()}) as file_path
            from read_parquet(?) group by all
        ) as files on files._delivery_id = ranked.chosen.delivery
        where rank <= {SAMPLES_SHOWN}
        order by ranked.reason_code, ranked.action, rank
    """
    return tuple(_sample(row) for row in reader.table(_JOURNAL, query, (str(places),)))


def _sample(row: dict[str, Any]) -> JournalSample:
    has_place = row["file_path"] and row["line"]
    return JournalSample(
        reason_code=row["reason_code"],
        action=row["action"],
        table_name=row["table_name"],
        field_name=row["field_name"],
        record_key=masked(row["record_key"]),
        before=_shown(row, row["before"]),
        after=_shown(row, row["after"]),
        place=masked(f"{row['source_instance']}:{row['file_path']}:{row['line']}") if has_place else "",
    )


def _shown(row: dict[str, Any], value: str | None) -> str:
    """A value of the journal as a report may show it."""
    from ingest.contract import load_contracts

    if value is None:
        return ""
    if row["action"] in _KEYED:
        return masked(value)
    contract = load_contracts().get(row["table_name"])
    known = {column.name: column for column in contract.columns} if contract else {}
    column = known.get(row["field_name"])
    if column is None or column.pii is not None:
        return shape(value)
    return value if value in column.values else masked(shape(value, keep_digits=True))


def steward_decisions(reader: Reader) -> tuple[StewardDecision, ...]:
    """Every decision ever recorded, the latest first, with its standing in this run."""
    rows = reader.file(
        reader.path("stewardship/decisions"),
        {
            "decision_id",
            "entity",
            "kind",
            "status",
            "record_keys",
            "author",
            "reason",
            "decided_at",
            "expires_on",
        },
        "select * from relation order by decided_at desc, decision_id",
    )
    found = [
        StewardDecision(
            decision_id=row["decision_id"],
            entity=row["entity"],
            kind=row["kind"],
            status=row["status"],
            record_keys=tuple(masked(key) for key in row["record_keys"] or ()),
            author=row["author"] or "",
            reason=row["reason"] or "",
            decided_at=row["decided_at"],
            expires_on=row["expires_on"],
            field_name=row.get("field") or "",
        )
        for row in rows or ()
    ]
    classes = reader.file(
        reader.path("stewardship/outlier_classes"),
        {
            "decision_id",
            "metric_code",
            "record_key",
            "class_code",
            "author",
            "reason",
            "decided_at",
            "status",
        },
        "select * from relation order by decided_at desc, decision_id",
    )
    found += [
        StewardDecision(
            decision_id=row["decision_id"],
            entity="",
            kind="outlier",
            status=row["status"],
            record_keys=(masked(row["record_key"]),),
            author=row["author"] or "",
            reason=row["reason"] or "",
            decided_at=row["decided_at"],
            field_name=f"{row['metric_code']} = {row['class_code']}",
        )
        for row in classes or ()
    ]
    return tuple(found)


def review_counts(reader: Reader) -> tuple[ReviewCount, ...]:
    """Questions that wait for a steward, by entity and kind."""
    query = """
        select entity, kind, count(*) as n_items, count(postponed_at) as n_postponed,
            cast(sum(impact_value) as decimal(38, 2)) as impact_value, coalesce(min(impact_unit), '') as impact_unit
        from relation group by all order by n_items desc, entity, kind
    """
    return tuple(ReviewCount(**row) for row in reader.table("quality_dbt.dq_review_queue", query))


def id_changes(reader: Reader) -> tuple[IdChange, ...]:
    """Records whose golden id changed since the cycle before, by cause; one seen for the first time is no change."""
    query = """
        select entity, cause, count(*) as n_records from relation where cause <> 'first_seen'
        group by all order by entity, n_records desc, cause
    """
    return tuple(IdChange(**row) for row in reader.parquet("matching/id_changes", query))
