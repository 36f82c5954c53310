"""Which columns of a file the mapping reads, whatever the key that names them.

What does NOT belong here: the SQL that reads them (conversion.py).
"""

from __future__ import annotations

from ingest.expressions import expression_reads
from ingest.mapping import ColumnSpec, Mapping, TableSpec
from ingest.row_shapes import source_columns


def table_reads(table: TableSpec, where: str) -> set[str]:
    """Names that the columns and conditions of a table read: columns of its file, of its shape, of its lookups.

    Raises ConfigurationError when an expression cannot be used.
    """
    found: set[str] = set()
    for text in filter(None, [table.where, *table.exclude.values()]):
        found |= expression_reads(text, where)
    for name, column in table.columns.items():
        found |= column_reads(column, f"{where}.{name}")
    for lookup in table.lookups.values():
        found.update(lookup.matched.values())
    return found


def column_reads(column: ColumnSpec, where: str) -> set[str]:
    """Names that one column is filled from."""
    found = {*filter(None, [column.source]), *(column.hash or [])}
    if column.expr:
        found |= expression_reads(column.expr, where)
    if column.lookup:
        found.update(column.lookup.matched.values())
    return found


def used_names(mapping: Mapping, file_key: str) -> set[str]:
    """Names of the columns of `file_key` that the mapping reads, for its tables or for lookups of others."""
    spec = mapping.model.files[file_key]
    rows_where = spec.drop_rows_where
    where = f"mapping {mapping.name}: files.{file_key}"
    dropped = expression_reads(rows_where, where) if rows_where else set()
    used = set(dropped)
    for contract_name, table, _ in mapping.tables_of(file_key):
        reads = table_reads(table, f"mapping {mapping.name}: tables.{contract_name}")
        used |= source_columns(table, {name for name in reads if not table.looked_up(name)})
    for table in mapping.model.tables.values():
        for column in table.columns.values():
            if column.lookup and column.lookup.file == file_key:
                used |= {*column.lookup.match, column.lookup.value}
        named = {name for name, lookup in table.lookups.items() if lookup.file == file_key}
        for name in named:
            used |= set(table.lookups[name].match)
        if named:
            pairs = [table.looked_up(name) for name in table_reads(table, f"mapping {mapping.name}")]
            used |= {pair[1] for pair in pairs if pair and pair[0] in named}
    return used
