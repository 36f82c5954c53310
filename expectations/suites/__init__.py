"""A Great Expectations suite made from judged rules. Import late: Great Expectations takes seconds to load.

What does not belong here: counting rows (counting.py), thresholds and verdicts (results.py).
"""

from expectations.suites.verdicts import agreements

__all__ = ["agreements"]
