"""What every cleaning decision does to the KPIs: the copy of a candidate, built again without one of them.

What does NOT belong here: deciding anything, printing. The candidate and what is published are only read.
"""
