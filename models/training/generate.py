"""Makes sets of phantoms on many cores: those of training become slabs at once, the others stay as dumps to be measured. What is
there already is not made again. The sets of several models grow side by side, so that all can begin to train early."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import pathlib
import threading

import phantoms
import slabs
from dump import read_dump, remove
from task import Task, load


@dataclasses.dataclass(frozen=True)
class Order:
    """One phantom, and the models that read it."""

    tasks: tuple[str, ...]
    which: str
    seed: int


def orders(tasks: list[Task], sets: list[str], share: float = 1.0) -> list[Order]:
    """All sets grow evenly side by side, so that training and a trial of its outcome can begin at any time; models with the same
    phantoms share them. Of each set the first `share`."""
    wanted: list[tuple[float, Order]] = []
    for which in sets:
        shared: dict[tuple[str, int], list[Task]] = {}
        for task in tasks:
            shared.setdefault((task.synth, task.sets[which].first), []).append(task)
        for (_, first), group in shared.items():
            names = tuple(task.name for task in group)
            count = max(2, round(group[0].sets[which].count * share))
            wanted += [(place / count, Order(names, which, first + place)) for place in range(count)]
    return [order for _, order in sorted(wanted, key=lambda one: one[0])]


def dumps(work: pathlib.Path, task: Task, which: str) -> pathlib.Path:
    """Where the dumps of a set lie."""
    return work / f"{task.synth}-{task.sets[which].first}"


def slabs_of(work: pathlib.Path, task: Task) -> pathlib.Path:
    return work / f"{task.name}-slabs"


def fill(work: pathlib.Path, program: str, order: Order) -> None:
    tasks = [load(name) for name in order.tasks]
    out = dumps(work, tasks[0], order.which)
    done = [slabs_of(work, task) / f"{order.seed:06d}.npz" for task in tasks]
    if order.which != "training":
        done = [out / f"{order.seed:06d}.json"]
    if all(file.exists() for file in done):
        return
    phantoms.make(program, tasks[0], order.which, order.seed, out)
    if order.which == "training":
        phantom = read_dump(out, order.seed)
        for task in tasks:
            slabs.save(phantom, task, slabs_of(work, task), order.seed)
        remove(out, order.seed)


def generate(work: pathlib.Path, program: str, wanted: list[Order], workers: int, stop: threading.Event | None = None) -> None:
    """Until all are there, or soon after `stop` is set."""
    for order in wanted:
        for task in map(load, order.tasks):
            dumps(work, task, order.which).mkdir(parents=True, exist_ok=True)
            slabs_of(work, task).mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ProcessPoolExecutor(workers) as pool:
        for done in [pool.submit(fill, work, program, order) for order in wanted]:
            while not done.done():
                if stop and stop.is_set():
                    pool.shutdown(cancel_futures=True)
                    return
                concurrent.futures.wait([done], timeout=1)
            done.result()
