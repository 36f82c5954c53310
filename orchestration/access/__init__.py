"""Who may read which part of a publication, and what was read where we served it.

access.yml of a company declares roles (declaring), each gets a file of its own with what it may read (role_files), and
reads that a command of ours serves leave a line (reading_log). What does NOT belong here: rights of the operating
system, which decide who opens which file.
"""
