"""Runs an exported model over a set of phantoms on many cores: one row of figures for each."""

from __future__ import annotations

import concurrent.futures
import functools
import json
import pathlib

import preprocess as pp
from dump import read_dump
from figures import Model, row
from generate import dumps
from task import Task, load


@functools.cache
def opened(name: str, onnx: pathlib.Path, threads: int) -> Model:
    return Model(onnx, pp.Recipe.read(load(name).folder / "manifest.toml"), threads)


def one(name: str, onnx: pathlib.Path, folder: pathlib.Path, seed: int, threads: int) -> dict:
    return row(load(name), opened(name, onnx, threads), read_dump(folder, seed), seed)


def measure(task: Task, onnx: pathlib.Path, work: pathlib.Path, which: str, out: pathlib.Path, workers: int) -> list[dict]:
    """Rows of all phantoms of the set that are there, by seed; those in `out` already are not measured again."""
    folder = dumps(work, task, which)
    seeds = sorted(int(file.stem) for file in folder.glob("*.json"))
    known = {r["seed"]: r for r in read_rows(out)}
    threads = 2 if workers == 1 else 1
    with concurrent.futures.ProcessPoolExecutor(workers) as pool, out.open("a") as file:
        waiting = [pool.submit(one, task.name, onnx, folder, seed, threads) for seed in seeds if seed not in known]
        for done in concurrent.futures.as_completed(waiting):
            known[done.result()["seed"]] = done.result()
            file.write(json.dumps(done.result()) + "\n")
            file.flush()
    return [known[seed] for seed in sorted(known)]


def read_rows(path: pathlib.Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
