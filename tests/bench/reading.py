"""`make bench-reading`: reading an extract beside DuckDB's own reader on the same file, and the memory it takes.

Rounds are interleaved and medians taken, so that other work on the machine burdens all sides alike; ratios are those
of one round. What each side does is told on the page. Prints the result; `--record` keeps it in
docs/benchmarks_reading.json and writes docs/benchmarks_reading.md from it.

Usage: python -m tests.bench.reading [--megabytes 400] [--rounds 5] [--memory 1,2,4] [--record]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

from ingest import collect
from ingest.company import load_company
from ingest.deliveries import Delivery, DeliveryStore
from ingest.landing import Landing
from ingest.mapping import load_mapping
from ingest.sql import connect, literal
from ingest.text_preparation import keep_in_archive

ROOT = Path(__file__).resolve().parents[2]
# Share of DuckDB's rate, MB/s of the strict reader, peak memory of any file.
MIN_RATIO, MIN_STRICT, MAX_PEAK_MIB = 0.6, 5.0, 4096
DOCS = ROOT / "docs"
COMPANY = """version: 1
company: bench
reporting_currency: EUR
timezone: Europe/Paris
cycle: 2026-06
sources:
  - {instance: site, mapping: mapping.yml, folder: site}
"""
NAMES = ("Id", "Name", "Site", "City", "Postcode", "Phone", "Staff", "Created", "Note", "Owner")
MAPPING = """version: 1
source: {{system: bench}}
defaults: {{timezone: Europe/Paris, phone_region: FR}}
files:
  rows:
    path: "rows.csv"
    format: delimited
    delimiter: "{delimiter}"
    quote: {quote}
    expected_columns: [{names}]
tables:
  crm_account:
    from: rows
    columns:
      source_record_id: Id
      name: Name
      website: Site
      city: City
      postal_code: Postcode
      phone: Phone
      employee_count: Staff
      created_at: {{source: Created, formats: ["%Y-%m-%d %H:%M:%S"]}}
      industry: Note
      owner_id: Owner
