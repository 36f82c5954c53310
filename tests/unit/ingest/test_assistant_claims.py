"""Random small tables with a known separator, encoding, header, date order and decimal mark: no claim may be wrong."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingest.assistant.dates import prove_dates
from ingest.assistant.encodings import decide_encoding, read_bytes
from ingest.assistant.layout import decide_dialect, decide_header
from ingest.assistant.numbers import prove_numbers
from ingest.assistant.questions import Interview
from ingest.assistant.spelling import known_headers
from ingest.assistant.table import open_table

NAMES = [
    "Id",
    "Nom",
    "Société",
    "Montant",
    "Date",
    "E-mail",
    "Ville",
    "Code",
    "Libellé",
    "X1",
    "Réf",
    "2024",
    "Total",
]
WORDS = [
    "Élan", "café", "à l'été", "Noël", "Paris", "N° 4", "Œuvre", "a,b", "x; y", "10", "d'or", "Mañana", "Straße", "€",
    "tab\there", "a|b", "", 'quote "q"',
]  # fmt: skip
N_TABLES = 250


@dataclass(frozen=True)
class Planted:
    """One table as it was written."""

    text: str
    delimiter: str
    encoding: str
    has_header: bool
    kinds: list[str]


def planted(seed: random.Random) -> Planted:
    n, width = seed.choice([1, 2, 3, 5, 20, 100]), seed.randint(1, 6)
    delimiter, encoding = (
        seed.choice(",;\t|"),
        seed.choice(["cp1252", "utf-8", "cp850", "iso8859-15", "mac_roman"]),
    )
    kinds = [seed.choice(["word", "word", "dmy", "mdy", "ymd", ",", ".", "whole"]) for _ in range(width)]
    start, span = dt.date(2024, seed.randint(1, 12), 1), seed.choice([5, 12, 28, 200])

    def cell(kind: str) -> str:
        day = start + dt.timedelta(days=seed.randrange(span))
        number = f"{seed.uniform(0, 2000):.{seed.choice([1, 2, 3])}f}"
        made: dict[str, Callable[[], str]] = {
            "word": lambda: seed.choice(WORDS),
            "dmy": lambda: f"{day:%d/%m/%Y}",
            "mdy": lambda: f"{day:%m/%d/%Y}",
            "ymd": lambda: day.isoformat(),
            ",": lambda: number.replace(".", ","),
            ".": lambda: number,
            "whole": lambda: str(seed.randint(0, 500)),
        }
        return made[kind]()

    has_header, quotes_all = seed.random() < 0.7, seed.random() < 0.5
    rows = ([seed.sample(NAMES, width)] if has_header else []) + [[cell(k) for k in kinds] for _ in range(n)]
    rows = [row if width > 1 or row[0] else ["z"] for row in rows]

    def quoted(value: str) -> str:
        needs = quotes_all or delimiter in value or '"' in value
        return '"' + value.replace('"', '""') + '"' if needs else value

    text = "\n".join(delimiter.join(quoted(v) for v in row) for row in rows) + "\n"
    return Planted(text.encode(encoding, "ignore").decode(encoding), delimiter, encoding, has_header, kinds)


def test_no_claim_about_a_random_table_is_wrong(tmp_path: Path) -> None:
    seed, decided, path = random.Random(20260601), Counter[str](), tmp_path / "table.csv"
    for _ in range(N_TABLES):
        table = planted(seed)
        raw = table.text.encode(table.encoding)
        path.write_bytes(raw)
        encoding = decide_encoding(read_bytes(path), "k", Interview())
        if not encoding.is_open:
            decided["encoding"] += 1
            assert raw.decode(encoding.best) == table.text, (table.encoding, encoding.best)
        lines, width = table.text.split("\n")[:-1], len(table.kinds)
        dialect = decide_dialect(lines, "k", Interview())
        if not dialect.delimiter.is_open:
            decided["separator"] += 1
            assert dialect.delimiter.best == table.delimiter or width == dialect.reading.width == 1, lines[:3]
        if dialect.delimiter.best != table.delimiter or not dialect.reading.records:
            continue
        header = decide_header(dialect.reading, set(known_headers()), "k", Interview())
        if not header.decision.is_open:
            decided["header"] += 1
            assert header.decision.best is table.has_header, lines[:3]
        if len(lines) > 3 and width > 1:
            columns_are_right(table, lines[1:] if table.has_header else lines, tmp_path, decided)
    # Tiny tables leave much open; a claimant that never claims would pass the rest.
    assert decided["separator"] > 0.8 * N_TABLES and decided["header"] > 0.6 * N_TABLES
    assert decided["date"] > 50 and decided["decimal"] > 50 and decided["encoding"] > 0.3 * N_TABLES


def columns_are_right(table: Planted, body: list[str], folder: Path, decided: Counter[str]) -> None:
    text = folder / "body.csv"
    text.write_text("\n".join(body) + "\n", encoding="utf-8")
    names = tuple(f"c{i}" for i in range(len(table.kinds)))
    with open_table(text, 0, table.delimiter, '"', names, folder) as opened:
        for at, kind in enumerate(table.kinds):
            if kind in ("dmy", "mdy", "ymd"):
                dates = prove_dates(opened, at)
                if dates and dates.formats:
                    decided["date"] += 1
                    assert dates.order == kind, body[:3]
            elif kind in (",", "."):
                numbers = prove_numbers(opened, at)
                if numbers.decimal and not numbers.is_open:
                    decided["decimal"] += 1
                    assert numbers.decimal == kind, body[:3]
