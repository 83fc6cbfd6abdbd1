"""What an exported model finds in one phantom: computed with the same operations as the server's, told as one row."""

from __future__ import annotations

import pathlib

import numpy as np
import onnxruntime as ort

import preprocess as pp
from dump import Phantom
from task import Task


class Model:
    def __init__(self, onnx: pathlib.Path, recipe: pp.Recipe, threads: int) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = ort.InferenceSession(str(onnx), options, providers=["CPUExecutionProvider"])
        self.recipe = recipe

    def probabilities(self, phantom: Phantom) -> tuple[np.ndarray, pp.Grid]:
        """[slab, class, row, column] on the grid."""
        x, grid = pp.model_input(phantom.volume, phantom.offsets, phantom.spacing, self.recipe)
        logits = np.concatenate([self.session.run(None, {"input": x[k:k + 8]})[0] for k in range(0, len(x), 8)])
        return 1 / (1 + np.exp(-logits)), grid

    def masks(self, phantom: Phantom) -> list[np.ndarray]:
        """Of each class, on the grid of the series."""
        probabilities, grid = self.probabilities(phantom)
        return [pp.back_to_series(probabilities[:, c], grid) for c in range(probabilities.shape[1])]


def row(task: Task, model: Model, phantom: Phantom, seed: int) -> dict:
    """The true amount of the finding, its components as found, and the overlap (Dice) of every class."""
    masks = model.masks(phantom)
    target = task.target(phantom.mask, phantom.truth)
    elements = phantom.elements
    found = pp.components(masks[task.main_class], elements)
    overlap = [2 * np.count_nonzero(m & t) / max(1, np.count_nonzero(m) + np.count_nonzero(t)) for m, t in zip(masks, target)]
    return {
        "seed": seed,
        "true": task.truth(phantom.mask, phantom.truth, float(elements[0])),
        "found": [round(size, 4) for size in found[:50]],
        "dice": [round(float(share), 4) for share in overlap],
        "truth": {key: value for key, value in phantom.truth.items() if key != "geometry"},
    }
