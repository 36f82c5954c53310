"""ORCHESTRATE: settings, matching, publication, reports and the command line.

Dagster is imported in `definitions` and `defs` only; importing this package costs nothing.
"""

import os

# Read when numpy and scipy load their BLAS. Its threads wait for each other by spinning: over the small matrices of the
# statistics that was a quarter of their CPU. One thread also adds up in one order, whatever the machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
