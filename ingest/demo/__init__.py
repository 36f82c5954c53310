"""A seeded B2B company with known truth: vendor-shaped extracts, company.yml, and truth tables beside them.

The pipeline never reads truth/. The same data serve the demo, the tests and the benchmark.
What does NOT belong here: reading extracts (ingest.collecting) or computing published figures.
"""

from ingest.demo.generation import DemoReport, generate
from ingest.demo.sizes import SIZES

__all__ = ["SIZES", "DemoReport", "generate"]
