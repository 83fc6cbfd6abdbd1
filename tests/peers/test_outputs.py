"""One study with a hemorrhage through the whole system, and what each other system makes of what it receives."""
import json
import re
import subprocess
import sys
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest

from hospital import PATIENT_NAME, Hospital, number
from mailbox import Mailbox
from mllp import segments
from neighbours import Ris
from objects import explicit, slice_of
from scu import CT, EXPLICIT, store
from service import until

HERE = Path(__file__).parent
VOLUME = "118565006"


@pytest.fixture(scope="module")
def hospital(tmp_path_factory, storescp, orthanc):
    hospital = Hospital(tmp_path_factory.mktemp("hospital"), [storescp, orthanc])
    yield hospital
    hospital.close()


@pytest.fixture(scope="module")
def bleed(hospital):
    """Ordered as routine, scanned, read, and delivered everywhere."""
    phantom = hospital.phantom(7)
    hospital.order(phantom)
    hospital.scan(phantom)
    phantom.ai = hospital.service.ai(phantom.study, ["flagged"])
    hospital.settled(phantom, "priority_change", "result_message", "structured_report", "key_image", "segmentation")
    until("the page", lambda: hospital.mailbox.mails)
    return phantom


@pytest.fixture(scope="module")
def objects(hospital, bleed, storescp):
    """By modality, what dcmtk received."""
    read = {}
    for path in storescp.files():
        found = pydicom.dcmread(path)
        if found.StudyInstanceUID == bleed.study:
            read[found.Modality if found.Modality in ("SR", "SEG") else "SC"] = path
    assert set(read) == {"SR", "SC", "SEG"}
    return read


def measured(ai):
    """Of the finding: code → (value, unit)."""
    (finding,) = [f for f in ai["findings"] if f["flagged"]]
    return {m["code"]: (m["value"], m["unit"]) for m in finding["measurements"]}


def test_the_worklist_puts_it_on_top_with_its_reason(hospital, bleed):
    study = hospital.service.study(bleed.study)
    assert study["band"] == "critical" and study["link"] == "linked"
    assert study["ris_priority"] == "R"
    assert any("intracranial hemorrhage" in reason["text"] for reason in study["reasons"])
    assert measured(bleed.ai)


def test_the_ris_was_told_of_the_new_priority_and_hl7apy_reads_it(hospital, bleed, tmp_path):
    told = hospital.ris.of_type("OMI^O23", bleed.accession)
    assert told
    for place, message in enumerate(told):
        (tmp_path / f"omi{place}.hl7").write_bytes(message)
    read_strictly(tmp_path)
    last = segments(told[-1])
    assert last["ORC"][1] == "XO"
    assert last["TQ1"][9].split("^")[0] == "S"
    assert last["OBR"][2].split("^")[0] == f"P{bleed.accession}"
    assert last["PID"][3].split("^")[0] == bleed.patient


