"""Experiments: protocols registered before they start, arms drawn once, figures read when all windows are over.

Rows EX1-EX8, EX10. What does NOT belong here: the SQL that counts leads of arms and the tables it fills
(orchestration.statistics.experiments), the command line (orchestration.commands.experiment).
"""
