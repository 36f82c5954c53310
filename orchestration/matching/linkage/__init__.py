"""LINK: which records of any table are one person, one site or one organisation.

`link` is the entry point. What does NOT belong here: the pipeline's matching step (see orchestration.matching),
golden ids.
"""

from orchestration.matching.linkage.linking import Linked, LinkReport, link

__all__ = ["LinkReport", "Linked", "link"]
