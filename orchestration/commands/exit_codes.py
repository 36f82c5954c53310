"""Exit codes of the command line, after sysexits(3) where it has one."""

DONE = 0
FAILED = 1
USAGE = 2
HELD = 3
UNDECIDED = 4
DATA_REFUSED = 65
IO_ERROR = 74
LOCKED = 75
