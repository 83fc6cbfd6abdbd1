"""Makes golden cases: small parts of phantoms and what the exported model says of them, checked whenever the model is loaded."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import pathlib

import numpy as np

import preprocess as pp
from dump import Phantom
from figures import Model
from task import Task

#: Slices kept about the key slice, thickness up to which they are averaged (mm), thinning in the plane and steps of the values,
#: so that the files stay small.
SLICES, THIN, STEP = 15, 2, 8
THIN_IMAGE = 4


def smaller(phantom: Phantom) -> Phantom:
    """A part of a phantom, coarser."""
    if len(phantom.offsets) == 1:
        return thinned(phantom, slice(None), THIN_IMAGE, 1)
    key = phantom.truth.get("key_slice") or len(phantom.offsets) // 2
    first = min(max(0, key - SLICES // 2), max(0, len(phantom.offsets) - SLICES))
    return thinned(phantom, slice(first, first + SLICES), THIN, STEP)


def thinned(phantom: Phantom, slices: slice, thin: int, step: int) -> Phantom:
    values = np.ascontiguousarray(phantom.volume[slices, ::thin, ::thin] // step * step).astype("<i2")
    spacing = (phantom.spacing[0] * thin, phantom.spacing[1] * thin)
    return dataclasses.replace(phantom, volume=values, offsets=phantom.offsets[slices], spacing=spacing)


def golden(task: Task, model: Model, phantom: Phantom, name: str, folder: pathlib.Path) -> str:
    """Writes the array; gives its part of the manifest."""
    small = smaller(phantom)
    raw = io.BytesIO()
    np.save(raw, small.volume)
    path = folder / "golden" / f"{name}.npy.gz"
    path.write_bytes(gzip.compress(raw.getvalue(), 9, mtime=0))
    step = float(small.offsets[1] - small.offsets[0]) if len(small.offsets) > 1 else 1.0
    expected = ",\n".join("  " + line for line in expectations(model, small))
    return (
        f'\n[[golden]]\nname = "{name}"\ninput = "golden/{path.name}"\n'
        f'sha256 = "{hashlib.sha256(path.read_bytes()).hexdigest()}"\n'
        f"spacing_mm = [{step}, {small.spacing[0]}, {small.spacing[1]}]\nexpect = [\n{expected},\n]\n")


def expectations(model: Model, small: Phantom) -> list[str]:
    """Of each class the volume on the grid of the series; of images the mean score on the model's grid."""
    probabilities, grid = model.probabilities(small)
    lines = []
    for c, name in enumerate(model.recipe.classes):
        if len(small.offsets) == 1:
            value, figure = float(probabilities[:, c].mean()), "mean_score"
            tolerance = max(2e-4, 0.03 * value)
        else:
            value, figure = float((pp.back_to_series(probabilities[:, c], grid).sum((1, 2)) * small.elements).sum()), "volume_ml"
            tolerance = max(0.1, 0.03 * value)
        lines.append(
            f'{{ output = "output", class = "{name}", figure = "{figure}", value = {value:.5f}, tolerance = {tolerance:.5f} }}')
    return lines
