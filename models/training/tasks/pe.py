"""Pulmonary embolism on the CT pulmonary angiogram: clot, both ventricles' cavities and the arteries' lumen."""

from __future__ import annotations

from task import Phantoms, Task, Values, Warp, bits, marked, pick, spread

LEVELS = ("saddle", "main", "lobar", "segmental", "subsegmental")


def training(_: int, seed: int) -> list[str]:
    """Half with clot; slices of 2 and 2.5 mm; the trunk at 150 to 500 HU, evenly."""
    return [
        "--finding", pick(seed, 0, (*LEVELS, "segmental", *["none"] * 6)),
        "--distractors", pick(seed, 1, ("none", "drawn", "many", "many")),
        "--trunk-hu", f"{150 + 350 * spread(seed, 2):.0f}",
        "--slice-mm", pick(seed, 3, ("2.5", "2.5", "2")),
        "--matrix", pick(seed, 4, ("256", "256", "224")),
    ]


def held_out(place: int, seed: int) -> list[str]:
    """Odd: the five levels in turn; even: none. Everything else as the phantom draws it, slices of 1 to 2.5 mm."""
    return ["--finding", LEVELS[place // 2 % 5] if place % 2 else "none", "--matrix", "256"]


def level(*names: str):
    return lambda amount, truth: amount > 0 and truth["level"] in names


TASK = Task(
    name="pe",
    synth="ctpa",
    sets={
        "training": Phantoms(1_300_000, 320, training),
        "validation": Phantoms(1_820_000, 64, training),
        "held-out": Phantoms(1_920_000, 200, held_out),
    },
    target=bits(1, 2, 4, 8),
    widths=(16, 32, 48, 64, 96),
    mirror=None,
    warp=Warp(turn=5.0, shift=0.03, scale=(0.88, 1.12), flip=False),
    values=Values(gain=0.04, shift=8.0, noise=5.0, most_noise=25.0),
    draw={"with": 0.5, "beside": 0.1, "without": 0.4},
    evenly="volume",
    batch=32,
    minutes=240,
    unit="ml",
    truth=marked(1),
    bands={
        "segmental or more proximal": level("saddle", "main", "lobar", "segmental"),
        "subsegmental": level("subsegmental"),
        "segmental": level("segmental"),
        "lobar": level("lobar"),
        "main": level("main"),
        "saddle": level("saddle"),
    },
    goal="segmental or more proximal",
)
