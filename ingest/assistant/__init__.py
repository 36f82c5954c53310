"""The mapping assistant: a file never seen before -> a draft mapping with its evidence and its open questions.

It proves or it asks; it never guesses. What does NOT belong here: collecting (the assistant only reads).
"""
