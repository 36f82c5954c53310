"""A step begun ahead gives what it gave, raises what it raised, and is done once.

What does NOT belong here: the steps of a run (see tests/integration).
"""

import threading

import pytest

from orchestration import steps
from orchestration.begun import Begun


def test_the_work_runs_beside_whoever_began_it_and_its_result_is_waited_for():
    may_end = threading.Event()
    begun = Begun(lambda: (may_end.wait(10), threading.current_thread().name))
    may_end.set()
    assert begun.result() == (True, "begun")
    assert begun.result() == (True, "begun")


def test_what_the_work_raises_is_raised_where_its_result_is_asked_for():
    def refuse() -> None:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        Begun(refuse).result()


def test_extracts_that_were_begun_are_not_collected_again(monkeypatch):
    collected = []
    monkeypatch.setattr(steps, "_collect", lambda run: collected.append(run) or "report")
    run = steps.Run(company=None, settings=None, state=None)
    steps.begin_collecting(run)
    assert (steps.collect_extracts(run), steps.collect_extracts(run)) == ("report", "report")
    assert collected == [run]


def test_extracts_that_nobody_began_are_collected_when_they_are_asked_for(monkeypatch):
    monkeypatch.setattr(steps, "_collect", lambda run: "report")
    assert steps.collect_extracts(steps.Run(company=None, settings=None, state=None)) == "report"
