"""Nodules on the chest radiograph, and the lung fields to place them in."""

from __future__ import annotations

from task import Phantoms, Task, bits, marked
from tasks.chest import TRAINING, VALIDATION, VALUES, WARP


def held_out(place: int, seed: int) -> list[str]:
    """1024 × 1024 pixels. Odd: a nodule of 6 to 40 mm, evenly on a logarithmic scale; even: none, every third with a
    pneumothorax instead."""
    options = ["--matrix", "1024"]
    step = place // 2
    if place % 2:
        return [*options, "--nodule-mm", f"{6 * (40 / 6) ** (step / 99):.1f}"]
    return [*options, "--ptx-cm", f"{1 + step % 5}"] if step % 3 == 0 else options


def diameter(low: float, high: float):
    return lambda amount, truth: amount > 0 and low <= truth["nodule"]["diameter_mm"] < high


TASK = Task(
    name="nodule",
    synth="chest-xray",
    sets={"training": TRAINING, "validation": VALIDATION, "held-out": Phantoms(1_911_000, 200, held_out)},
    target=bits(2, 4),
    widths=(16, 32, 48, 64, 96, 128),
    mirror=None,
    warp=WARP,
    values=VALUES,
    draw={"with": 0.55, "beside": 0.0, "without": 0.45},
    evenly="volume",
    batch=16,
    minutes=120,
    unit="mm2",
    truth=marked(2),
    bands={
        "10 mm or more": diameter(10, 999),
        "under 10 mm": diameter(0, 10),
        "10 to 15 mm": diameter(10, 15),
        "15 to 25 mm": diameter(15, 25),
        "25 mm or more": diameter(25, 999),
    },
    goal="10 mm or more",
    # The chance from which a pixel counts becomes 0.08 instead of 0.5: chosen on the validation set.
    offset=2.44,
)
