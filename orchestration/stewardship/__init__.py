"""Decisions of stewards: read from the company directory, handed to matching and to dbt as tables."""
