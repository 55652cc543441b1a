"""The gate against every interleaving of writers that hypothesis can think of, without a database."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zaitu.kernel.gate import Gate

WRITERS = 3


@dataclass
class Server:
    """What PostgreSQL does: numbers are drawn under a lock that ends with the transaction, after its rows are visible."""

    drawn: int = 0
    visible: set[int] = field(default_factory=set)
    open: dict[int, list[int]] = field(default_factory=dict)
    """Writer → numbers drawn in its present transaction."""
    turn: dict[int, int] = field(default_factory=dict)

    def name(self, writer: int) -> str:
        return f"{writer}/{self.turn.get(writer, 0)}"

    def names(self) -> frozenset[str]:
        return frozenset(self.name(writer) for writer in self.open)

    def lock(self, writer: int) -> None:
        self.open.setdefault(writer, [])

    def draw(self, writer: int) -> None:
        self.lock(writer)
        self.drawn += 1
        self.open[writer].append(self.drawn)

    def end(self, writer: int, *, commit: bool) -> None:
        numbers = self.open.pop(writer, None)
        if numbers is not None:
            self.turn[writer] = self.turn.get(writer, 0) + 1
            self.visible |= set(numbers) if commit else set()


@dataclass
class Reader:
    """A relay whose three steps may each be followed by anything."""

    server: Server
    gate: Gate = field(default_factory=Gate)
    drawn: int = 0
    heard: list[int] = field(default_factory=list)
    step: int = 0

    def go_on(self) -> None:
        if self.step == 0:
            self.drawn = self.server.drawn
        elif self.step == 1:
            self.gate.look(drawn=self.drawn, writers=self.server.names())
        else:
            through = sorted(number for number in self.server.visible if number <= self.gate.safe)
            self.heard += through
            self.server.visible -= set(through)
        self.step = (self.step + 1) % 3


moves = st.one_of(
    st.tuples(st.sampled_from(["lock", "draw", "commit", "roll back"]), st.integers(1, WRITERS)),
    st.tuples(st.just("read"), st.just(0)),
)


@settings(max_examples=1_000, deadline=None, derandomize=True)
@given(st.lists(moves, min_size=30, max_size=80))
def test_no_order_of_events_makes_the_gate_let_a_number_be_overtaken_or_keep_one_for_ever(story):
    server = Server()
    reader = Reader(server)
    committed: set[int] = set()
    for move, writer in story:
        if move == "read":
            reader.go_on()
        elif move == "lock":
            server.lock(writer)
        elif move == "draw":
            server.draw(writer)
        else:
            committed |= set(server.open.get(writer, ())) if move == "commit" else set()
            server.end(writer, commit=move == "commit")
    for writer in range(1, WRITERS + 1):
        server.end(writer, commit=False)
    for _ in range(3 * 3):
        reader.go_on()
    assert reader.heard == sorted(committed)


def test_others_who_began_later_do_not_keep_it_shut():
    gate = Gate()
    assert gate.look(drawn=5, writers=frozenset({"1/1"})) == 0
    assert gate.look(drawn=6, writers=frozenset({"1/1", "2/1"})) == 0
    assert gate.waits
    assert gate.look(drawn=7, writers=frozenset({"2/1", "3/1"})) == 5
    assert gate.look(drawn=8, writers=frozenset({"3/1"})) == 5, "2/1 and 3/1 were writing when 7 was the last"
    assert gate.look(drawn=9, writers=frozenset({"4/1"})) == 7
    assert gate.look(drawn=9, writers=frozenset()) == 9
    assert not gate.waits


@pytest.mark.parametrize("before", [frozenset(), frozenset({"1/1"})])
def test_a_transaction_that_was_prepared_and_so_changed_its_name_is_waited_for(before):
    gate = Gate()
    gate.look(drawn=5, writers=before)
    assert gate.look(drawn=9, writers=frozenset({"-1/777"})) == (0 if before else 5)
    assert gate.look(drawn=9, writers=frozenset()) == 9
