"""The monthly audit cycle: its framing note, its approval, its calendar and its seven steps (rows FR1-FR15, PB9).

What does NOT belong here: figures (see statistics), the verdict (see expectations.gate), printing (see commands).
"""

from orchestration.cycles.note import Framing, note_path, read_framing

__all__ = ["Framing", "note_path", "read_framing"]
