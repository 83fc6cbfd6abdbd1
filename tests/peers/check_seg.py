#!/usr/bin/env python3
"""check_seg.py DIR: reads DIR/NAME.seg.dcm with highdicom and compares it with DIR/NAME.json: the same voxels of each class, at the
same places in the patient, mm; of projections on the same images. Exit 1 on a miss."""
import json
import sys
from pathlib import Path

import highdicom as hd
import numpy as np

TOLERANCE = 1e-3  # mm
fails = []


def need(ok, what):
    if not ok:
        fails.append(what)
        print("FAIL", what)


def places(seg, number, placed, instances):
    """Of every voxel of a segment: mm in the patient, or image, row and column."""
    shared = seg.SharedFunctionalGroupsSequence[0]
    found = []
    for frame, groups in zip(np.atleast_3d(seg.pixel_array).reshape(-1, seg.Rows, seg.Columns), seg.PerFrameFunctionalGroupsSequence):
        if groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber != number:
            continue
        rows, columns = np.nonzero(frame)
        if not placed:
            source = groups.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
            found += [[instances.index(source), int(r), int(c)] for r, c in zip(rows, columns)]
            continue
        transform = hd.spatial.PixelToReferenceTransformer(
            image_position=groups.PlanePositionSequence[0].ImagePositionPatient,
            image_orientation=shared.PlaneOrientationSequence[0].ImageOrientationPatient,
            pixel_spacing=shared.PixelMeasuresSequence[0].PixelSpacing,
        )
        # The transformer takes columns before rows.
        found += transform(np.stack([columns, rows], axis=1)).tolist()
    return np.array(sorted(found)).reshape(-1, 3)


def check(path):
    name = path.name.split(".")[0]
    truth = json.loads((path.parent / f"{name}.json").read_text())
    seg = hd.seg.segread(path)
    need(seg.SegmentationType == "BINARY", f"{name}: binary")
    need(list(seg.segment_numbers) == list(range(1, len(truth["segments"]) + 1)), f"{name}: segments {seg.segment_numbers}")
    need(seg.get("FrameOfReferenceUID") == truth["frame_of_reference"], f"{name}: frame of reference")
    need("not for diagnos" in seg.SeriesDescription and seg.Modality == "SEG", f"{name}: says what it is")
    for number, segment in zip(seg.segment_numbers, truth["segments"]):
        described = seg.get_segment_description(number)
        need(described.SegmentDescription == segment["class"], f"{name}: {described.SegmentDescription}")
        need(described.algorithm_type.value == "AUTOMATIC", f"{name}: algorithm type")
        algorithm = described.algorithm_identification
        need([algorithm.name, algorithm.version] == truth["model"], f"{name}: algorithm")
        want = np.array(sorted(segment["places"])).reshape(-1, 3)
        have = places(seg, number, truth["placed"], truth["instances"])
        need(have.shape == want.shape, f"{name}/{segment['class']}: {len(have)} voxels, not {len(want)}")
        if have.shape == want.shape:
            # Sorted alike up to rounding: compare by the nearest, each way.
            distance = np.linalg.norm(have[:, None] - want[None], axis=2)
            worst = max(distance.min(axis=0).max(), distance.min(axis=1).max())
            need(worst < TOLERANCE, f"{name}/{segment['class']}: {worst:.4f} mm apart")
    sources = seg.get_source_image_uids()
    need({source[2] for source in sources} <= set(truth["instances"]), f"{name}: source images")


folder = Path(sys.argv[1])
files = sorted(folder.glob("*.seg.dcm"))
need(files, "no segmentation to check")
for file in files:
    check(file)
print(len(files), "segmentations checked")
sys.exit(bool(fails))
