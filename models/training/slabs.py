"""From a phantom to what training reads: values on the model's grid, and the share of each class in them."""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np

import preprocess as pp
from dump import Phantom
from task import Task

#: Values from 0 to 1 are kept as multiples of this.
UNIT = np.float32(1 / 32767)


def scale(recipe: pp.Recipe) -> np.float32:
    """What one kept step is worth: HU are kept as they are."""
    return UNIT if recipe.percentiles else np.float32(1)


def on_grid(phantom: Phantom, task: Task, recipe: pp.Recipe) -> tuple[np.ndarray, np.ndarray]:
    """int16 [slab, row, column] and uint8 [slab, class, row, column], 255: all of it."""
    grid = pp.make_grid(phantom.volume, phantom.offsets, phantom.spacing, recipe)
    values = np.rint(pp.values_on_grid(phantom.volume, grid) / scale(recipe)).astype(np.int16)
    bare = dataclasses.replace(grid, recipe=dataclasses.replace(recipe, clip=None))
    target = task.target(phantom.mask, phantom.truth)
    share = np.stack([np.rint(pp.to_grid(one * np.float32(255), bare, fill=0.0)).astype(np.uint8) for one in target], axis=1)
    return values, share


def save(phantom: Phantom, task: Task, out: pathlib.Path, seed: int) -> None:
    """NNNNNN.npz, complete as soon as it has its name."""
    values, share = on_grid(phantom, task, pp.Recipe.read(task.folder / "manifest.toml"))
    part = out / f"{seed:06d}.part"
    with part.open("wb") as file:
        np.savez(file, values=values, share=share)
    part.rename(out / f"{seed:06d}.npz")
