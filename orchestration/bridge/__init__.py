"""Why a published figure moved: evidence of each publication, one cause per changed unit, a walk from figure to figure.

Pure Python over DuckDB. What does NOT belong here: publishing (orchestration.publication), words, the definitions of
KPIs (orchestration.explaining.kpis.yml).
"""
