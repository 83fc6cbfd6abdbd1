"""Made-up chest radiographs with a nodule of known size, and a small network that finds it: two grey values are all there is.

The patient's outline is drawn as lungs of one grey and a nodule of another, so that what is measured has a truth.
"""
import hashlib
from pathlib import Path

import numpy as np
import onnx
import pydicom
from onnx import TensorProto, helper, numpy_helper
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

DX = "1.2.840.10008.5.1.4.1.1.1.1"
SIDE, SPACING = 512, 0.7
LUNG, NODULE, BODY, AIR = 1200, 4000, 2400, 100

MANIFEST = """
schema = 1

[identity]
name = "nodule"
version = "1.0.0"
title = "Finds what is brightest"
file = "model.onnx"
sha256 = "HASH"
manufacturer = "Tocsin project"
licence = "Apache-2.0"
intended_use = "Tests"
training_data = "None"
clearance = "none"
display_policy = "preview-with-marks"
disclaimer = "For tests."

[eligibility]
rules = [{ when = 'series.modality == "DX"', reason = "not a radiograph" }]

[input]
kind = "image"
name = "input"
layout = "NCHW"
batch = 1
operations = [
  { op = "modality_lut" },
  { op = "resize", size = [512, 512], plane = "area", fit = "stretch" },
  { op = "percentiles", range = [0.0, 100.0] },
]

[[outputs]]
name = "output"
kind = "segmentation"
activation = "sigmoid"
classes = ["nodule", "lung"]
threshold = 0.5

[[findings]]
code = { system = "SCT", value = "427359005", meaning = "Solitary nodule of lung" }
site = { system = "SCT", value = "39607008", meaning = "Lung" }
output = "output"
class = "nodule"
total_mm2 = 20.0
probability = "none"
expected_sensitivity = 0.0
expected_specificity = 0.0

[explanation]
kind = "mask"

[limits]
seconds = 60
memory_mb = 1500
"""


def package(folder):
    """The model package `nodule`: brightness above 0.8 is the nodule, about 0.28 is lung."""
    def constant(name, value):
        return numpy_helper.from_array(np.array(value, np.float32), name)

    nodes = [
        helper.make_node("Sub", ["input", "bright"], ["a"]),
        helper.make_node("Mul", ["a", "gain"], ["nodule"]),
        helper.make_node("Sub", ["input", "grey"], ["b"]),
        helper.make_node("Abs", ["b"], ["c"]),
        helper.make_node("Sub", ["width", "c"], ["d"]),
        helper.make_node("Mul", ["d", "gain"], ["lung"]),
        helper.make_node("Concat", ["nodule", "lung"], ["output"], axis=1),
    ]
    values = {"bright": 0.8, "gain": 200.0, "grey": (LUNG - AIR) / (NODULE - AIR), "width": 0.1}
    graph = helper.make_graph(
        nodes, "nodule",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", 2, SIDE, SIDE])],
        [constant(name, value) for name, value in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    own = Path(folder) / "nodule"
    own.mkdir(parents=True)
    content = model.SerializeToString()
    (own / "model.onnx").write_bytes(content)
    (own / "manifest.toml").write_text(MANIFEST.replace("HASH", hashlib.sha256(content).hexdigest()))
    return folder


def pixels(mm, shift):
    """Two lungs and, in the right upper one, a disc of this diameter; `shift` moves all of it, as a patient stands elsewhere."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(float)
    columns, rows = columns - shift[0] / SPACING, rows - shift[1] / SPACING
    image = np.full((SIDE, SIDE), BODY, np.uint16)
    for centre in (160, 350):
        image[((columns - centre) / 70) ** 2 + ((rows - 270) / 150) ** 2 <= 1] = LUNG
    image[:4, :] = AIR
    if mm:
        radius = mm / 2 / SPACING
        image[(columns - 165) ** 2 + (rows - 190) ** 2 <= radius**2] = NODULE
    return image


def radiograph(mm, date, patient="PRIOR-1", name="NODULE^NORA", birth="19500505", shift=(0, 0), **changes):
    """A study of one image, as a data set."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = DX, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = DX, meta.MediaStorageSOPInstanceUID
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.PatientID, ds.PatientName, ds.PatientBirthDate, ds.PatientSex = patient, name, birth, "F"
    ds.StudyDate, ds.StudyTime, ds.AccessionNumber = date, "101500", ds.StudyInstanceUID[-10:]
    ds.Modality, ds.BodyPartExamined, ds.StudyDescription = "DX", "CHEST", "CHEST PA"
    ds.SeriesNumber, ds.InstanceNumber = 1, 1
    ds.PhotometricInterpretation, ds.SamplesPerPixel = "MONOCHROME2", 1
    ds.Rows = ds.Columns = SIDE
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.ImagerPixelSpacing = [SPACING, SPACING]
    ds.PixelData = pixels(mm, shift).tobytes()
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    return ds


def bytes_of(ds):
    from io import BytesIO
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()
