"""One module per section of the data-quality report: its rows, totals and sentences, as finished text.

What does not belong here: HTML (templates/quality), reading (the *_inputs modules), judgement (expectations/).
"""
