"""The dictionary of metrics: what each figure means, read from the metrics' own YAML, and asked of a publication.

What does NOT belong here: computing a metric (dbt_project/models), how far a value is trusted (publication.trust).
"""

from orchestration.dictionary.metric import Example, Metric, dictionary, metrics_of

__all__ = ["Example", "Metric", "dictionary", "metrics_of"]
