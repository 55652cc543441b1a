"""Several processes of simulated terminals that begin together and are counted together."""

import multiprocessing
import signal
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Final

from zaitu.telemetry.adapters.simulator.drive import Drive, Ended, Keeper, SimulatorFailed, Told
from zaitu.telemetry.adapters.simulator.fleet import connections_max
from zaitu.telemetry.adapters.simulator.memory import Memory
from zaitu.telemetry.adapters.simulator.plan import Plan

_READY, _PROGRESS, _ENDED, _FAILED = range(4)
_GO, _STOP = "go", "stop"
_LOOK_S: Final = 0.2


def drive(plan: Plan, memory: Memory, keeper: Keeper) -> Ended:
    """Drive all terminals of the plan, here or, when they are too many, in processes of their own.

    Raises OSError for a host nobody knows, SimulatorFailed.
    """
    plans = split(plan, connections_max())
    if len(plans) == 1:
        return Drive(plan, memory, keeper).run()
    return _Crew(plans, memory, keeper).run()


def split(plan: Plan, most: int) -> list[Plan]:
    """The same terminals and the same load in plans of about equal size, none with more than `most` connections."""
    parts = -(-plan.vehicles // most)
    bounds = [plan.vehicles * part // parts for part in range(parts + 1)]
    return [
        replace(
            plan,
            first=plan.first + start,
            vehicles=end - start,
            rate=plan.rate * (end - start) / plan.vehicles,
            opening=max(1, plan.opening // parts),
            logged=max(0, min(end - start, plan.logged - (plan.vehicles - end))),
        )
        for start, end in pairwise(bounds)
    ]


class _Crew:
    def __init__(self, plans: list[Plan], memory: Memory, keeper: Keeper) -> None:
        self._keeper = keeper
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes: list[BaseProcess] = []
        for plan in plans:
            ours, theirs = context.Pipe()
            indices = range(plan.first, plan.first + plan.vehicles)
            own = {index: one for index, one in memory.items() if index in indices}
            process = context.Process(target=_member, args=(plan, own, theirs), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        self._ready: set[int] = set()
        self._progress: dict[int, Told] = {}
        self._ended: dict[int, Ended] = {}
        self._begun = self._stopped = False

    def run(self) -> Ended:
        try:
            while len(self._ended) < len(self._pipes):
                self._turn()
        finally:
            for process in self._processes:
                if len(self._ended) < len(self._pipes):
                    process.terminate()
                process.join(10)
        return _together(list(self._ended.values()))

    def _turn(self) -> None:
        open_pipes = [pipe for number, pipe in enumerate(self._pipes) if number not in self._ended]
        for pipe in wait(open_pipes, _LOOK_S):
            number = self._pipes.index(pipe)  # type: ignore[arg-type]  # `wait` gives back what it was given
            try:
                self._heard(number, *self._pipes[number].recv())
            except EOFError:
                raise SimulatorFailed(f"process {number + 1} of the simulator has died") from None
        if not self._begun and len(self._ready) == len(self._pipes) and self._keeper.may_begin():
            self._begun = True
            self._say(_GO)
        if not self._stopped and self._keeper.must_end():
            self._stopped = True
            self._say(_STOP)

    def _heard(self, number: int, kind: int, what: Any) -> None:
        if kind == _READY:
            self._ready.add(number)
        elif kind == _ENDED:
            self._ended[number] = what
        elif kind == _FAILED:
            raise SimulatorFailed(what)
        else:
            self._progress[number] = what
            if len(self._progress) + len(self._ended.keys() - self._progress.keys()) == len(self._pipes):
                self._keeper.progress(_added(self._progress.values()))
                self._progress.clear()

    def _say(self, word: str) -> None:
        for number, pipe in enumerate(self._pipes):
            if number not in self._ended:
                with suppress(BrokenPipeError):
                    pipe.send(word)


def _added(told: Any) -> Told:
    together = Told()
    for one in told:
        together.add(one)
    return together


def _together(ended: list[Ended]) -> Ended:
    return Ended(
        told=_added(one.told for one in ended),
        memory={index: kept for one in ended for index, kept in one.memory.items()},
        log=[line for one in ended for line in one.log],
    )


class _Member(Keeper):
    """Asks the process that started us."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._ready = False
        self._words: set[str] = set()

    def may_begin(self) -> bool:
        if not self._ready:
            self._ready = True
            self._pipe.send((_READY, None))
        return self._heard(_GO)

    def must_end(self) -> bool:
        return self._heard(_STOP)

    def progress(self, told: Told) -> None:
        self._pipe.send((_PROGRESS, told))

    def _heard(self, word: str) -> bool:
        try:
            while self._pipe.poll():
                self._words.add(self._pipe.recv())
        except (EOFError, ConnectionResetError):
            self._words.add(_STOP)  # the process that started us has gone
        return word in self._words


def _member(plan: Plan, memory: Memory, pipe: Connection) -> None:
    # Ctrl-C of the terminal reaches us too; the one who started us decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(BrokenPipeError):
        try:
            pipe.send((_ENDED, Drive(plan, memory, _Member(pipe)).run()))
        except SimulatorFailed as error:
            pipe.send((_FAILED, str(error)))
        except OSError as error:
            pipe.send((_FAILED, f"{plan.host}: {error.strerror or error}"))
