"""What is to be mended at the source: one item per record and rule, with its owner, what hangs on it and its age.

What does NOT belong here: rules (expectations), questions of matching (stewardship), printing (commands).
"""