"""
#: Kind of file -> separator, quoting, line end, and what stands in it.
KINDS = {
    "plain": (",", "none", "\n", "no quotes, comma, LF"),
    "quoted": (
        ",",
        "all",
        "\n",
        "every value quoted, doubled quotes, commas and (2 % of rows) newlines inside",
    ),
    "crlf": (";", "some", "\r\n", "semicolon, CRLF repaired to LF, quotes where needed"),
}


def generate(path: Path, kind: str, megabytes: int) -> None:
    """Write about `megabytes` MB (10^6 bytes) of accounts to `path`."""
    delimiter, quoting, end, _ = KINDS[kind]
    name = "'Société ' || i || ' sàrl'" if quoting != "all" else "'Société \"' || i || '\" sàrl'"
    city = "['Lyon', 'Paris', 'Lille', 'Nantes'][i % 4 + 1]"
    if quoting == "all":
        city = f"case when i % 50 = 0 then 'Bât. B' || chr(10) || 'Lyon' else {city} end"
    note = (
        "md5(i::varchar)"
        if quoting == "none"
        else f"md5(i::varchar) || case when i % 3 = 0 then '{delimiter} x' else '' end"
    )
    n_rows = megabytes * 1_000_000 // {"plain": 149, "quoted": 176, "crlf": 151}[kind]
    columns = f"""'0015g00000' || i as "Id", {name} as "Name", 'https://www' || i || '.example.com' as "Site",
        {city} as "City", lpad((i % 95000)::varchar, 5, '0') as "Postcode",
        '06' || lpad((i * 7919 % 100000000)::varchar, 8, '0') as "Phone", (i % 977)::varchar as "Staff",
        strftime(timestamp '2024-01-01' + interval (i % 1000000) minute, '%Y-%m-%d %H:%M:%S') as "Created",
        {note} as "Note", 'U' || i % 211 as "Owner" """
    force = ", force_quote *" if quoting == "all" else ""
    connection = duckdb.connect()
    connection.execute(
        f"copy (select {columns} from range({n_rows}) t(i)) to {literal(str(path))} "
        f"(format csv, header true, delimiter '{delimiter}'{force})"
    )
    if end != "\n":
        text = path.with_suffix(".lf")
        path.rename(text)
        with text.open("rb") as source, path.open("wb") as sink:
            while chunk := source.read(16 << 20):
                sink.write(chunk.replace(b"\n", end.encode()))
        text.unlink()


def damage(source: Path, target: Path, every: int, megabytes: int) -> None:
    """Copy the first part of a file with every so many lines damaged: a field too few, a stray or open quote."""
    with source.open("rb") as stream, target.open("wb") as sink:
        sink.write(stream.readline())
        size = number = 0
        while size < megabytes * 1_000_000 and (line := stream.readline()):
            number += 1
            if number % every == 0:
                at = len(line) // 2
                line = (
                    line.replace(b",", b" ", 1), line[:at] + b'"' + line[at:], b'"' + line, line[:at] + b"\n"
                )[number // every % 4]  # fmt: skip
            sink.write(line)
            size += len(line)


def write_company(root: Path, kind: str) -> Path:
    """A company of one source; where its one extract is to be written."""
    delimiter, quoting, _, _ = KINDS[kind]
    quote = "null" if quoting == "none" else "'\"'"
    (root / "extracts" / "site").mkdir(parents=True)
    (root / "company.yml").write_text(COMPANY, encoding="utf-8")
    text = MAPPING.format(delimiter=delimiter, quote=quote, names=", ".join(NAMES))
    (root / "mapping.yml").write_text(text, encoding="utf-8")
    return root / "extracts" / "site" / "rows.csv"


def landing_of(root: Path, extract: Path) -> Landing:
    """The landing of an extract, begun as collect begins it: its bytes are copied, hashed and inspected."""
    company = load_company(root)
    mapping = load_mapping(company.sources[0], root)
    facts = keep_in_archive(extract, company.work / "archive")
    delivery = Delivery(
        "0123456789ab", "planned", "bench", "site", "mapping", 1, mapping.hash, "rows", (extract.name,),
        extract.name, facts.sha256, facts.size, None, "utf-8", "",
    )  # fmt: skip
    landing = Landing(connect(company.work), DeliveryStore(company.work), mapping, delivery, facts=facts)
    landing.scratch.mkdir(parents=True, exist_ok=True)
    return landing


def copy_by_duckdb(root: Path, extract: Path, kind: str) -> None:
    """DuckDB's own COPY of all columns as text: nothing is sniffed, nothing is kept, counted or checked."""
    delimiter, quoting, end, _ = KINDS[kind]
    quote = "" if quoting == "none" else '"'
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in NAMES)
    connection = connect(root / "work")
    target = root / "work" / "by_duckdb.parquet"
    connection.execute(
        f"COPY (SELECT * FROM read_csv({literal(str(extract))}, auto_detect=false, header=true, "
        f"delim={literal(delimiter)}, quote={literal(quote)}, escape={literal(quote)}, "
        f"new_line={literal(end.encode('unicode_escape').decode())}, columns={{{columns}}})) "
        f"TO {literal(str(target))} (FORMAT parquet, COMPRESSION lz4)"
    )
    connection.close()


def read_to_text(root: Path, extract: Path, kind: str, strictly: bool = False) -> str:
    """Landing up to the text Parquet: archive copy, SHA-256, decoding, newlines, header, count, lines. The reader."""
    landing = landing_of(root, extract)
    prepared = landing.prepared()
    streams = landing.opened(prepared, strictly)
    records = streams[None]
    if records.reader != ("strict" if strictly else "fast") or not records.temporary:
        raise SystemExit(f"{kind}: not read as meant ({records.reader})")
    landing.close(streams)
    prepared.close()
    landing.connection.close()
    return records.reader


def land(root: Path, extract: Path, kind: str) -> None:
    """The whole landing: the same, then typed rows of the contract, checks, and the record of the delivery."""
    landing = landing_of(root, extract)
    if landing.land(False).status != "landed":
        raise SystemExit(f"{kind}: refused")
    landing.connection.close()


def timed(work: Callable[[], object], root: Path) -> tuple[float, float]:
    """(wall, CPU seconds of this process) of one piece of work, begun without a work folder."""
    shutil.rmtree(root / "work", ignore_errors=True)
    (root / "work" / "tmp").mkdir(parents=True)
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def measure_rates(folder: Path, megabytes: int, rounds: int) -> list[dict]:
    """MB/s of each side for each kind of file, and the ratio to DuckDB of the same round."""
    told = []
    for kind in KINDS:
        root = folder / kind
        extract = write_company(root, kind)
        generate(extract, kind, megabytes)
        size = extract.stat().st_size / 1e6
        place = (root, extract, kind)
        sides = {
            "duckdb": partial(copy_by_duckdb, *place),
            "text": partial(read_to_text, *place),
            "landing": partial(land, *place),
        }
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
        for number in range(rounds + 1):
            for name, work in sides.items():
                found = timed(work, root)
                if number:  # the first round fills caches
                    seconds[name].append(found)
        row: dict = {"file": kind, "megabytes": round(size)}
        for name, found in seconds.items():
            row[name] = {
                "mb_per_s": round(size / median(wall for wall, _ in found), 1),
                "mb_per_cpu_s": round(size / median(cpu for _, cpu in found), 1),
            }
            if name != "duckdb":
                pairs = list(zip(seconds["duckdb"], found, strict=True))
                row[name]["ratio"] = round(median(d[0] / f[0] for d, f in pairs), 3)
                row[name]["ratio_cpu"] = round(median(d[1] / f[1] for d, f in pairs), 3)
        told.append(row)
        print(json.dumps(row), flush=True)
        shutil.rmtree(root)
    return told


