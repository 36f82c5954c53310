"""Who owned whom, and when: a dated merger of two groups, a buying group, a take-over to come, as stewards record them.

The CRM shows only today's parents, without a date. The truth of the three views of revenue is worked out here link by
link, not by the SQL of the warehouse.
What does NOT belong here: the parents that the CRM shows (companies.py, salesforce.py).
"""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from ingest.demo.scratch import Scratch
from ingest.demo.sizes import CYCLE, Size, month_end

COLUMNS = (
    "decision_id", "child_record_key", "parent_record_key", "kind_code", "valid_from", "valid_to", "author",
    "reason", "decided_at", "expires_on",
)  # fmt: skip
_EPOCH = dt.date(1970, 1, 1)
_LAST_DAY = _EPOCH + dt.timedelta(seconds=month_end(CYCLE) - 1)


@dataclass(frozen=True)
class Link:
    """A company under another from valid_from up to, not including, valid_to; None is open. Companies are `acc`."""

    child: int
    parent: int
    kind: str
    valid_from: dt.date | None
    valid_to: dt.date | None
    reason: str

    def holds(self, kind: str, day: dt.date) -> bool:
        begun = self.valid_from is None or self.valid_from <= day
        return self.kind == kind and begun and (self.valid_to is None or day < self.valid_to)


def make_group_links(scratch: Scratch, size: Size) -> None:
    """Tables group_links (one row per link) and group_spans (top of every linked company, span by span).

    Also as_is_roots: the top of every company by ownership on the last day of the cycle.
    """
    links = _links(scratch) if size.has_sheets else []
    scratch.store(
        "group_links",
        {
            "link_no": list(range(1, len(links) + 1)),
            "child": [each.child for each in links],
            "parent": [each.parent for each in links],
            "kind_code": [each.kind for each in links],
            "valid_from": [str(each.valid_from or "") for each in links],
            "valid_to": [str(each.valid_to or "") for each in links],
            "reason": [each.reason for each in links],
        },
        "cast(link_no as int) as link_no, cast(child as int) as child, cast(parent as int) as parent, * exclude"
        " (link_no, child, parent)",
    )
    shown = dict(scratch.rows("select acc, parent_acc from companies where parent_acc >= 0"))
    concerned = sorted(
        {*shown, *shown.values(), *(acc for each in links for acc in (each.child, each.parent))}
    )
    changes = sorted({day for each in links for day in (each.valid_from, each.valid_to) if day})
    starts = [dt.date(1900, 1, 1), *changes]
    spans = []
    for kind in ("legal", "buying"):
        for acc in concerned:
            for start, end in zip(starts, [*changes, dt.date(9999, 1, 1)], strict=True):
                top = _top(acc, kind, start, links, shown)
                if kind == "legal" or top != acc:
                    spans.append((acc, kind, start, end, top))
                elif any(each.parent == acc and each.holds(kind, start) for each in links):
                    spans.append((acc, kind, start, end, acc))
    scratch.store(
        "group_spans",
        {
            "acc": [row[0] for row in spans],
            "kind_code": [row[1] for row in spans],
            "first_day": [(row[2] - _EPOCH).days for row in spans],
            "end_day": [(row[3] - _EPOCH).days for row in spans],
            "top_acc": [row[4] for row in spans],
        },
    )
    last_day = (_LAST_DAY - _EPOCH).days
    scratch.run(f"""
        create or replace table as_is_roots as
        select c.acc, coalesce(s.top_acc, c.acc) as root_acc from companies c left join group_spans s
          on s.acc = c.acc and s.kind_code = 'legal' and {last_day} >= s.first_day and {last_day} < s.end_day""")


def _links(scratch: Scratch) -> list[Link]:
    heads = [acc for (acc,) in scratch.rows(
        "select distinct root_acc from companies where root_acc <> acc order by 1 limit 2")]  # fmt: skip
    sisters = [acc for (acc,) in scratch.rows(
        f"select min(acc) from companies where is_base and root_acc <> acc and root_acc in ({heads[0]}, {heads[1]})"
        " group by root_acc order by 1")]  # fmt: skip
    alone = [acc for (acc,) in scratch.rows(
        "select acc from companies where country = 'FR' and root_acc = acc and acc in (select acc from account_of)"
        " and acc not in (select root_acc from companies where root_acc <> acc)"
        " order by is_base desc, acc limit 5")]  # fmt: skip
    owner, target, centre, buyer, leaver = alone
    merger, take_over = dt.date(2025, 10, 16), dt.date(2026, 10, 1)
    return [
        Link(heads[0], owner, "legal", merger, None, "merger of two groups under a new owner"),
        Link(heads[1], owner, "legal", merger, None, "merger of two groups under a new owner"),
        Link(
            sisters[0], sisters[0], "legal", None, dt.date(2025, 4, 11), "bought by the group on 2025-04-11"
        ),
        Link(target, heads[1], "legal", take_over, None, "take-over announced"),
        Link(sisters[1], centre, "buying", dt.date(2025, 3, 10), None, "member of the purchasing group"),
        Link(buyer, centre, "buying", dt.date(2025, 11, 5), None, "member of the purchasing group"),
        Link(
            leaver, centre, "buying", dt.date(2025, 3, 10), dt.date(2026, 1, 20), "left the purchasing group"
        ),
    ]


def _top(acc: int, kind: str, day: dt.date, links: list[Link], shown: dict[int, int]) -> int:
    """The company at the top of `acc` on a day; links here make no loop."""
    while True:
        decided = [each.parent for each in links if each.child == acc and each.holds(kind, day)]
        parent = decided[-1] if decided else shown.get(acc, acc) if kind == "legal" else acc
        if parent == acc:
            return acc
        acc = parent


def write_group_links(scratch: Scratch, folder: Path) -> None:
    """group_links.csv in the folder of stewards' decisions; nothing when there is no link."""
    rows = scratch.rows("""
        select 'link-' || code(link_no, 3), 'crm/crm_account/' || account_id(c.account_no),
          'crm/crm_account/' || account_id(p.account_no), kind_code, valid_from, valid_to, 'demo.steward', reason,
          '2026-06-15T09:00:00Z', ''
        from group_links g join account_of c on c.acc = g.child join account_of p on p.acc = g.parent
        order by link_no""")
    if not rows:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "group_links.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def write_group_truth(scratch: Scratch, folder: Path) -> None:
    """group_revenue.parquet: revenue by view, kind of group, top company and month; 'none' outside buying groups."""
    last_day = (_LAST_DAY - _EPOCH).days
    scratch.run(f"""
        create or replace table line_days as
        select i.acc, i.day, i.period_month, sum(l.net * i.rate) as revenue
        from invoices i join invoice_lines l using (inv) group by all;
        create or replace table group_revenue as
        with asked as (select * from line_days,
          (select unnest(['legal', 'buying']) as kind_code),
          (select * from (values ('as_was', null), ('as_is', {last_day}), ('pro_forma', {last_day + 3650})) v(view_code,
            at_day)))
        select a.view_code, a.kind_code, case when s.top_acc is not null then 'A' || code(s.top_acc, 8)
            when a.kind_code = 'legal' then 'A' || code(a.acc, 8) else 'none' end as group_true_id,
          cast(a.period_month || '-01' as date) as period_month, sum(a.revenue) as revenue
        from asked a left join group_spans s on s.acc = a.acc and s.kind_code = a.kind_code
          and coalesce(a.at_day, a.day) >= s.first_day and coalesce(a.at_day, a.day) < s.end_day
        group by all;
        copy (select * from group_revenue order by all) to '{folder}/group_revenue.parquet' (format parquet)""")
