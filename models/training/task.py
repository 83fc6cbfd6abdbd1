"""What one model is made of, besides its manifest: its phantoms, its target, its network and how it is trained. tasks/ holds
one of these for each model; everything else is shared."""

from __future__ import annotations

import dataclasses
import importlib
import pathlib
from collections.abc import Callable

import numpy as np

MODELS = pathlib.Path(__file__).resolve().parent.parent
NAMES = ("ich", "ptx", "nodule", "pe", "lvo", "ischaemia")


@dataclasses.dataclass(frozen=True)
class Phantoms:
    """One set: seeds `first` to `first + count - 1`, and the options of `tocsin synth` by the place in it."""

    first: int
    count: int
    options: Callable[[int, int], list[str]]  # place, seed


@dataclasses.dataclass(frozen=True)
class Warp:
    """Deviations of turning (degrees) and shifting (share of the frame), bounds of scaling; whether sides may be exchanged."""

    turn: float = 7.0
    shift: float = 0.05
    scale: tuple[float, float] = (0.88, 1.1)
    flip: bool = True


@dataclasses.dataclass(frozen=True)
class Values:
    """Calibration and noise of other machines, in the units of the grid: deviations of gain and shift, mean of the noise's
    deviation and its most, range of the blend with a blurred copy (negative sharpens), range of the gamma."""

    gain: float = 0.03
    shift: float = 2.5
    noise: float = 1.5
    most_noise: float = 6.0
    blur: tuple[float, float] = (-0.4, 0.8)
    gamma: tuple[float, float] = (1.0, 1.0)


@dataclasses.dataclass(frozen=True)
class Task:
    name: str
    synth: str                    # kind of phantom
    sets: dict[str, Phantoms]     # training, validation, held-out
    target: Callable[[np.ndarray, dict], np.ndarray]  # mask and truth to uint8 [class, slice, row, column] of 0 and 1
    widths: tuple[int, ...]       # channels of the network, level by level
    mirror: int | None            # level from which features see those of the other side; None: never
    warp: Warp
    values: Values
    draw: dict[str, float]        # shares of slabs with the finding, beside it, and without
    evenly: str                   # "volume": each phantom as often; "slab": each slab
    batch: int
    minutes: float                # on two CPU cores; on a GPU whatever `--minutes` says
    unit: str                     # "ml" or "mm2": what the operating point counts
    truth: Callable[[np.ndarray, dict, float], float]  # mask, truth and mm³ or mm² of an element to the true amount; 0: none
    bands: dict[str, Callable[[float, dict], bool]]    # name to amount and truth: the rows of the card
    goal: str                     # the band whose sensitivity the operating point is chosen for
    spoil: Callable | None = None  # random change of a slab without the finding
    main_class: int = 0
    offset: float = 0.0            # added to the logits of the main class at export, so that the threshold of 0.5 finds more

    @property
    def folder(self) -> pathlib.Path:
        return MODELS / self.name


def load(name: str) -> Task:
    return importlib.import_module(f"tasks.{name}").TASK


def spread(seed: int, use: int) -> float:
    """0 to 1, the same for the same seed and use; neighbours lie far apart."""
    mixed = (seed * 0x9E3779B97F4A7C15 + use * 0xD1B54A32D192ED03) & (2**64 - 1)
    mixed ^= mixed >> 31
    mixed = mixed * 0x94D049BB133111EB & (2**64 - 1)
    return (mixed >> 11) / 2**53


def between(seed: int, use: int, low: float, high: float) -> float:
    """Evenly on a logarithmic scale."""
    return low * (high / low) ** spread(seed, use)


def pick(seed: int, use: int, choices):
    return choices[int(spread(seed, use) * len(choices))]


def bits(*values: int) -> Callable[[np.ndarray, dict], np.ndarray]:
    """Classes that are bits of the phantom's mask."""
    return lambda mask, truth: np.stack([(mask & bit > 0).astype(np.uint8) for bit in values])


def marked(bit: int) -> Callable[[np.ndarray, dict, float], float]:
    """Volume (mL) or area (mm²) of a bit of the mask, whatever was asked for."""
    return lambda mask, truth, element: float(np.count_nonzero(mask & bit)) * element
