"""Pneumothorax on the chest radiograph: the air between the pleurae, and the lung fields to measure from."""

from __future__ import annotations

from task import Phantoms, Task, bits, marked
from tasks.chest import TRAINING, VALIDATION, VALUES, WARP


def held_out(place: int, seed: int) -> list[str]:
    """1024 × 1024 pixels. Odd: 0.5 to 8 cm at the apex, evenly on a logarithmic scale, tension in one of four above 3 cm; even:
    none, every third with a nodule instead."""
    options = ["--matrix", "1024"]
    step = place // 2
    if place % 2:
        apex = 0.5 * 16 ** (step / 99)
        return [*options, "--ptx-cm", f"{apex:.2f}", *(["--tension"] if apex > 3 and step % 4 == 0 else [])]
    return [*options, "--nodule-mm", f"{8 + step % 30}"] if step % 3 == 0 else options


def apex(low: float, high: float):
    return lambda amount, truth: amount > 0 and low <= truth["pneumothorax"]["apex_cm"] < high


TASK = Task(
    name="ptx",
    synth="chest-xray",
    sets={"training": TRAINING, "validation": VALIDATION, "held-out": Phantoms(1_900_000, 200, held_out)},
    target=bits(1, 4),
    widths=(16, 32, 48, 64, 96, 128),
    mirror=None,
    warp=WARP,
    values=VALUES,
    draw={"with": 0.55, "beside": 0.0, "without": 0.45},
    evenly="volume",
    batch=16,
    minutes=120,
    unit="mm2",
    truth=marked(1),
    bands={
        "any size": lambda amount, truth: amount > 0,
        "apex 1 cm or more": apex(1, 99),
        "apex under 1 cm": apex(0, 1),
        "apex 1 to 2 cm": apex(1, 2),
        "apex 2 to 4 cm": apex(2, 4),
        "apex 4 cm or more": apex(4, 99),
        "under tension": lambda amount, truth: amount > 0 and truth["pneumothorax"]["tension"],
    },
    goal="any size",
)
