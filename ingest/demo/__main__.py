"""python -m ingest.demo --size tiny --out DIR"""

from __future__ import annotations

import argparse
from pathlib import Path

from ingest.demo import SIZES, generate


def main() -> None:
    """Generate a demo company and print its counts."""
    parser = argparse.ArgumentParser(prog="python -m ingest.demo", description=generate.__doc__)
    parser.add_argument("--size", choices=sorted(SIZES), default="demo")
    parser.add_argument("--out", type=Path, required=True, help="company directory to create")
    parser.add_argument("--seed", type=int, default=20260101)
    arguments = parser.parse_args()
    report = generate(arguments.out, arguments.size, arguments.seed)
    for kind, (files, records, size) in report.by_kind().items():
        print(f"{kind:30} {files:5} files {records:10} records {size / 1e6:10.1f} MB")
    print(f"{report.seconds:.1f} s")


if __name__ == "__main__":
    main()
