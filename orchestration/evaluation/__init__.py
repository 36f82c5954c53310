"""EVALUATE: how well clusters agree with a labelled truth.

Pure functions over arrays and tables. What does NOT belong here: finding clusters (see orchestration.matching).
"""