def measure_strict(folder: Path, megabytes: int, rounds: int) -> list[dict]:
    """MB/s of the strict reader, ledger included, on files with few and with only damaged lines."""
    told = []
    for kind in ("plain", "quoted"):
        root = folder / f"strict_{kind}"
        extract = write_company(root, kind)
        sound = root / "sound.csv"
        generate(sound, kind, megabytes)
        for label, every in (("no line", 10**9), ("one line in 1,000", 1000), ("every line", 1)):
            damage(sound, extract, every, megabytes)
            size = extract.stat().st_size / 1e6
            work = partial(read_to_text, root, extract, kind, strictly=True)
            found = [timed(work, root) for _ in range(rounds)]
            row = {
                "file": kind, "damaged": label, "megabytes": round(size),
                "mb_per_s": round(size / median(wall for wall, _ in found), 1),
                "mb_per_cpu_s": round(size / median(cpu for _, cpu in found), 1),
            }  # fmt: skip
            told.append(row)
            print(json.dumps(row), flush=True)
        shutil.rmtree(root)
    return told


def peak_of(root: Path) -> None:
    """Collect one company in this process and print its peak resident memory (MiB), seconds and reader as JSON."""
    started = time.perf_counter()
    report = collect(root)
    if report.refusals or report.imbalances or not report.landed:
        raise SystemExit(f"not landed: {report}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (delivery,) = DeliveryStore(root / "work").load().values()
    seconds = time.perf_counter() - started
    print(json.dumps({"peak_mib": round(peak), "seconds": round(seconds, 1), "reader": delivery.reader}))


def measure_memory(folder: Path, gigabytes: list[float], is_damaged: bool) -> list[dict]:
    """Peak memory of collecting one file of each size, in a process of its own."""
    told = []
    for size in gigabytes:
        root = folder / "memory"
        extract = write_company(root, "quoted")
        generate(extract, "quoted", round(size * 1000))
        if is_damaged:
            with extract.open(
                "r+b"
            ) as stream:  # one quote too many sends the whole file to the strict reader
                stream.seek(extract.stat().st_size // 2)
                stream.write(b'x"x')
        command = [sys.executable, "-m", "tests.bench.reading", "--land", str(root)]
        output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        row = {"gigabytes": size, "rows": "one damaged" if is_damaged else "sound", **json.loads(output)}
        told.append(row)
        print(json.dumps(row), flush=True)
        shutil.rmtree(root)
    return told


PREAMBLE = """# Reading, beside DuckDB's own reader

Written by `make bench-reading RECORD=1`. Generated accounts of ten columns; rounds are interleaved, the first is not
counted, rates are medians, ratios are medians of the ratio within one round. MB is 10^6 bytes of the extract; CPU
rates divide by the CPU seconds of the process and do not depend on what else the machine does.

- **DuckDB**: `COPY (SELECT * FROM read_csv(<all columns VARCHAR, declared>)) TO Parquet`, lz4, with the settings of
  the pipeline's connections. It keeps no copy, hashes nothing, and counts nothing.
- **Text**: what landing does of the same file up to the text Parquet, ledger included: copy into the archive, SHA-256,
  check of the encoding, repair of line ends, header check, count of records, lines, blank lines and separators that
  shares no code with the reader, search for swallowed records, Parquet of all values as text whose rows must be those
  counted. Target: 60 % of DuckDB's rate.
- **Landing**: all of that, then typed rows of the contract (phone numbers to E.164, dates, numbers, trimmed text, null
  values, issues per cell), checks, and the record of the delivery with the hashes of its files. No target: DuckDB's
  side does nothing of the kind.
"""


def page(told: dict) -> str:
    """docs/benchmarks_reading.md from docs/benchmarks_reading.json."""
    lines = [
        PREAMBLE,
        f"{told['cores']} cores, Python {told['python']}, DuckDB {told['duckdb']}, {told['rounds']} rounds.",
        "",
        "| file | MB | DuckDB MB/s | text MB/s | **ratio** | CPU ratio | landing MB/s | ratio | CPU ratio |",
        "|---|" + "---:|" * 8,
    ]
    for r in told["rates"]:
        lines.append(
            f"| {r['file']} | {r['megabytes']:,} | {r['duckdb']['mb_per_s']:.0f} | {r['text']['mb_per_s']:.0f} "
            f"| **{r['text']['ratio']:.2f}** | {r['text']['ratio_cpu']:.2f} | {r['landing']['mb_per_s']:.0f} "
            f"| {r['landing']['ratio']:.2f} | {r['landing']['ratio_cpu']:.2f} |"
        )
    lines += ["", *(f"- {kind}: {text}." for kind, (_, _, _, text) in KINDS.items())]
    lines += [
        "",
        "## Strict reader",
        "",
        "The same steps with the strict reader instead of DuckDB's. Lines on which no two readers can differ are split",
        "in bulk, the others one by one. Target: 5 MB/s.",
        "",
        "| file | damaged | MB | MB/s | MB per CPU second |",
        "|---|---|---:|---:|---:|",
    ]
    for r in told["strict"]:
        rate = f"{r['mb_per_s']:.0f} | {r['mb_per_cpu_s']:.0f}"
        lines.append(f"| {r['file']} | {r['damaged']} | {r['megabytes']:,} | {rate} |")
    lines += [
        "",
        "## Memory",
        "",
        "Peak resident memory of a process that collects a company whose one extract has this size (every value",
        "quoted, newlines inside). With one damaged line the whole file goes through the strict reader. Bound: 4 GiB",
        "for 10 GB.",
        "",
        "| GB | lines | reader | peak MiB | seconds |",
        "|---:|---|---|---:|---:|",
    ]
    for r in told.get("memory", []):
        lines.append(
            f"| {r['gigabytes']:g} | {r['rows']} | {r['reader']} | {r['peak_mib']:,} | {r['seconds']:.0f} |"
        )
    return "\n".join(lines) + "\n"


def missed_targets(told: dict[str, Any]) -> list[str]:
    """A sentence for each measured figure that misses its target. told: the content of benchmarks_reading.json."""
    slow = [
        f"{each['file']}: text at {each['text']['ratio']:.2f} of DuckDB's rate, target {MIN_RATIO}"
        for each in told.get("rates", [])
        if each["text"]["ratio"] < MIN_RATIO
    ]
    slow += [
        f"strict reader, {each['file']}, {each['damaged']}: {each['mb_per_s']:.1f} MB/s, target {MIN_STRICT}"
        for each in told.get("strict", [])
        if each["mb_per_s"] < MIN_STRICT
    ]
    return slow + [
        f"{each['gigabytes']:g} GB, {each['rows']}: {each['peak_mib']:,} MiB, at most {MAX_PEAK_MIB:,}"
        for each in told.get("memory", [])
        if each["peak_mib"] > MAX_PEAK_MIB
    ]


def main() -> None:
    """Measures, prints and optionally records; what is not measured keeps its recorded figures. Ends with 1 when a
    figure misses its target.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=400)
    parser.add_argument("--strict-megabytes", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--memory", default="", help="sizes in GB, comma separated; each needs 3.5 times the disk"
    )
    parser.add_argument("--only-memory", action="store_true")
    parser.add_argument("--record", action="store_true", help="write docs/benchmarks_reading.{json,md}")
    parser.add_argument("--land", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.land:
        peak_of(options.land)
        return
    store = DOCS / "benchmarks_reading.json"
    told = json.loads(store.read_text(encoding="utf-8")) if store.exists() else {}
    told |= {"cores": os.cpu_count(), "python": platform.python_version(), "duckdb": duckdb.__version__}
    with tempfile.TemporaryDirectory(dir=os.environ.get("ETALON_BENCH_DIR")) as scratch:
        folder = Path(scratch)
        if not options.only_memory:
            told["rounds"] = options.rounds
            told["rates"] = measure_rates(folder, options.megabytes, options.rounds)
            told["strict"] = measure_strict(folder, options.strict_megabytes, min(3, options.rounds))
        if sizes := [float(size) for size in options.memory.split(",") if size]:
            told["memory"] = measure_memory(folder, sizes, False) + measure_memory(folder, sizes, True)
    if options.record:
        store.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        store.with_suffix(".md").write_text(page(told), encoding="utf-8")
    if missed := missed_targets(told):
        raise SystemExit("\n".join(["targets missed:", *missed]))


if __name__ == "__main__":
    main()
