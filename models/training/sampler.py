"""Slabs of all phantoms in the memory of the device that trains, and random batches of them."""

from __future__ import annotations

import pathlib

import numpy as np
import torch

import preprocess as pp
from augment import channels_of, revalue, warp
from slabs import scale
from task import Task

#: A slab has the finding when more than so many pixels are mostly of it.
LEAST_PIXELS = 3


class Sampler:
    def __init__(self, task: Task, recipe: pp.Recipe, device: str, seed: int) -> None:
        self.task, self.recipe, self.device = task, recipe, device
        self.rng = np.random.default_rng(seed)
        self.dice = torch.Generator(device).manual_seed(seed)
        self.known: set[pathlib.Path] = set()
        self.values = torch.empty((0, *recipe.size), dtype=torch.int16, device=device)
        self.share = torch.empty((0, len(recipe.classes), *recipe.size), dtype=torch.uint8, device=device)
        self.used = 0
        self.bounds: list[tuple[int, int]] = []                  # first and last slab of each slab's phantom
        self.index: dict[str, list[np.ndarray]] = {"with": [], "beside": [], "without": []}

    def look(self, folder: pathlib.Path, most: int = 40) -> None:
        """Takes what is new in a folder, at most so many at a time."""
        for file in sorted(set(folder.glob("*.npz")) - self.known)[:most]:
            with np.load(file) as data:
                self.add(data["values"], data["share"])
            self.known.add(file)

    def add(self, values: np.ndarray, share: np.ndarray) -> None:
        first, end = self.used, self.used + len(values)
        if end > len(self.values):
            expected = len(values) * self.task.sets["training"].count if first == 0 else 3 * end // 2
            self.values, self.share = grown(self.values, max(end, expected)), grown(self.share, max(end, expected))
        self.values[first:end] = torch.from_numpy(values).to(self.device)
        self.share[first:end] = torch.from_numpy(share).to(self.device)
        self.used = end
        self.bounds += [(first, end - 1)] * len(values)
        main = share[:, self.task.main_class]
        much = (main > 127).reshape(len(main), -1).sum(1) > LEAST_PIXELS
        some = main.reshape(len(main), -1).any(1)
        for kind, which in (("with", much), ("beside", some & ~much), ("without", ~some)):
            if which.any():
                self.index[kind].append(first + np.nonzero(which)[0])

    def draw(self, kind: str) -> int:
        lists = self.index[kind]
        if self.task.evenly == "slab":
            return int(self.rng.choice(np.concatenate(lists)))
        return int(self.rng.choice(lists[self.rng.integers(len(lists))]))

    def batch(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Float32 [size, channels, H, W] and [size, classes, H, W]."""
        there = {kind: share for kind, share in self.task.draw.items() if self.index[kind] and share > 0}
        odds = np.array(list(there.values()))
        kinds = self.rng.choice(list(there), size, p=odds / odds.sum())
        slabs = np.array([self.draw(kind) for kind in kinds])
        low, high = np.array([self.bounds[slab] for slab in slabs]).T
        reach = np.arange(-self.recipe.adjacent, self.recipe.adjacent + 1)
        around = np.clip(slabs[:, None] + reach, low[:, None], high[:, None])
        x = self.values[torch.from_numpy(around).to(self.device)].float() * float(scale(self.recipe))
        share = self.share[torch.from_numpy(slabs).to(self.device)].float() / 255
        if self.task.spoil:
            self.spoil(x, kinds)
        x, share = warp(x, share, self.task.warp, self.recipe.fill, self.rng)
        x = revalue(x, self.task.values, self.rng, self.dice)
        return channels_of(x, self.recipe.windows), share

    def spoil(self, x: torch.Tensor, kinds) -> None:
        for i, kind in enumerate(kinds):
            if kind == "without" and self.rng.random() < 0.12:
                x[i] = torch.from_numpy(self.task.spoil(x[i].cpu().numpy(), self.rng)).to(x)


def grown(buffer: torch.Tensor, length: int) -> torch.Tensor:
    """The same in a larger buffer."""
    larger = torch.empty((length, *buffer.shape[1:]), dtype=buffer.dtype, device=buffer.device)
    larger[: len(buffer)] = buffer
    return larger
