"""Pictures to look at: what a model marks (yellow) and what is there (red), on the slice with the most of either. Of hits, misses
and false alarms a few each, from the rows of a set."""

from __future__ import annotations

import argparse
import pathlib

import numpy as np
from PIL import Image

import manifest
import preprocess as pp
from dump import Phantom, read_dump
from evaluate import Point
from figures import Model
from generate import dumps
from measure import read_rows
from task import Task, load

WINDOWS = {"pe": (-150, 450), "lvo": (-50, 400), "ischaemia": (15, 55), "ich": (0, 100)}
EACH, SIDE = 4, 384


def edges(mask: np.ndarray) -> np.ndarray:
    return mask & ~(np.roll(mask, 1, 0) & np.roll(mask, -1, 0) & np.roll(mask, 1, 1) & np.roll(mask, -1, 1))


def picture(task: Task, model: Model, phantom: Phantom) -> np.ndarray:
    found = model.masks(phantom)[task.main_class].astype(bool)
    real = task.target(phantom.mask, phantom.truth)[task.main_class].astype(bool)
    most = (found | real).reshape(len(found), -1).sum(1)
    k = int(most.argmax()) if most.any() else len(found) // 2
    plane = phantom.volume[k].astype(np.float32)
    low, high = WINDOWS.get(task.name) or np.percentile(plane, (1, 99))
    grey = ((plane - low) / (high - low)).clip(0, 1) * 255
    image = np.stack([grey] * 3, -1).astype(np.uint8)
    image[edges(real[k])] = (255, 0, 0)
    image[edges(found[k])] = (255, 255, 0)
    return np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.LANCZOS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", type=load)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--set", default="held-out")
    args = parser.parse_args()
    task, point = args.task, Point.of(manifest.read(args.task.folder))
    model = Model(task.folder / "model.onnx", pp.Recipe.read(task.folder / "manifest.toml"), 2)
    rows = read_rows(args.work / "results" / f"{task.name}.{args.set}.jsonl")
    groups = (
        [r for r in rows if r["true"] > 0 and point.flags(r)],
        [r for r in rows if r["true"] > 0 and not point.flags(r)],
        [r for r in rows if r["true"] == 0 and point.flags(r)],
    )
    lines = []
    for group in groups:
        group = group[:: max(1, len(group) // EACH)][:EACH]
        tiles = [picture(task, model, read_dump(dumps(args.work, task, args.set), r["seed"])) for r in group]
        lines.append(np.concatenate(tiles + [np.zeros((SIDE, SIDE, 3), np.uint8)] * (EACH - len(tiles)), 1))
    Image.fromarray(np.concatenate(lines, 0)).save(args.out)


if __name__ == "__main__":
    main()
