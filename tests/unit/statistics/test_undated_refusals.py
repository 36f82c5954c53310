"""The two queries for refusals without a date, that of the statistics and that of the dbt models, give one answer."""

from itertools import product
from pathlib import Path

from planted_warehouse_of_deals import AS_OF, add, open_warehouse

from orchestration.statistics.undated_refusals import UNDATED

ROOT = Path(__file__).resolve().parents[3]
SCHEMAS = {
    "dim_persons": "master",
    "int_contact_refusals": "conforming",
    "int_person_attributes": "conforming",
}


def macro_query() -> str:
    """The body of the macro undated_refusals, over the tables that its refs name."""
    text = (ROOT / "dbt_project" / "macros" / "contact_policy.sql").read_text(encoding="utf-8")
    body = text.split("{% macro undated_refusals() -%}")[1].split("{%- endmacro %}")[0]
    for name, schema in SCHEMAS.items():
        body = body.replace("{{ ref('" + name + "') }}", f"{schema}.{name}")
    assert "{" not in body
    return f"select person_id from ({body}) where is_mail_undated or is_call_undated"


def test_every_mix_of_flags_and_dates_is_undated_for_both_or_for_neither(tmp_path: Path) -> None:
    con = open_warehouse(tmp_path / "warehouse.duckdb")
    mixes = list(
        product((True, False, None), (True, False, None), ("email", "voice", None), (True, False), range(3))
    )
    for i, (mail, call, dated, is_of_flag, undated) in enumerate(mixes):
        person = f"per_{i}"
        add(con, "master.dim_persons", person_id=person, is_email_opted_out=mail, is_call_opted_out=call)
        if dated:
            add(con, "conforming.int_contact_refusals", person_id=person, channel_code=dated, refused_at=AS_OF,
                is_of_flag=is_of_flag)  # fmt: skip
        if undated:
            add(con, "conforming.int_person_attributes", person_id=person, is_email_undated=undated == 1,
                is_call_undated=undated == 2)  # fmt: skip
    found, of_macro = (
        sorted(person for (person,) in con.execute(query).fetchall()) for query in (UNDATED, macro_query())
    )
    con.close()
    assert found == of_macro and 50 < len(found) < len(mixes) - 50
