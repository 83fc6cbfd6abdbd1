"""Studies to send: phantoms of `tocsin synth` as templates, and copies of them under other UIDs."""
import copy
import hashlib
import threading
from pathlib import Path

import pydicom
from pydicom.uid import generate_uid

from service import run


def synth(folder, *arguments):
    """Makes one phantom; its files in their order."""
    made = run("synth", "head-ct", *arguments, "--out", folder, timeout=None)
    assert made.returncode == 0, made.stderr
    return sorted(Path(folder).glob("*.dcm"))


class Template:
    """A phantom in memory; its copies share its pixels."""

    def __init__(self, name, files):
        self.name = name
        self.slices = [pydicom.dcmread(path) for path in files]
        self.lock = threading.Lock()

    def study(self, folder, number, **changes):
        """Writes a copy of its own identity; the study with what is to be checked later."""
        # Copies share their elements until they are written.
        with self.lock:
            return self._study(folder, number, changes)

    def _study(self, folder, number, changes):
        folder = Path(folder)
        folder.mkdir(parents=True)
        study_uid, series_uid = generate_uid(), generate_uid()
        accession, patient = f"K{number:06}", f"KILL{number:06}"
        images = []
        for index, original in enumerate(self.slices):
            ds = copy.copy(original)
            ds.file_meta = copy.copy(original.file_meta)
            ds.StudyInstanceUID, ds.SeriesInstanceUID = study_uid, series_uid
            ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            ds.AccessionNumber, ds.PatientID = accession, patient
            ds.PatientName = f"CAMPAIGN^{number}"
            for keyword, value in changes.items():
                setattr(ds, keyword, value)
            path = folder / f"{index:04}.dcm"
            ds.save_as(path)
            images.append({"uid": ds.SOPInstanceUID, "path": path, "sha256": content_hash(path)})
        return {
            "template": self.name, "uid": study_uid, "accession": accession, "patient": patient, "images": images,
        }


def content_hash(path):
    """What the store names an object by: transfer syntax, a zero byte, the data set as it is in the file."""
    raw = Path(path).read_bytes()
    with open(path, "rb") as file:
        file.seek(132)
        meta = pydicom.filereader.read_file_meta_info(path)
    start = 132 + 12 + meta.FileMetaInformationGroupLength
    return hashlib.sha256(str(meta.TransferSyntaxUID).encode() + b"\0" + raw[start:]).hexdigest()
