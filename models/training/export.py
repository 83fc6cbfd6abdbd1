"""Writes a checkpoint as one ONNX file: float32 [N, channels, H, W] in, logits [N, classes, H, W] out, N free, no external data."""

from __future__ import annotations

import hashlib
import pathlib

import onnx
import torch

import preprocess as pp
from task import Task
from train import network_of


def export(task: Task, checkpoint: pathlib.Path, path: pathlib.Path) -> str:
    """The SHA-256 of what was written."""
    recipe = pp.Recipe.read(task.folder / "manifest.toml")
    net = network_of(task, recipe)
    net.load_state_dict(torch.load(checkpoint, weights_only=True, map_location="cpu"))
    with torch.no_grad():
        net.head.bias[task.main_class] += task.offset
    net.eval()
    example = torch.zeros(2, recipe.channels, *recipe.size)
    torch.onnx.export(
        net, (example,), path, opset_version=18, dynamo=False, input_names=["input"], output_names=["output"],
        dynamic_axes={"input": {0: "n"}, "output": {0: "n"}})
    onnx.checker.check_model(onnx.load(path), full_check=True)
    return hashlib.sha256(path.read_bytes()).hexdigest()
