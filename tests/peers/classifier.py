"""A package around a classifier that is written here: it looks for a patch of a head that is as bright as blood, slice by slice, and
says what it looked at as an output of its own. Nothing was trained."""
import gzip
import hashlib
import io

import numpy as np
from onnx import TensorProto, helper, numpy_helper

SIDE = 128
NAME = "patch-of-blood"


def network():
    """Brighter than brain and not bone, blurred; the most of it is the logit."""
    source = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])
    said = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", 1])
    where = helper.make_tensor_value_info("where", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])

    def node(operator, inputs, output, **attributes):
        return helper.make_node(operator, inputs, [output], **attributes)

    def constant(name, value):
        return numpy_helper.from_array(np.array(value, np.float32), name)

    nodes = [
        node("Sub", ["input", "blood"], "above"),
        node("Mul", ["above", "steep"], "steeper"),
        node("Clip", ["steeper", "zero", "one"], "bright"),
        node("Sub", ["input", "bone"], "over"),
        node("Mul", ["over", "steep"], "harder"),
        node("Clip", ["harder", "zero", "one"], "hard"),
        node("Mul", ["hard", "penalty"], "forbidden"),
        node("Sub", ["bright", "forbidden"], "band"),
        node("AveragePool", ["band"], "where", kernel_shape=[9, 9], pads=[4, 4, 4, 4], strides=[1, 1]),
        node("ReduceMax", ["where"], "most", axes=[2, 3], keepdims=0),
        node("Sub", ["most", "half"], "centred"),
        node("Mul", ["centred", "gain"], "output"),
    ]
    constants = [constant("blood", 0.40), constant("bone", 0.75), constant("steep", 8.0), constant("zero", 0.0),
                 constant("one", 1.0), constant("penalty", 3.0), constant("half", 0.5), constant("gain", 12.0)]
    graph = helper.make_graph(nodes, NAME, [source], [said, where], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9, producer_name="tocsin tests")
    return model.SerializeToString()


def package(folder, explanation, policy="preview-with-marks"):
    """Writes the package below `folder`, which then is a folder of models."""
    own = folder / NAME
    own.mkdir(parents=True)
    file = network()
    (own / "model.onnx").write_bytes(file)
    stored = io.BytesIO()
    np.save(stored, np.zeros((2, SIDE, SIDE), "<i2"))
    case = gzip.compress(stored.getvalue(), mtime=0)
    (own / "nothing.npy.gz").write_bytes(case)
    (own / "manifest.toml").write_text(MANIFEST.format(
        name=NAME, sha256=hashlib.sha256(file).hexdigest(), case=hashlib.sha256(case).hexdigest(),
        explanation=explanation, policy=policy, side=SIDE))
    return folder


MANIFEST = """
schema = 1

[identity]
name = "{name}"
version = "1.0.0"
title = "A patch as bright as blood"
file = "model.onnx"
sha256 = "{sha256}"
manufacturer = "Tocsin project"
licence = "Apache-2.0"
intended_use = "Tests of the software."
training_data = "None: it was written."
clearance = "none"
display_policy = "{policy}"
disclaimer = "Written for tests."

[eligibility]
rules = [
  {{ when = 'series.modality == "CT" && series.image_type.contains("ORIGINAL")', reason = "not a CT series" }},
]

[input]
kind = "volume"
name = "input"
layout = "NCHW"
batch = 8
operations = [
  {{ op = "modality_lut" }},
  {{ op = "resize", size = [{side}, {side}], plane = "area" }},
  {{ op = "window", window = [60.0, 120.0] }},
]

[[outputs]]
name = "output"
kind = "classification"
activation = "sigmoid"
classes = ["blood"]
threshold = 0.5
aggregate = {{ by = "max" }}

[[findings]]
code = {{ system = "SCT", value = "1386000", meaning = "Intracranial hemorrhage" }}
site = {{ system = "SCT", value = "12738006", meaning = "Brain structure" }}
output = "output"
class = "blood"
probability = "none"
expected_sensitivity = 0.5
expected_specificity = 0.5

{explanation}

[limits]
seconds = 60
memory_mb = 1500

[[golden]]
name = "nothing"
input = "nothing.npy.gz"
sha256 = "{case}"
spacing_mm = [5.0, 1.0, 1.0]
expect = [ {{ output = "output", class = "blood", figure = "score", value = 0.0, tolerance = 0.01 }} ]
"""
