"""DICOM files as bytes, and small made ones. Reads only as much of a file as a sender must: the file meta group."""
import os
import struct
import sys
from pathlib import Path

import pydicom.data

from scu import CT
from service import REPOSITORY

SHARED = REPOSITORY.parent / "shared"
LONG = {b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"}
NOT_DICOM = (".csv", ".md", ".json", ".zst", ".tsv", ".txt", ".py", ".ts", ".jls", ".sha256", ".gz", ".dat")


def shared(path):
    """A path below the shared data, or None with a line on standard error."""
    full = SHARED / path
    if full.exists():
        return full
    print(f"SKIPPED: {path} is not in the shared data", file=sys.stderr)
    return None


class File:
    """A Part 10 file: what the meta group says, and the data set's bytes as they are."""

    def __init__(self, path):
        self.path = Path(path)
        data = self.path.read_bytes()
        if data[128:132] != b"DICM":
            raise ValueError("no DICM prefix")
        at, values = 132, {}
        while data[at : at + 2] == b"\x02\0":
            (number,) = struct.unpack("<H", data[at + 2 : at + 4])
            if data[at + 4 : at + 6] in LONG:
                head, (length,) = 12, struct.unpack("<I", data[at + 8 : at + 12])
            else:
                head, (length,) = 8, struct.unpack("<H", data[at + 6 : at + 8])
            values[number] = data[at + head : at + head + length].rstrip(b"\0 ").decode("ascii", "replace")
            at += head + length
        self.sop_class, self.instance, self.syntax = (values.get(n, "") for n in (0x02, 0x03, 0x10))
        self.data_set = data[at:]
        if not (self.sop_class and self.instance and self.syntax and self.data_set):
            raise ValueError("no complete file meta information")

    def __repr__(self):
        return f"{self.path.parent.name}/{self.path.name}"


def files_below(folder):
    """Every file that says it is DICOM; what has no file meta group cannot be announced to a receiver."""
    found = []
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(where) / name
            if name.endswith(NOT_DICOM) or name.startswith("LICENSE") or path.stat().st_size < 132:
                continue
            try:
                found.append(File(path))
            except (ValueError, struct.error):
                continue
    return found


def corpora():
    """By name: the files that come with pydicom, and those of the shared data where it is there."""
    inside = Path(pydicom.data.__file__).parent
    found = {"pydicom wheel": files_below(inside)}
    real = shared("data/dicom")
    if real:
        found |= {folder.name: files_below(folder) for folder in sorted(real.iterdir()) if folder.is_dir()}
    return found


def explicit(group, number, vr, value):
    if isinstance(value, str):
        value = value.encode()
    value += (b"\0" if vr in ("UI", "OB", "OW") else b" ") * (len(value) % 2)
    if vr.encode() in LONG:
        return struct.pack("<HH2sHI", group, number, vr.encode(), 0, len(value)) + value
    return struct.pack("<HH2sH", group, number, vr.encode(), len(value)) + value


def us(number):
    return struct.pack("<H", number)


def slice_of(uid, instance=1, study=None, pixel=0, extra=b"", patient="PEER-1"):
    """A CT slice of 8 by 8, explicit little endian; `extra` stands after the pixels' description, before group 0028."""
    study = study or uid
    return b"".join(
        [
            explicit(0x0008, 0x0016, "UI", CT),
            explicit(0x0008, 0x0018, "UI", f"{uid}.1.{instance}"),
            explicit(0x0008, 0x0060, "CS", "CT"),
            explicit(0x0010, 0x0020, "LO", patient),
            explicit(0x0020, 0x000D, "UI", study),
            explicit(0x0020, 0x000E, "UI", f"{uid}.1"),
            explicit(0x0020, 0x0013, "IS", str(instance)),
            extra,
            explicit(0x0028, 0x0002, "US", us(1)),
            explicit(0x0028, 0x0004, "CS", "MONOCHROME2"),
            explicit(0x0028, 0x0010, "US", us(8)),
            explicit(0x0028, 0x0011, "US", us(8)),
            explicit(0x0028, 0x0100, "US", us(16)),
            explicit(0x0028, 0x0101, "US", us(16)),
            explicit(0x0028, 0x0102, "US", us(15)),
            explicit(0x0028, 0x0103, "US", us(0)),
            explicit(0x7FE0, 0x0010, "OW", us(pixel) * 64),
        ]
    )


def part10(sop_class, instance, syntax, data_set):
    """A file around a data set."""
    meta = b"".join(
        [
            explicit(0x0002, 0x0001, "OB", b"\0\1"),
            explicit(0x0002, 0x0002, "UI", sop_class),
            explicit(0x0002, 0x0003, "UI", instance),
            explicit(0x0002, 0x0010, "UI", syntax),
            explicit(0x0002, 0x0012, "UI", "1.2.826.0.1.3680043.9.9999.1"),
        ]
    )
    return b"\0" * 128 + b"DICM" + explicit(0x0002, 0x0000, "UL", struct.pack("<I", len(meta))) + meta + data_set


def data_set_of(file):
    """What follows the file meta group."""
    assert file[128:132] == b"DICM"
    (length,) = struct.unpack("<I", file[140:144])
    return file[144 + length :]