def read_strictly(folder):
    checked = subprocess.run([sys.executable, HERE / "check_hl7.py", folder], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def result(hospital, bleed):
    """OBX by code: (value, unit), from the result message."""
    (message,) = hospital.ris.of_type("ORU^R01", bleed.accession)
    rows = {}
    for line in message.decode().split("\r"):
        fields = line.split("|")
        if fields[0] == "OBX":
            rows.setdefault(fields[3].split("^")[0], (fields[5], fields[6].split("^")[0]))
    return message, rows


def test_hl7apy_reads_the_result_message(hospital, bleed, tmp_path):
    message, rows = result(hospital, bleed)
    (tmp_path / "oru.hl7").write_bytes(message)
    read_strictly(tmp_path)
    assert rows[VOLUME][1] == "mL"


def test_report_message_and_api_say_the_same_numbers(hospital, bleed, objects):
    api = measured(bleed.ai)
    _, rows = result(hospital, bleed)
    report = highdicom.sr.srread(objects["SR"])
    group = report.content.get_image_measurement_groups()[0]
    in_report = {m.name.value: (float(m.value), m.unit.value) for m in group.get_measurements()}
    in_message = {code: (float(value), unit) for code, (value, unit) in rows.items() if code in api}
    assert set(in_message) == set(api) and set(in_report) == set(api)
    for code, (value, unit) in api.items():
        assert in_message[code] == (pytest.approx(value, abs=1e-3), unit), code
        assert in_report[code] == (pytest.approx(value, abs=1e-3), unit), code


@pytest.mark.parametrize("kind", ["SR", "SC", "SEG"])
def test_dciodvfy_finds_no_error(objects, kind):
    checked = subprocess.run(["dciodvfy", objects[kind]], capture_output=True, text=True)
    said = checked.stdout + checked.stderr
    assert "Error" not in said, said
    assert {"SR": "Comprehensive3DSR", "SC": "SCImage", "SEG": "Segmentation"}[kind] in said.replace(" ", ""), said


def test_dsrdump_reads_the_report(objects):
    dumped = subprocess.run(["dsrdump", objects["SR"]], capture_output=True, text=True)
    assert dumped.returncode == 0, dumped.stderr
    assert "Intracranial hemorrhage" in dumped.stdout and "Volume" in dumped.stdout


def test_the_key_image_shows_pixels_of_the_study(objects):
    image = pydicom.dcmread(objects["SC"])
    assert image.pixel_array.shape == (image.Rows, image.Columns, 3)
    assert image.pixel_array.max() > 0


def places(positions, frames, orientation, spacing):
    """Of every voxel that is set, mm in the patient (PS3.3 C.7.6.2.1.1)."""
    found = []
    for position, frame in zip(positions, frames):
        rows, columns = np.nonzero(frame)
        along_row, along_column = np.array(orientation[:3]), np.array(orientation[3:])
        found.append(
            np.array(position) + np.outer(columns * spacing[1], along_row) + np.outer(rows * spacing[0], along_column))
    return np.concatenate(found)


def test_the_segmentation_lies_where_the_blood_is(hospital, bleed, objects):
    """Read by highdicom, against the phantom's own mask and against the number in every other output."""
    seg = highdicom.seg.segread(objects["SEG"])
    assert list(seg.segment_numbers) == [1]
    described = seg.get_segment_description(1)
    assert described.segmented_property_type.value == "1386000"
    assert described.algorithm_type.value == "AUTOMATIC"
    shared = seg.SharedFunctionalGroupsSequence[0]
    spacing = [float(mm) for mm in shared.PixelMeasuresSequence[0].PixelSpacing]
    orientation = [float(c) for c in shared.PlaneOrientationSequence[0].ImageOrientationPatient]
    frames = seg.PerFrameFunctionalGroupsSequence
    positions = [[float(mm) for mm in frame.PlanePositionSequence[0].ImagePositionPatient] for frame in frames]
    marked = places(positions, np.atleast_3d(seg.pixel_array).reshape(-1, seg.Rows, seg.Columns), orientation, spacing)

    truth = json.loads((bleed.folder / "truth.json").read_text())["geometry"]
    shape = truth["slices"], truth["rows"], truth["columns"]
    mask = np.fromfile(bleed.folder / "mask.bin", np.uint8).reshape(shape) != 0
    slices = sorted((pydicom.dcmread(path) for path in (bleed.folder / "dicom").glob("*.dcm")),
                    key=lambda image: float(image.ImagePositionPatient[2]))
    blood = places([[float(mm) for mm in image.ImagePositionPatient] for image in slices], mask,
                   truth["orientation"], truth["pixel_spacing_mm"])
    assert np.linalg.norm(marked.mean(axis=0) - blood.mean(axis=0)) < 3, "mm between their middles"
    grid = np.round(np.concatenate([marked, blood]), 1)
    shared_voxels = len(grid) - len(np.unique(grid, axis=0))
    assert 2 * shared_voxels / len(grid) > 0.7, "Dice"

    volume = len(marked) * spacing[0] * spacing[1] * truth["slice_spacing_mm"] / 1000
    assert volume == pytest.approx(measured(bleed.ai)[VOLUME][0], rel=0.02)
    of_frames = {frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID for frame in frames}
    by_place = {round(float(image.ImagePositionPatient[2]), 2): image.SOPInstanceUID for image in slices}
    assert of_frames == {by_place[round(position[2], 2)] for position in positions}, "each frame names its own image"
    assert {image.FrameOfReferenceUID for image in slices} == {seg.FrameOfReferenceUID}


def test_orthanc_shows_report_and_key_image_in_the_study(bleed, objects, orthanc):
    for path in objects.values():
        sent = pydicom.dcmread(path)
        found = until("Orthanc has it", lambda: orthanc.find(sent.SOPInstanceUID))
        tags = orthanc.get(f"/instances/{found}/simplified-tags")
        assert tags["StudyInstanceUID"] == bleed.study
        assert tags["PatientID"] == bleed.patient
        if sent.Modality not in ("SR", "SEG"):
            assert orthanc.get(f"/instances/{found}/preview", raw=True)


def whole(message):
    return str(message["subject"]) + "".join(
        part.get_content() for part in message.walk() if part.get_content_maintype() == "text"
    )


def test_the_page_names_no_patient(hospital, bleed):
    text = "".join(whole(mail["message"]) for mail in hospital.mailbox.mails)
    assert hospital.mailbox.mails[0]["to"] == ["roy@hospital.example"]
    for private in (*PATIENT_NAME.split("^"), bleed.patient, bleed.accession, bleed.study):
        assert private.lower() not in text.lower(), private
    volume = measured(bleed.ai)[VOLUME][0]
    assert f"{volume:.0f}" in text and "mL" in text


def test_opening_the_link_acknowledges_nothing_and_the_button_does(hospital, bleed):
    message = hospital.mailbox.mails[0]["message"]
    link = re.search(r"http://127\.0\.0\.1:\d+/a/\S+", message.get_body(("plain",)).get_content())[0]
    service = hospital.service

    def alert():
        return next(a for a in service.every("/api/v1/alerts") if a["study_id"] == hospital.study_id(bleed))

    for _ in range(3):
        status, page = service.get(link, token=False, raw=True)
        assert status == 200
        assert not any(part.lower() in page.lower() for part in PATIENT_NAME.split("^"))
    assert service.request("HEAD", link, token=False, raw=True)[0] in (200, 404, 405)
    assert alert()["acknowledged_by"] is None
    assert service.post(link, token=False, raw=True)[0] == 200
    assert alert()["acknowledged_by"] == "Dr Roy"
    assert alert()["status"] == "acknowledged"


def judged(hospital, bleed, verdict):
    """A radiologist says so of the result that stands; what the RIS heard of it, once everything is with its receiver."""
    study = hospital.study_id(bleed)
    ai = hospital.service.study(bleed.study)["ai"][0]
    heard = len(hospital.ris.of_type("ORU^R01", bleed.accession))
    said = {"result_id": ai["result_id"], "finding": "1386000", "verdict": verdict}
    status, _ = hospital.service.post(
        f"/api/v1/studies/{study}/opinions", json.dumps(said).encode(), raw=True, headers={"Content-Type": "application/json"})
    assert status == 201
    until("the RIS hears of it", lambda: len(hospital.ris.of_type("ORU^R01", bleed.accession)) == heard + 1)
    owed = hospital.settled(bleed, "result_message", "structured_report", "key_image", "segmentation")
    assert owed
    return hospital.ris.of_type("ORU^R01", bleed.accession)[-1]


def in_fhir(hospital, bleed):
    """The newest report of the study with its observations, read by fhir.resources."""
    from fhir.resources.R4B.bundle import Bundle
    found = {}
    for kind in ("DiagnosticReport", "Observation"):
        bundle = hospital.service.get(f"/fhir/{kind}?patient.identifier={bleed.patient}")
        Bundle.model_validate(bundle)
        found[kind] = bundle["entry"][0]["resource"]
    return found


def test_what_a_radiologist_agrees_with_is_said_to_every_system(hospital, bleed, objects, storescp, tmp_path):
    message = judged(hospital, bleed, "agree")
    (tmp_path / "oru.hl7").write_bytes(message)
    read_strictly(tmp_path)
    assert b"Intracranial hemorrhage confirmed by a radiologist" in message
    reports = [path for path in storescp.files() if pydicom.dcmread(path).Modality == "SR"]
    newest = max(reports, key=lambda path: int(pydicom.dcmread(path).InstanceNumber))
    report = highdicom.sr.srread(newest)
    (older,) = report.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert older.ReferencedSOPInstanceUID == pydicom.dcmread(objects["SR"]).SOPInstanceUID
    assert (report.PreliminaryFlag, report.VerificationFlag) == ("PRELIMINARY", "UNVERIFIED")
    assert "Intracranial hemorrhage confirmed by a radiologist" in report.to_json()
    checked = subprocess.run(["dciodvfy", newest], capture_output=True, text=True)
    assert "Error" not in checked.stdout + checked.stderr, checked.stderr
    told = in_fhir(hospital, bleed)
    assert [told[kind]["status"] for kind in ("DiagnosticReport", "Observation")] == ["corrected", "corrected"]


def test_what_a_radiologist_rejects_is_taken_back_from_every_system(hospital, bleed, storescp, tmp_path):
    message = judged(hospital, bleed, "disagree")
    (tmp_path / "oru.hl7").write_bytes(message)
    read_strictly(tmp_path)
    finding = next(line.split("|") for line in message.decode().split("\r") if "1386000" in line)
    assert finding[11] == "W"
    hospital.settled(bleed, "rejection_note")
    (note,) = [path for path in storescp.files() if pydicom.dcmread(path).Modality == "KO"]
    selection = highdicom.ko.KeyObjectSelectionDocument.from_dataset(pydicom.dcmread(note))
    assert selection.ConceptNameCodeSequence[0].CodeValue == "113001"
    named = {str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
             for item in selection.ContentSequence if "ReferencedSOPSequence" in item}
    sent = [pydicom.dcmread(path) for path in storescp.files()]
    sent = {str(one.SOPInstanceUID) for one in sent if one.StudyInstanceUID == bleed.study and one.Modality != "KO"}
    assert named == sent and len(named) > 3, "every version of every object"
    checked = subprocess.run(["dciodvfy", note], capture_output=True, text=True)
    assert "Error" not in checked.stdout + checked.stderr, checked.stderr
    told = in_fhir(hospital, bleed)
    assert {told[kind]["status"] for kind in told} == {"entered-in-error"}
    assert hospital.service.study(bleed.study)["band"] != "critical"


def emergency(hospital, name):
    """A single image of a head: nothing for the model, enough for the rule about emergency patients."""
    class Visit:
        patient, accession = f"PE{number(name)}", f"AE{number(name)}"
        study = f"1.2.826.0.1.3680043.9.9999.7.{number(name)}"

    modality = explicit(0x0008, 0x0060, "CS", "CT")
    data = slice_of(Visit.study, patient=Visit.patient, extra=b"")
    data = data.replace(modality, explicit(0x0008, 0x0050, "SH", Visit.accession) + modality)
    part = explicit(0x0018, 0x0015, "CS", "HEAD")
    before = explicit(0x0020, 0x000D, "UI", Visit.study)
    hospital.order(Visit)
    instance = f"{Visit.study}.1.1"
    assert store(hospital.service.dicom, CT, instance, EXPLICIT, data.replace(before, part + before)).status == 0
    return Visit


def test_a_ris_of_version_231_is_told_by_orm(tmp_path):
    older = Hospital(tmp_path / "hospital", [], profile="default-231")
    try:
        visit = emergency(older, "231")
        older.settled(visit, "priority_change")
        (message,) = older.ris.of_type("ORM^O01", visit.accession)
    finally:
        older.close()
    (tmp_path / "orm.hl7").write_bytes(message)
    read_strictly(tmp_path)
    told = segments(message)
    assert told["MSH"][11] == "2.3.1" and told["ORC"][1] == "XO"
    assert told["ORC"][7].split("^")[5] == "A"
    assert told["ZDS"][1].split("^")[0] == visit.study


@pytest.mark.parametrize("code", ["AE", "AR"])
def test_a_ris_that_says_no_is_shown_with_its_words(hospital, bleed, code):
    hospital.ris.code, hospital.ris.text = code, f"no room for priorities ({code})"
    try:
        visit = emergency(hospital, code)
        owed = hospital.settled(visit, "priority_change", states=("refused",))
    finally:
        hospital.ris.code, hospital.ris.text = "AA", ""
    (delivery,) = owed.values()
    assert delivery["last_error"] == f"{code} no room for priorities ({code})"


def test_a_ris_that_is_away_is_told_when_it_is_back(hospital, bleed):
    port = hospital.ris.port
    hospital.ris.close()
    try:
        visit = emergency(hospital, "away")
        study = hospital.study_id(visit)
        tried = until("an attempt", lambda: next(
            (d for d in hospital.service.deliveries(study).values() if d["last_error"]), None))
        assert tried["state"] == "pending"
    finally:
        hospital.ris = Ris(port)
    hospital.settled(visit, "priority_change")
    assert hospital.ris.of_type("OMI^O23", visit.accession)


def test_a_mail_server_that_is_away_gets_the_page_when_it_is_back(hospital, bleed):
    port = hospital.mailbox.port
    hospital.mailbox.close()
    phantom = hospital.phantom(8, volume=60)
    try:
        hospital.order(phantom)
        hospital.scan(phantom)
        hospital.service.ai(phantom.study, ["flagged"])
        study = hospital.study_id(phantom)

        def failed():
            alerts = [a for a in hospital.service.every("/api/v1/alerts") if a["study_id"] == study]
            return [p for a in alerts for p in a["pages"] if p["last_error"]]

        assert until("a failed attempt", failed)[0]["sent_at"] is None
    finally:
        hospital.mailbox = Mailbox(port)
    until("the page", lambda: hospital.mailbox.mails)
    until("the page is noted as sent", lambda: all(
        p["sent_at"] for a in hospital.service.every("/api/v1/alerts") for p in a["pages"]))


def test_no_name_of_a_patient_is_in_the_log(hospital, bleed):
    log = hospital.service.log.read_text()
    for part in PATIENT_NAME.split("^"):
        assert part not in log
    assert bleed.patient not in log and bleed.accession not in log
