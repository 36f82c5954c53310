"""Great Expectations suites made from the catalogue in code. Import late: Great Expectations takes seconds
to load.

What does not belong here: thresholds and verdicts; a suite counts, results.py compares exactly.
"""
