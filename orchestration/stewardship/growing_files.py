"""Files of people's decisions that only grow: read strictly with their lines, a line added by rename.

What does NOT belong here: what a line means (outlier_classes.py, exclusions.py), decisions on records (files.py).
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from ingest.inert_text import inert_text, meant_text
from ingest.private_files import private_files
from orchestration.stewardship.errors import StewardshipError


def read_lines(
    folder: Path, file: str, columns: Collection[str], free: Collection[str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """(file and line, column -> cell) of every line in the order of the file; nothing without a file.

    free: columns in which people write what they like. Raises StewardshipError E-STW-001 or 005: other columns, or no
    text.
    """
    path = folder / file
    if not path.is_file():
        return
    place = f"stewardship/{file}"
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        detail = f"byte {error.start} is not UTF-8"
        raise StewardshipError("E-STW-005", place, is_usage=True, detail=detail) from error
    first = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;", key=first.count), strict=True)
    try:
        header = tuple(cell.strip() for cell in next(reader, []))
        if sorted(header) != sorted(columns):
            raise _other_columns(place, ", ".join(header), columns)
        for cells in reader:
            where = f"{place}:{reader.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise _other_columns(where, f"{len(cells)} / {len(header)}", columns)
            values = dict(zip(header, (cell.strip() for cell in cells), strict=True))
            yield where, {name: meant_text(cell) if name in free else cell for name, cell in values.items()}
    except csv.Error as error:
        where = f"{place}:{reader.line_num}"
        raise StewardshipError("E-STW-005", where, is_usage=True, detail=error) from error


def append_line(
    folder: Path, file: str, columns: Collection[str], cells: Mapping[str, str], free: Collection[str]
) -> None:
    """Add a line. The file is replaced by rename, readable by its owner only."""
    with private_files(folder):
        path = folder / file
        before = path.read_bytes() if path.is_file() else b""
        written, delimiter = list(columns), ","
        if before:
            first = before.decode("utf-8-sig").split("\n", 1)[0].rstrip("\r")
            delimiter = max(",;", key=first.count)
            written = [name.strip() for name in first.split(delimiter)]
        text = io.StringIO()
        writer = csv.DictWriter(text, written, delimiter=delimiter, lineterminator="\n")
        if not before:
            writer.writeheader()
        elif not before.endswith(b"\n"):
            text.write("\n")
        writer.writerow({name: inert_text(cell) if name in free else cell for name, cell in cells.items()})
        aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            with aside.open("wb") as opened:
                opened.write(before + text.getvalue().encode())
                opened.flush()
                os.fsync(opened.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


def wrong_value(where: str, column: str, value: str, possible: str) -> StewardshipError:
    """E-STW-002 of one cell."""
    return StewardshipError(
        "E-STW-002", where, is_usage=True, column=column, value=repr(value[:60]), possible=possible
    )


def _other_columns(where: str, detail: str, columns: Collection[str]) -> StewardshipError:
    return StewardshipError("E-STW-001", where, is_usage=True, detail=detail, columns=",".join(columns))
