"""Files whose fields stand at fixed places of each line -> records; a line of another length is set aside.

Places are characters after decoding, the first one is 1. Read in batches, so that memory is bounded.
What does NOT belong here: decoding (text_preparation.py) and types (conversion.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.errors import RefusedFile
from ingest.mapping import FileSpec
from ingest.reading import LineCounts, Records, positions
from ingest.sql import literal
from ingest.strict_reader import BATCH, RAW_LINE_LIMIT, Quarantined, check_quarantine, records_schema
from ingest.text_preparation import Prepared


def fixed_width_records(prepared: Prepared, spec: FileSpec, scratch: Path, where: str) -> Records:
    """Records of a fixed-width text; lines of a length that is not declared are in `quarantine`.

    Raises RefusedFile E-ING-033 when no line has a declared length: the layout is another one.
    """
    places = spec.field_places()
    shortest, longest = spec.line_lengths()
    schema = records_schema(len(places))
    target = scratch / f"{prepared.path.name}.fixed.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    n_lines = n_blank = n_records = 0
    quarantine: list[Quarantined] = []
    with pq.ParquetWriter(target, schema, compression="lz4") as writer:
        for lines in _batches(prepared.path):
            first = n_lines + 1
            n_lines += len(lines)
            skipped = max(0, min(len(lines), spec.skip_rows - first + 1))
            lines, first = lines[skipped:], first + skipped
            texts = pa.array(lines, pa.string())
            lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
            filled = pc.utf8_length(pc.utf8_trim_whitespace(texts)).to_numpy(zero_copy_only=False) > 0
            decoded = np.array([first + i not in prepared.undecodable for i in range(len(lines))], dtype=bool)
            fits = filled & decoded & (lengths >= shortest) & (lengths <= longest)
            n_blank += int(np.count_nonzero(~filled & decoded))
            for at in np.flatnonzero((filled | ~decoded) & ~fits).tolist():
                number, raw = first + at, lines[at][:RAW_LINE_LIMIT]
                if number in prepared.undecodable:
                    quarantine.append((number, "undecodable_bytes", raw, prepared.undecodable[number]))
                else:
                    detail = f"{lengths[at]} characters, {_declared(shortest, longest)} declared"
                    quarantine.append((number, "wrong_line_length", raw, detail))
            kept = texts.filter(pa.array(fits))
            check_quarantine(quarantine, where)
            n_records += len(kept)
            columns = [
                pc.utf8_slice_codeunits(kept, start - 1, start - 1 + size) for start, size in places.values()
            ]
            writer.write_table(
                pa.Table.from_arrays(
                    [pa.array(np.flatnonzero(fits) + first, pa.int64()), *columns], schema=schema
                )
            )
    wrong = next((item for item in quarantine if item[1] == "wrong_line_length"), None)
    if wrong and not n_records:
        target.unlink()
        raise RefusedFile("E-ING-033", where, line=wrong[0], detail=wrong[3])
    header = min(spec.skip_rows, n_lines)
    return Records(
        f"SELECT _row, 0 AS _part, * EXCLUDE (_row) FROM read_parquet({literal(str(target))})",
        positions(tuple(places)), n_records,
        LineCounts(n_lines, header, n_blank, n_records, len(quarantine)), "strict", prepared.n_bytes_read,
        quarantine=quarantine, temporary=[target], is_header_only=not n_records and not quarantine,
    )  # fmt: skip


def _batches(path: Path) -> Iterator[list[str]]:
    """Lines without their ends; nothing follows a final newline."""
    with path.open(encoding="utf-8", newline="\n") as stream:
        while lines := [line.removesuffix("\n") for line in islice(stream, BATCH)]:
            yield lines


def _declared(shortest: int, longest: int) -> str:
    return str(longest) if shortest == longest else f"{shortest} to {longest}"
