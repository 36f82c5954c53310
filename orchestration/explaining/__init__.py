"""From a KPI, a row or a golden record down to the decisions and the lines of files behind it.

What does NOT belong here: deciding and computing; what is told was decided by the run and is recomputed by none of it.
"""
