"""How the hand-written script reads the files of its one company, and the spellings it mends on the way.

What does NOT belong here: what a record means (see hand_written_records, hand_written_events).
"""

from pathlib import Path

OWN_DOMAIN = "etalon-demo.example"
#: First instant of July 2026 in Paris.
AS_OF = "timestamp '2026-06-30 22:00:00'"
#: First and last day of summer time in Paris, for the years of the files.
SUMMERS = (
    ("2022-03-27", "2022-10-30"), ("2023-03-26", "2023-10-29"), ("2024-03-31", "2024-10-27"),
    ("2025-03-30", "2025-10-26"), ("2026-03-29", "2026-10-25"),
)  # fmt: skip
CRM_NULLS = ("", "N/A", "Select", "-", "[not provided]", "0000000000")
ERP_NULLS = ("", "N/A", "000000000", "01/01/1900")


def csv(
    path: str,
    columns: list[str] | None = None,
    delimiter: str = ",",
    encoding: str = "utf-8",
    nulls: tuple[str, ...] = ("",),
    more: str = "",
) -> str:
    """A read_csv call over a glob, every column text; columns None takes the header of the first file."""
    header = columns is None
    if columns is None:
        with sorted(Path("/").glob(path.lstrip("/")))[0].open(encoding=encoding) as first:
            columns = [c.strip('"') for c in first.readline().strip().split(delimiter)]
    names = "{" + ", ".join("'" + c.replace("'", "''") + "': 'VARCHAR'" for c in columns) + "}"
    return (
        f"read_csv('{path}', header = {header}, auto_detect = false, columns = {names}, delim = '{delimiter}', "
        f"quote = '\"', escape = '\"', encoding = '{encoding}', nullstr = {list(nulls)}, filename = true, "
        f"ignore_errors = true{more})"
    )


def in_utf8(path: str, folder: Path, name: str) -> str:
    """Copies of small cp1252 files whose bytes 80 to 9F (the euro sign) DuckDB's latin-1 refuses; their glob."""
    folder.mkdir(exist_ok=True)
    for number, source in enumerate(sorted(Path("/").glob(path.lstrip("/")))):
        (folder / f"{name}{number:03d}.csv").write_bytes(source.read_bytes().decode("cp1252").encode())
    return f"{folder}/{name}*.csv"


def latest(name: str, source: str, columns: str, key: str, order: str, where: str = "true") -> str:
    """A table of the newest version of each key: by `order`, then by the month of the file."""
    return (
        f"create temp table {name} as select {columns} from {source} where {where} "
        f"qualify row_number() over (partition by {key} order by {order} desc nulls last, filename desc) = 1"
    )


def day(column: str) -> str:
    """A date written dd/mm/yyyy or as ISO."""
    return f"cast(try_strptime({column}, ['%d/%m/%Y', '%Y-%m-%d']) as date)"


def offset(moment: str, begins: str, ends: str) -> str:
    """How far Paris is ahead of UTC, by the times of the switch; DuckDB's zone tables take ten times as long."""
    summer = " or ".join(
        f"{moment} >= timestamp '{first} {begins}' and {moment} < timestamp '{last} {ends}'"
        for first, last in SUMMERS
    )
    return f"to_hours(case when {summer} then 2 else 1 end)"


def utc(wall_clock: str) -> str:
    """UTC instant of a wall clock in Paris, the earlier one of two; of a date its first instant."""
    return f"{wall_clock} - {offset(wall_clock, '02:00:00', '03:00:00')}"


def local_day(instant: str) -> str:
    """Day in Paris of a UTC instant."""
    return f"cast({instant} + {offset(instant, '01:00:00', '01:00:00')} as date)"


def amount(column: str, scale: int = 4) -> str:
    """A number with a decimal comma."""
    return f"try_cast(replace({column}, ',', '.') as decimal(18, {scale}))"


def e164(bare: str) -> str:
    """E.164 of a French or international number of digits and a plus sign."""
    return (
        f"case when starts_with({bare}, '+') then {bare} "
        f"when starts_with({bare}, '00') then '+' || substr({bare}, 3) "
        f"when starts_with({bare}, '0') and length({bare}) = 10 then '+33' || substr({bare}, 2) end"
    )


def typed_phone(column: str) -> str:
    """E.164 of a number as people type it, with blanks, dots or '+33 (0)6'."""
    return e164(f"translate(replace({column}, '(0)', ''), ' .-()/', '')")
