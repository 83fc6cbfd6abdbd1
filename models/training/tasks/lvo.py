"""Occlusion of the internal carotid, M1 or M2 on the CT angiogram of the head: a ball about the place where the lumen ends."""

from __future__ import annotations

import numpy as np

from task import Phantoms, Task, Values, Warp, pick, spread

BALL_MM = 6.0
SEGMENTS = ("ica-terminus", "m1-proximal", "m1-distal", "m2")


def training(_: int, seed: int) -> list[str]:
    """Half with an occlusion; arteries of 150 to 500 HU, evenly; slices of 0.8 to 2 mm."""
    return [
        "--finding", pick(seed, 0, (*SEGMENTS, "m2", *["none"] * 5)),
        "--contrast-hu", f"{150 + 350 * spread(seed, 1):.0f}",
        "--collaterals", f"{0.02 + 0.78 * spread(seed, 2):.2f}",
        "--slice-mm", pick(seed, 3, ("0.8", "1", "1.25", "1.25", "1.25", "2")),
        "--matrix", pick(seed, 4, ("256", "256", "224")),
    ]


def held_out(place: int, seed: int) -> list[str]:
    """Odd: the four segments in turn; even: none. Everything else as the phantom draws it, slices of 0.625 to 1 mm."""
    return ["--finding", SEGMENTS[place // 2 % 4] if place % 2 else "none", "--matrix", "256"]


def ball(mask: np.ndarray, truth: dict) -> np.ndarray:
    """All voxels at most BALL_MM from the place where the lumen ends."""
    place = truth["occlusion_mm"]
    if place is None:
        return np.zeros((1, *mask.shape), np.uint8)
    g = truth["geometry"]
    row, column = np.array(g["orientation"][:3]), np.array(g["orientation"][3:])
    away = np.array(place) - np.array(g["origin"])
    dy, dx = g["pixel_spacing_mm"]
    z = np.arange(mask.shape[0]) * g["slice_spacing_mm"] - away @ np.cross(row, column)
    y = np.arange(mask.shape[1]) * dy - away @ column
    x = np.arange(mask.shape[2]) * dx - away @ row
    far = z[:, None, None] ** 2 + y[None, :, None] ** 2 + x[None, None, :] ** 2
    return (far <= BALL_MM**2).astype(np.uint8)[None]


def amount(mask: np.ndarray, truth: dict, element: float) -> float:
    """Volume of the ball that lies in the images, mL."""
    return float(np.count_nonzero(ball(mask, truth))) * element


def segment(*names: str):
    return lambda amount, truth: amount > 0 and truth["segment"] in names


TASK = Task(
    name="lvo",
    synth="cta-head",
    sets={
        "training": Phantoms(1_400_000, 420, training),
        "validation": Phantoms(1_830_000, 100, training),
        "held-out": Phantoms(1_930_000, 200, held_out),
    },
    target=ball,
    widths=(24, 32, 48, 64, 96),
    mirror=1,
    warp=Warp(turn=5.0, shift=0.02, scale=(0.9, 1.1)),
    values=Values(gain=0.05, shift=5.0, noise=4.0, most_noise=20.0),
    draw={"with": 0.5, "beside": 0.1, "without": 0.4},
    evenly="volume",
    batch=32,
    minutes=240,
    unit="ml",
    truth=amount,
    bands={
        "ICA terminus, M1 or M2": lambda amount, truth: amount > 0,
        "ICA terminus or M1": segment("ica_terminus", "m1_proximal", "m1_distal"),
        "ICA terminus": segment("ica_terminus"),
        "M1": segment("m1_proximal", "m1_distal"),
        "M2": segment("m2_upper", "m2_lower"),
    },
    goal="ICA terminus, M1 or M2",
)
