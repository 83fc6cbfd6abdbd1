"""Two packages that read anything: one measures what is no air in any stack, one what is bright in any image. They make the way of the
pixels visible, with figures that can be computed elsewhere; they say nothing of a patient. Needs the Python package `onnx`.
"""
import gzip
import hashlib
import io
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

#: HU from which a voxel counts: what is a body. Between two values that can be stored.
DENSE_HU = -200.5
STACK, IMAGE = "any-stack", "any-image"

MANIFEST = """schema = 1
[identity]
name = "{name}"
version = "1.0.0"
title = "Measures what is bright"
file = "model.onnx"
sha256 = "{sha256}"
manufacturer = "Tocsin project"
licence = "Apache-2.0"
intended_use = "Tests"
training_data = "None"
clearance = "none"
display_policy = "preview-with-marks"
disclaimer = "For tests."
[eligibility]
rules = [{{ when = '{when}', reason = "{reason}" }}]
[input]
kind = "{kind}"
name = "input"
layout = "NCHW"
batch = 4
operations = [{operations}]
[[outputs]]
name = "output"
kind = "segmentation"
activation = "sigmoid"
classes = ["bright"]
threshold = 0.5
[[findings]]
code = {{ system = "99TOCSIN", value = "bright", meaning = "Bright" }}
site = {{ system = "99TOCSIN", value = "anywhere", meaning = "Anywhere" }}
output = "output"
class = "bright"
{point}
probability = "none"
expected_sensitivity = 0.0
expected_specificity = 0.0
{quantification}
[explanation]
kind = "mask"
[limits]
seconds = 60
memory_mb = 3000
[[golden]]
name = "half"
input = "golden/half.npy.gz"
sha256 = "{golden}"
spacing_mm = [2.0, 1.0, 1.0]
expect = [{{ output = "output", class = "bright", figure = "mean_score", value = 0.5, tolerance = 0.01 }}]
"""


def network():
    """The logit of a pixel is 2000 times its distance from one half; any size."""
    shape = ["n", 1, "rows", "columns"]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("input", "output")]
    nodes = [helper.make_node("Sub", ["input", "half"], ["d"]), helper.make_node("Mul", ["d", "gain"], ["output"])]
    constants = [numpy_helper.from_array(np.array(v, np.float32), n) for n, v in (("half", 0.5), ("gain", 2000.0))]
    graph = helper.make_graph(nodes, "bright", ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


def package(folder, name, low, high, **parts):
    """Half of its golden case is bright."""
    own = Path(folder) / name
    (own / "golden").mkdir(parents=True)
    onnx_file = network()
    (own / "model.onnx").write_bytes(onnx_file)
    case = np.full((4, 16, 16), low, "<i2")
    case[:, :, 8:] = high
    raw = io.BytesIO()
    np.save(raw, case)
    golden = gzip.compress(raw.getvalue(), 9, mtime=0)
    (own / "golden" / "half.npy.gz").write_bytes(golden)
    hashes = {"sha256": hashlib.sha256(onnx_file).hexdigest(), "golden": hashlib.sha256(golden).hexdigest()}
    (own / "manifest.toml").write_text(MANIFEST.format(name=name, **hashes, **parts))


def write(folder):
    """Both packages into a folder of models."""
    package(
        folder, STACK, -1000, 1000,
        kind="volume", when='series.modality in ["CT", "MR", "PT"]', reason="neither CT nor MR nor PET",
        operations=f'{{ op = "modality_lut" }}, {{ op = "window", window = [{DENSE_HU}, 100.0] }}',
        point="total_ml = 0.001\nlargest_component_ml = 0.0",
        quantification='[quantification]\noutput = "output"\nmeasure = ["volume_planimetric"]\nmin_component_ml = 0.0',
    )
    package(
        folder, IMAGE, 0, 1000,
        kind="image", when='series.modality in ["CR", "DX", "MG", "OT", "US", "NM", "XA", "RF"]', reason="not an image of these modalities",
        operations='{ op = "modality_lut" }, { op = "minmax" }',
        point="total_mm2 = 0.001", quantification="",
    )
