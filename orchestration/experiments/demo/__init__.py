"""Experiments of the demo company. The pipeline never reads this package, which alone knows their truth."""
