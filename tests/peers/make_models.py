"""Writes the small ONNX files that the tests load and refuse: tests/data/models/. Needs the Python package `onnx`.

    python tests/peers/make_models.py
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).parent.parent / "data" / "models"
SIZE = 64


def save(path: Path, nodes, initializers, **more) -> None:
    source = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 1, SIZE, SIZE])
    target = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", 1, SIZE, SIZE])
    graph = helper.make_graph(nodes, path.parent.name, [source], [target], initializers)
    opsets = [helper.make_opsetid("", 17)] + more.get("opsets", [])
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="tocsin tests")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())


def constant(name: str, value: float):
    return numpy_helper.from_array(np.array(value, np.float32), name)


def bright(path: Path) -> None:
    """The logit of a pixel is 20 times its distance from one half: what is brighter than the window's middle is found."""
    nodes = [helper.make_node("Sub", ["input", "half"], ["d"]), helper.make_node("Mul", ["d", "gain"], ["output"])]
    save(path, nodes, [constant("half", 0.5), constant("gain", 20.0)])


def outside(path: Path) -> None:
    """Its constant lies in another file."""
    tensor = constant("half", 0.5)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../../../../etc/hostname"
    save(path, [helper.make_node("Sub", ["input", "half"], ["output"])], [tensor])


def foreign(path: Path) -> None:
    """Its operator belongs to a domain of its own."""
    node = helper.make_node("Anything", ["input"], ["output"], domain="com.example")
    save(path, [node], [], opsets=[helper.make_opsetid("com.example", 1)])


if __name__ == "__main__":
    bright(FOLDER / "bright" / "model.onnx")
    outside(FOLDER / "outside" / "model.onnx")
    foreign(FOLDER / "foreign" / "model.onnx")
