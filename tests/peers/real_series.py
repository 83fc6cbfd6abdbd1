"""Every series at hand that was really made by somebody's machine or toolkit, sent to the service as it is; what came of each is set
against what pydicom and NumPy make of the same files.

    TOCSIN_PROGRAM=target/debug/tocsin python tests/peers/real_series.py docs/real-series.md

Files of one series and one transfer syntax are one row. Each row becomes a study of its own (its UIDs are replaced, nothing else),
for many of the files are one object in different dress.
"""
import hashlib
import os
import re
import struct
import sys
import tempfile
import warnings
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pydicom
from pydicom.uid import UID

import probe_models
from objects import corpora
from scu import DEFLATED, Aborted, Association, Rejected
from service import Service, until

BIG = "1.2.840.10008.1.2.2"
IMPLICIT = "1.2.840.10008.1.2"
UIDS = {"study": (0x0020, 0x000D), "series": (0x0020, 0x000E), "instance": (0x0008, 0x0018)}
#: What a model may say last.
FINAL = {"flagged", "not_flagged", "indeterminate", "not_eligible", "quality_rejected", "failed"}
SECONDS = 600


HEAD = """# Real series

What came of {count} series ({files} objects) of public data that scanners and other toolkits made, sent to the service by C-STORE as they
are. Written by `tests/peers/real_series.py`; `tests/peers/test_real_series.py` repeats it where the data is. None of the data is in this
repository. Its sources:

- cornerstone-ctimage: the test images of Cornerstone (`cornerstoneWADOImageLoader`), one chest slice in many transfer syntaxes
- ct-geometry: tilted and unevenly spaced stacks that dcm2niix is tested with; their pixels are blank
- ct-head-philips-phantom: a scan of a plastic head, with localizer and dose screens
- cxr-nih-labelled: radiographs of the NIH ChestX-ray14 set as DICOM
- enhanced-ct-legacy: the test data of dcmqi and highdicom (CT as single and as multi-frame objects, SEG, SR)
- fuzz-pwnlab-v3: CT files broken on purpose, each in its own way
- highdicom, pydicom, pydicom-data: the test files of these libraries
- nema-wg04-ct1: the compression samples of DICOM working group 4

For each model: its state, and why or what was found. `any pixels` are two packages that read anything (`tests/peers/probe_models.py`):
the volume that is no air in a stack, in mL, or the area brighter than half of the range in images, in mm². The last column is the same
figure from the same files by pydicom and NumPy: where both stand, the way of the pixels (transfer syntax, sign, rescale, padding,
order, spacing, tilt) was the same. Series that came out alike share a row.

"""


@dataclass
class Row:
    """One series in one transfer syntax."""

    corpus: str
    name: str
    modality: str
    syntax: str
    files: list
    study: str
    refused: list = field(default_factory=list)
    accepted: int = 0
    said: dict = field(default_factory=dict)
    figures: dict = field(default_factory=dict)
    reference: float | None = None
    without: str = ""


def element(tag, value, syntax):
    """A UID as its element is written."""
    value = value.encode() + b"\0" * (len(value) % 2)
    order = ">" if syntax == BIG else "<"
    head = struct.pack(order + "HH", *tag)
    if syntax == IMPLICIT:
        return head + struct.pack("<I", len(value)) + value
    return head + b"UI" + struct.pack(order + "H", len(value)) + value


def renamed(file, header, names):
    """The data set with other UIDs of the same length, wherever they stand; None where it does not hold them as it should."""
    data = zlib.decompress(file.data_set, -15) if file.syntax == DEFLATED else file.data_set
    for level, tag in UIDS.items():
        old = str(header.get(tag, pydicom.DataElement(tag, "UI", "")).value)
        if element(tag, old, file.syntax) not in data or len(old) != len(names[level]):
            return None
        data = data.replace(element(tag, old, file.syntax), element(tag, names[level], file.syntax))
    if file.syntax == DEFLATED:
        pack = zlib.compressobj(6, zlib.DEFLATED, -15)
        data = pack.compress(data) + pack.flush()
    return data + b"\0" * (len(data) % 2)


def uid(like, *parts):
    """A UID as long as another, so that nothing around it moves; one that is too short to be anybody's stays what it is."""
    digits = "".join(str(byte % 9 + 1) for byte in hashlib.sha512("|".join(parts).encode()).digest())
    return f"2.25.{digits}"[: len(like)] if len(like) > 12 else like


