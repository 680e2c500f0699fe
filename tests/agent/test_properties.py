"""The agent's logic against a small Docker, with crashes between any two steps: it converges, and a run begins once.

The model keeps what is on disk (`runs`) apart from what a crash forgets. A failing example is replayed by hypothesis.
"""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.agent.builders import a_specification, a_wish
from trailboss.agent.converge import (
    NEVER,
    Adopt,
    Attach,
    Create,
    Remove,
    Rename,
    Rest,
    Run,
    Seen,
    Situation,
    Start,
    Step,
    Stop,
    Wait,
    Wish,
    next_step,
    observe,
)

CONTAINERS = ("a", "b")
ADDRESS = a_specification().address


class Host(RuleBasedStateMachine):
    """Two containers of one slot."""

    def __init__(self) -> None:
        super().__init__()
        self.wishes: dict[str, Wish] = {}
        self.runs: dict[str, Run] = {}
        self.docker: dict[str, Seen] = {}
        self.clock = self.ids = self.epoch = 0
        self.begun: dict[tuple[str, tuple[int, int]], int] = {}
        self.cut_short = 0

    def tick(self) -> str:
        self.clock += 1
        return f"2026-01-01T00:00:00.{self.clock:06d}Z"

    # --- the server -----------------------------------------------------------------------------------------

    @rule(container=st.sampled_from(CONTAINERS))
    def the_server_wants_a_new_run(self, container: str) -> None:
        if self.wishes.get(container) is None or self.wishes[container].record.desired != "removed":
            self.epoch += 1
            for other, wish in self.wishes.items():
                if other != container and wish.record.desired == "running":
                    self.end(other, "stopped")
            self.wishes[container] = a_wish(container=container, slot="slot", epoch=self.epoch)

    @precondition(lambda self: self.wishes)
    @rule(data=st.data(), desired=st.sampled_from(["stopped", "removed"]))
    def the_server_wants_an_end(self, data: st.DataObject, desired: str) -> None:
        self.end(data.draw(st.sampled_from(sorted(self.wishes))), desired)

    def end(self, container: str, desired: Any) -> None:
        wish = self.wishes[container]
        if wish.record.desired != "removed":
            record = msgspec.structs.replace(wish.record, desired=desired)
            self.wishes[container] = Wish(wish.incarnation, record)

    # --- the world ------------------------------------------------------------------------------------------

    @precondition(lambda self: self.docker)
    @rule(data=st.data(), how=st.sampled_from(["die", "rm", "rename", "detach"]))
    def somebody_harms_a_container(self, data: st.DataObject, how: str) -> None:
        container = data.draw(st.sampled_from(sorted(self.docker)))
        if how == "rm":
            del self.docker[container]
        elif how == "rename":
            self.set(container, name="mine-now")
        elif how == "detach":
            self.set(container, address="")
        else:
            self.set(container, status="exited" if self.docker[container].started != NEVER else "created")

    def set(self, container: str, **more: Any) -> None:
        old = self.docker[container]
        self.docker[container] = Seen(**{f: getattr(old, f) for f in Seen.__slots__} | more)

    # --- the agent ------------------------------------------------------------------------------------------

    @rule(container=st.sampled_from(CONTAINERS), crash_after=st.sampled_from([0, 1, 9]))
    def the_agent_takes_a_step(self, container: str, crash_after: int) -> None:
        """crash_after: how many of the step's durable effects happen before the agent dies."""
        self.take(container, self.step_of(container), crash_after)

    def step_of(self, container: str) -> Step:
        others = [c for c, s in self.docker.items() if c != container and s.is_alive]
        situation = Situation(now_ms=0, rival=others[0] if others else "")
        return next_step(self.wishes.get(container), self.runs.get(container), self.docker.get(container), situation)

    def take(self, container: str, step: Step, effects: int) -> None:
        if isinstance(step, Adopt | Create | Start):
            if effects == 0:
                return
            self.runs[container] = step.run
        match step:
            case Create() if effects > 1:
                self.ids += 1
                made_for = self.wishes[container].number
                self.docker[container] = Seen(container, "slot", "h", made_for, f"d{self.ids}", "created")
            case Start() if effects > 1:
                key = (container, step.run.number)
                self.begun[key] = self.begun.get(key, 0) + 1
                self.set(container, status="running", started=self.tick(), address=ADDRESS)
            case Stop() if effects:
                self.set(container, status="exited")
            case Remove() if effects:
                del self.docker[container]
            case Rename() if effects:
                self.set(container, name=container)
            case Attach() if effects:
                self.set(container, address=ADDRESS)

    # --- what must hold -------------------------------------------------------------------------------------

    @invariant()
    def no_run_begins_twice(self) -> None:
        assert all(times == 1 for times in self.begun.values()), self.begun

    @invariant()
    def never_two_run_in_the_slot(self) -> None:
        assert sum(there.is_alive for there in self.docker.values()) <= 1

    @invariant()
    def the_server_is_never_told_of_an_end_before_the_run_has_begun(self) -> None:
        for container, wish in self.wishes.items():
            told = observe(wish, self.runs.get(container), self.docker.get(container))
            if told is not None and wish.record.desired == "running" and told.state == "exited":
                assert (container, (1, told.epoch)) in self.begun

    @invariant()
    def left_alone_it_comes_to_rest_where_it_is_wanted(self) -> None:
        saved = dict(self.runs), dict(self.docker), dict(self.begun), self.clock, self.ids
        for _ in range(12):
            for container in CONTAINERS:
                self.take(container, self.step_of(container), 9)
        for container, wish in self.wishes.items():
            assert isinstance(self.step_of(container), Rest | Wait)
            there, run = self.docker.get(container), self.runs.get(container)
            match wish.record.desired:
                case "removed":
                    assert there is None
                case "stopped":
                    assert there is None or not there.is_alive
                case _:
                    assert run is not None and run.number == wish.number, "the wanted run was begun"
                    told = observe(wish, run, there)
                    assert told is not None and told.state in ("running", "exited", "removed")
        self.runs, self.docker, self.begun, self.clock, self.ids = saved


TestHost = Host.TestCase
TestHost.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
