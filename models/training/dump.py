"""Phantoms as `tocsin synth head-ct --dump` writes them, per seed: NNNNNN.i16 (HU, int16 little-endian), NNNNNN.u8 (mask) and
NNNNNN.json (truth.json with the geometry); arrays are [slice][row][column], slices from the feet up."""

from __future__ import annotations

import json
import pathlib

import numpy as np


def read_dump(folder: pathlib.Path, seed: int):
    """Volume, mask, offsets, spacing and truth of one phantom."""
    stem = folder / f"{seed:06d}"
    truth = json.loads(stem.with_suffix(".json").read_text())
    g = truth["geometry"]
    shape = (g["slices"], g["rows"], g["columns"])
    volume = np.fromfile(stem.with_suffix(".i16"), "<i2").reshape(shape)
    mask = np.fromfile(stem.with_suffix(".u8"), "u1").reshape(shape)
    offsets = np.arange(shape[0]) * g["slice_spacing_mm"]
    return volume, mask, offsets, tuple(g["pixel_spacing_mm"]), truth
