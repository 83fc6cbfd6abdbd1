#!/usr/bin/env python3
"""check_sr.py DIR: reads DIR/NAME.sr.dcm with highdicom and compares it with the record in DIR/NAME.json. Exit 1 on a miss."""
import json
import sys
from pathlib import Path

import highdicom as hd
import pydicom
from pydicom.sr.coding import Code

PRESENCE = {"present": "52101004", "absent": "272519000", "undetermined": "373068000"}
fails = []


def need(ok, what):
    if not ok:
        fails.append(what)
        print("FAIL", what)


def numbers(group):
    return {m.name.value: (float(m.value), m.unit.value) for m in group.get_measurements()}


def expected(item):
    return {m["code"]["code"]: (m["value"], m["unit"]["code"]) for m in item["measurements"]}


def check_finding(name, record, finding, groups):
    study, lesions = groups[0], groups[1:]
    want = expected(finding)
    if finding["probability"] is not None:
        want["111012"] = (round(finding["probability"] * 100, 4), "%")
    need(numbers(study) == want, f"{name}: numbers {numbers(study)} != {want}")
    need(study.finding_type.value == finding["code"]["code"], f"{name}: finding")
    presence = study.get_qualitative_evaluations(name=Code("705057003", "SCT", "Presence"))
    need(presence[0].value.value == PRESENCE[finding["presence"]], f"{name}: presence")
    need(len(lesions) == len(finding["lesions"]), f"{name}: {len(lesions)} lesion groups")
    for group, lesion in zip(lesions, finding["lesions"]):
        need(numbers(group) == expected(lesion), f"{name}: lesion {lesion['number']}")
        site = group.finding_sites[0]
        side = lesion["laterality"] and lesion["laterality"]["code"]
        need((site.laterality.value if site.laterality else None) == side, f"{name}: laterality")
        place = site.topographical_modifier or site.value
        need(place.value == lesion["location"]["code"], f"{name}: location {place}")


def check(path):
    name = path.name.split(".")[0]
    record = json.loads((path.parent / f"{name}.json").read_text())
    sr = hd.sr.srread(path)
    need(isinstance(sr, hd.sr.Comprehensive3DSR), f"{name}: Comprehensive 3D SR")
    need(isinstance(sr.content, hd.sr.MeasurementReport), f"{name}: TID 1500")
    flags = (sr.PreliminaryFlag, sr.CompletionFlag, sr.VerificationFlag)
    verified = [one for one in record.get("assessments", []) if one["judged"] == "verified"]
    need(flags == ("PRELIMINARY", "COMPLETE", "VERIFIED" if verified else "UNVERIFIED"), f"{name}: flags {flags}")
    observers = [str(item.VerifyingObserverName) for item in sr.get("VerifyingObserverSequence", [])]
    need(observers == [one["by"] for one in verified], f"{name}: verified by {observers}")
    need(("PredecessorDocumentsSequence" in sr) == (record["status"] == "corrected"), f"{name}: predecessor")
    groups = sr.content.get_image_measurement_groups()
    finding = record["findings"][0]
    check_finding(name, record, finding, groups)
    refs = set()
    for item in sr.ContentSequence:
        item.walk(lambda _, e: refs.add(e.value) if e.keyword == "ReferencedSOPInstanceUID" else None)
    evidence = {
        instance.ReferencedSOPInstanceUID
        for study in sr.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    }
    need(refs <= evidence, f"{name}: evidence lists every reference")
    need(evidence == set(record["instance_uids"]), f"{name}: evidence is what was read")
    text = pydicom.dcmread(path).to_json()
    need(record["model"]["sha256"] in text and record["model"]["disclaimer"] in text, f"{name}: model and disclaimer")


def check_capture(path):
    sc = pydicom.dcmread(path)
    need(sc.pixel_array.shape == (sc.Rows, sc.Columns, 3), f"{path.name}: pixels")
    need(sc.BurnedInAnnotation == "YES", f"{path.name}: burned in annotation")
    need(sc.ImageType[:2] == ["DERIVED", "SECONDARY"], f"{path.name}: image type")


def check_rejection(path, names):
    """A key object selection: highdicom reads what it takes back, and it is what the other files hold."""
    document = hd.ko.KeyObjectSelectionDocument.from_dataset(pydicom.dcmread(path))
    title = document.content[0].ConceptNameCodeSequence[0].CodeValue
    need(title == "113001", f"{path.name}: title {title}")
    taken_back = {item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
                  for item in document.ContentSequence if "ReferencedSOPSequence" in item}
    need(len(taken_back) == 3, f"{path.name}: {taken_back}")
    need(not any("ConceptNameCodeSequence" in item for item in document.ContentSequence
                 if item.ValueType in ("IMAGE", "COMPOSITE")), f"{path.name}: its items have names")
    for name in names:
        need(pydicom.dcmread(name).SOPInstanceUID in taken_back, f"{path.name}: {name.name} is not taken back")


folder = Path(sys.argv[1])
reports = sorted(folder.glob("*.sr.dcm"))
need(reports, "no report to check")
for report in reports:
    check(report)
for capture in folder.glob("*.sc.dcm"):
    check_capture(capture)
for selection in folder.glob("*.ko.dcm"):
    check_rejection(selection, [folder / "positive.sr.dcm", folder / "positive.sc.dcm"])
print(len(reports), "reports checked")
sys.exit(bool(fails))
