"""Phantoms as `tocsin synth KIND --dump` writes them, per seed: NNNNNN.i16 (HU) or, of radiographs, NNNNNN.u16 (low values dark),
little-endian; NNNNNN.u8 (mask, bits) and NNNNNN.json (truth); arrays are [slice][row][column], slices from the feet up."""

from __future__ import annotations

import dataclasses
import json
import pathlib

import numpy as np


@dataclasses.dataclass
class Phantom:
    volume: np.ndarray
    mask: np.ndarray
    offsets: np.ndarray            # mm along the normal
    spacing: tuple[float, float]   # rows, columns, mm
    truth: dict

    @property
    def elements(self) -> np.ndarray:
        """Size of a voxel of each slice: mL, of an image mm²."""
        area = self.spacing[0] * self.spacing[1]
        if len(self.offsets) == 1:
            return np.array([area])
        return np.full(len(self.offsets), area * (self.offsets[1] - self.offsets[0]) / 1000.0)


def read_dump(folder: pathlib.Path, seed: int) -> Phantom:
    stem = folder / f"{seed:06d}"
    truth = json.loads(stem.with_suffix(".json").read_text())
    if "geometry" in truth:
        g = truth["geometry"]
        shape, step = (g["slices"], g["rows"], g["columns"]), g["slice_spacing_mm"]
        volume = np.fromfile(stem.with_suffix(".i16"), "<i2").reshape(shape)
        spacing = tuple(g["pixel_spacing_mm"])
    else:
        shape, step = (1, truth["rows"], truth["columns"]), 1.0
        # Half the range, so that values fit where the server keeps them; percentiles do not see it.
        volume = (np.fromfile(stem.with_suffix(".u16"), "<u2") >> 1).astype(np.int16).reshape(shape)
        spacing = tuple(truth["pixel_spacing_mm"])
    mask = np.fromfile(stem.with_suffix(".u8"), "u1").reshape(shape)
    return Phantom(volume, mask, np.arange(shape[0]) * step, spacing, truth)


def remove(folder: pathlib.Path, seed: int) -> None:
    for file in folder.glob(f"{seed:06d}.*"):
        file.unlink()