def rows():
    """All series, in the order of their folders."""
    found = {}
    real = {name: files for name, files in corpora().items() if name != "pydicom wheel"}
    for corpus, files in (real or corpora()).items():
        for file in files:
            try:
                header = pydicom.dcmread(file.path, stop_before_pixels=True, force=True)
                series, instance = str(header.get("SeriesInstanceUID", "")), str(header.SOPInstanceUID)
                study = str(header.get("StudyInstanceUID", ""))
                modality = str(header.get("Modality", ""))
            except Exception:  # noqa: BLE001: whatever a hostile header does to pydicom
                header, series, study, instance, modality = None, "", "", file.instance, ""
            key = (corpus, series, file.syntax)
            while key in found and instance in found[key][1]:
                key += ("again",)
            # Files that were broken on purpose, each in its own way, are not one series.
            if not series or corpus.startswith("fuzz"):
                key += (str(file.path),)
            row, instances = found.setdefault(key, (Row(corpus, label(file), modality, file.syntax, [], uid(study, *key)), set()))
            names = {
                "study": row.study,
                "series": uid(series, *key, "series"),
                "instance": uid(instance, *key, instance, str(file.path)),
            }
            data = renamed(file, header, names) if header is not None else None
            row.files.append((file, data or file.data_set, names["instance"] if data else file.instance))
            if not data:
                row.study = study
            instances.add(instance)
    return [row for row, _ in found.values()]


def label(file):
    return str(Path(file.path.parent.name) / file.path.name)


def send(service, row):
    """Over one association; each answer is kept, and what became of the association."""
    classes = sorted({file.sop_class for file, _, _ in row.files})
    try:
        with Association(service.dicom, [(name, [row.syntax]) for name in classes]) as association:
            for file, data, instance in row.files:
                context = 2 * classes.index(file.sop_class) + 1
                if context not in association.accepted:
                    row.refused.append("SOP class or transfer syntax not accepted")
                    continue
                answer = association.store(file.sop_class, instance, data, context)
                if answer.status == 0:
                    row.accepted += 1
                else:
                    row.refused.append(f"{answer.status:#06x} {answer.comment}")
            association.release()
    except (Aborted, Rejected) as error:
        row.refused.append(f"association {type(error).__name__.lower()}")


def collect(service, sent):
    """Waits until every model has said its last word of every study that was taken in, those without images included."""
    until("every model's last word", lambda: all(map(is_final, service.every("/api/v1/worklist"))), SECONDS, every=2)
    for row in sent:
        for found in service.get(f"/api/v1/studies?number={row.study}")["items"]:
            path = f"/api/v1/studies/{found['study_id']}"
            hear(row, until("the last word of a study", lambda path=path: settled(service.get(path)), SECONDS))


def settled(study):
    return study if is_final(study) else None


def hear(row, study):
    for ai in study["ai"]:
        reason = re.sub(r"instance [0-9a-f.-]+", "an instance", ai["reason"])
        row.said[ai["model"]] = f"{ai['state']}: {reason}" if not ai["findings"] else described(ai)
        row.figures[ai["model"]] = figure(ai)


def is_final(study):
    return study["ai"] and all(ai["state"] in FINAL for ai in study["ai"])


def described(ai):
    measured = [m["text"] for f in ai["findings"] for m in f["measurements"]][:1]
    return " ".join([ai["state"], *measured, *(f"({text})" for text in ai["limitations"][:1])])


def figure(ai):
    """mL of a stack, mm² of images; None where nothing was measured."""
    units = {"mL": 1.0, "ml": 1.0, "cm3": 1.0, "mm2": 1.0, "cm2": 100.0}
    for found in ai["findings"]:
        if found["presence"] == "absent":
            return 0.0
        for measured in found["measurements"]:
            if measured["unit"] in units:
                return measured["value"] * units[measured["unit"]]
    return None


def reference(row, model):
    """The same figure by pydicom and NumPy; None where they make none."""
    try:
        frames = [frame for file, _, _ in row.files for frame in frames_of(pydicom.dcmread(file.path))]
        return dense_ml(frames) if model == probe_models.STACK else bright_mm2(frames)
    except Exception as error:  # noqa: BLE001: pydicom's own refusals are many
        row.without = f"pydicom: {type(error).__name__}"
        return None


def frames_of(data):
    """Values, spacing, position and orientation of each frame (PS3.3 C.7.6.3, C.7.6.16)."""
    pixels = data.pixel_array
    if data.get("SamplesPerPixel", 1) != 1:
        raise ValueError("colour")
    count = int(data.get("NumberOfFrames", 1) or 1)
    shared = data.get("SharedFunctionalGroupsSequence", [None])[0]
    own = data.get("PerFrameFunctionalGroupsSequence", [None] * count)
    for n, image in enumerate(pixels if count > 1 else [pixels]):

        def find(group, name, default=None, n=n):
            for item in (own[n], shared):
                if item is not None and group in item and name in item[group].value[0]:
                    return item[group].value[0].get(name)
            return data.get(name, default)

        slope = float(find("PixelValueTransformationSequence", "RescaleSlope", 1) or 1)
        intercept = float(find("PixelValueTransformationSequence", "RescaleIntercept", 0) or 0)
        yield {
            "values": np.rint(image.astype(np.float64) * slope + intercept),
            "spacing": find("PixelMeasuresSequence", "PixelSpacing", data.get("ImagerPixelSpacing")),
            "position": find("PlanePositionSequence", "ImagePositionPatient"),
            "orientation": find("PlaneOrientationSequence", "ImageOrientationPatient"),
            "inverted": str(data.PhotometricInterpretation) == "MONOCHROME1",
        }


