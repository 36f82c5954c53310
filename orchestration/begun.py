"""A step that is begun while the libraries of later steps load: they keep one core busy for seconds, it needs none.

What does NOT belong here: which step (see steps) and who begins it (see commands.execution).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Begun(Generic[T]):
    """`work` in a thread of its own from now on. The thread ends with the process: what is interrupted ends at once."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._outcome: Future[T] = Future()
        threading.Thread(target=self._run, args=(work,), name="begun", daemon=True).start()

    def result(self) -> T:
        """Wait for the end of `work`; what it gave, or raise what it raised."""
        return self._outcome.result()

    def _run(self, work: Callable[[], T]) -> None:
        try:
            self._outcome.set_result(work())
        except BaseException as error:
            self._outcome.set_exception(error)
