"""Intracranial hemorrhage on the non-contrast head CT."""

from __future__ import annotations

import numpy as np

from task import Phantoms, Task, Values, Warp, bits, marked

SLICES = (5.0, 5.0, 5.0, 5.0, 5.0, 4.0, 3.0, 2.5, 2.5, 1.25)


def training(_: int, seed: int) -> list[str]:
    """Half without blood; volumes of 0.8 to 110 mL and slices of 1.25 to 5 mm, spread by a hash of the seed."""
    mixed = ((seed * 0x9E3779B97F4A7C15) & (2**64 - 1)) >> 40
    volume = 0.8 * (110 / 0.8) ** ((mixed // 10 % 1000) / 1000)
    finding = "none" if seed % 2 == 0 else "any"
    return ["--finding", finding, "--volume-ml", repr(volume), "--slice-mm", repr(SLICES[mixed % 10]), "--matrix", "256"]


def held_out(place: int, seed: int) -> list[str]:
    """Slices of 0.625 to 5 mm, by the seed; volumes of 3 to 90 mL, by the place."""
    if place % 2 == 0:
        return ["--finding", "none", "--matrix", "256"]
    return ["--finding", "any", "--volume-ml", f"{3 * 30 ** (place // 2 / 99):.2f}", "--matrix", "256"]


def hollow(hu: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A plastic skull: air, water or one plastic instead of brain, with a few solid shapes in it. `hu` is [neighbour, row, column]."""
    size = hu.shape[-1]
    filling = rng.choice([-1000.0, -1000.0, 0.0, rng.uniform(-100, 130)])
    soft = (hu > -150) & (hu < 110)
    hu = np.where(soft, filling + rng.normal(0, 4, hu.shape), hu).astype(np.float32)
    y, x = np.mgrid[:size, :size]
    for _ in range(rng.integers(0, 6)):
        cy, cx = rng.normal(size / 2, 28, 2)
        ry, rx = rng.uniform(2, 22, 2)
        round_ = ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1
        inside = round_ if rng.random() < 0.5 else (abs(y - cy) < ry) & (abs(x - cx) < rx)
        which = slice(None) if rng.random() < 0.7 else slice(1, 3)
        hu[which, inside] = rng.uniform(60, 200) + rng.normal(0, 4)
    return hu


TASK = Task(
    name="ich",
    synth="head-ct",
    sets={
        "training": Phantoms(100_000, 420, training),
        "validation": Phantoms(900_000, 200, held_out),
        "held-out": Phantoms(940_000, 200, held_out),
    },
    target=bits(1),
    widths=(12, 24, 32, 48, 64),
    mirror=None,
    warp=Warp(),
    values=Values(),
    draw={"with": 0.5, "beside": 0.12, "without": 0.38},
    evenly="slab",
    batch=16,
    minutes=58,
    unit="ml",
    truth=marked(1),
    bands={
        "5 mL or more": lambda amount, truth: amount >= 5,
        "3 mL or more": lambda amount, truth: amount >= 3,
        "under 5 mL": lambda amount, truth: 0 < amount < 5,
    },
    goal="5 mL or more",
    spoil=hollow,
)