def dense_ml(frames):
    """Slices weigh half the way to each neighbour along the normal, a single one 1 mm."""
    across, down = np.array(frames[0]["orientation"][:3], float), np.array(frames[0]["orientation"][3:], float)
    places = np.array([np.dot(np.cross(across, down), np.array(f["position"], float)) for f in frames])
    order = np.argsort(places)
    places = places[order]
    gaps = np.diff(places)
    if len(gaps) and gaps.min() < 0.01:
        raise ValueError("two slices at one place")
    extents = (np.concatenate([gaps[:1], gaps]) + np.concatenate([gaps, gaps[-1:]])) / 2 if len(gaps) else [1.0]
    total = 0.0
    for extent, n in zip(extents, order):
        row_mm, column_mm = map(float, frames[n]["spacing"])
        total += float((frames[n]["values"] > probe_models.DENSE_HU).sum()) * row_mm * column_mm * extent
    return total / 1000


def bright_mm2(frames):
    total = 0.0
    for frame in frames:
        values = frame["values"]
        low, high = values.min(), values.max()
        share = (values - low) / max(high - low, 1)
        row_mm, column_mm = map(float, frame["spacing"])
        total += float(((1 - share if frame["inverted"] else share) >= 0.5).sum()) * row_mm * column_mm
    return total


def measured_by(row):
    """The probe that measured, or None."""
    return next((m for m in (probe_models.STACK, probe_models.IMAGE) if row.figures.get(m) is not None), None)


def disagreements(sent):
    """Rows whose figure is not pydicom's, by more than a part in a hundred and what the service rounds to."""
    wrong = []
    for row in sent:
        model = measured_by(row)
        if model is None:
            continue
        row.reference = reference(row, model)
        ours = row.figures[model]
        if row.reference is not None and abs(ours - row.reference) > max(0.01 * row.reference, 0.6):
            wrong.append((row, model, ours, row.reference))
    return wrong


def run(folder):
    """Sends everything; the rows, and the lines of the log that say panic."""
    models = Path(folder) / "models"
    probe_models.write(models)
    for shipped in sorted((Path(__file__).parents[2] / "models").glob("*/manifest.toml")):
        os.symlink(shipped.parent, models / shipped.parent.name)
    service = Service(Path(folder) / "service", inference={"models": models, "only": None}).start()
    try:
        sent = rows()
        for row in sent:
            send(service, row)
        collect(service, sent)
        assert service.alive()
        panics = service.logged('"message":"panic"')
    finally:
        service.stop()
    return sent, panics


def outcome(row, model):
    if row.refused and not row.accepted:
        return "refused: " + "; ".join(f"{text}" for text in sorted(set(row.refused)))
    return row.said.get(model, "nothing")


def table(sent):
    """Markdown: rows that came out alike are one."""
    models = sorted({model for row in sent for model in row.said} - {probe_models.STACK, probe_models.IMAGE})
    lines = []
    heads = ["from", "series", "modality", "transfer syntax", "objects", *models, "any pixels", "pydicom"]
    merged = {}
    for row in sent:
        merged.setdefault((row.corpus, row.modality, row.syntax, *cells(row, models)), []).append(row)
    lines.append("| " + " | ".join(heads) + " |")
    lines.append("|" + " --- |" * len(heads))
    for (corpus, modality, syntax, *said), alike in merged.items():
        name = alike[0].name + (f" and {len(alike) - 1} more" if len(alike) > 1 else "")
        objects = sum(len(row.files) for row in alike)
        fields = [corpus, name, modality or "–", UID(syntax).name, str(objects), *said]
        lines.append("| " + " | ".join(re.sub(r"[|\n]", " ", text) for text in fields) + " |")
    return "\n".join(lines)


def cells(row, models):
    probe = measured_by(row)
    said = [outcome(row, model) for model in models]
    if probe is None:
        probes = {row.said.get(m, "") for m in (probe_models.STACK, probe_models.IMAGE)}
        other = sorted(text for text in probes if text and not text.startswith("not_eligible"))
        return [*said, "; ".join(other) or "–", row.without or "–"]
    unit = "mL" if probe == probe_models.STACK else "mm²"
    number = "–" if row.reference is None else f"{row.reference:.1f} {unit}"
    return [*said, f"{row.figures[probe]:.1f} {unit}", number if row.reference is not None else row.without]


def main():
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        sent, panics = run(folder)
        wrong = disagreements(sent)
    text = HEAD.format(count=len(sent), files=sum(len(row.files) for row in sent)) + table(sent) + "\n"
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text)
    else:
        print(text)
    for row, model, ours, theirs in wrong:
        print(f"DIFFERS: {row.corpus} {row.name}: {ours:.2f}, by pydicom {theirs:.2f} ({model})")
    silent = [row for row in sent if row.accepted and not row.said]
    for row in silent:
        print(f"SILENT: {row.corpus} {row.name}")
    print(Counter(outcome(row, "ich").split(":")[0].split(" ")[0] for row in sent), f"{len(panics)} panics")
    return 1 if wrong or panics or silent else 0


if __name__ == "__main__":
    sys.exit(main())
