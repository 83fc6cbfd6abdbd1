"""Every kind of object for every finding, made by the shipped models from phantoms, as an archive of another maker received it: dciodvfy finds no
error, and highdicom reads each as what it is. The table below is what must have been checked; a kind that is missing fails.

Another vendor's result makes no object: nothing of it is sent again.
"""
import collections
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import highdicom
import pydicom
import pytest
from pydicom.uid import (
    Comprehensive3DSRStorage,
    KeyObjectSelectionDocumentStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

import mllp
import vendor
from hospital import Hospital
from resources import Client
from service import run, until

# By model: what is in the phantom, and the code of the finding. Coarse, so that they are made and read in seconds.
PHANTOMS = {
    "ich": (["head-ct", "--finding", "iph", "--volume-ml", 40, "--slice-mm", 5, "--matrix", 256], "1386000"),
    "ischaemia": (["ischaemia", "--finding", "early", "--regions", 5, "--slice-mm", 5, "--matrix", 256], "422504002"),
    "lvo": (["cta-head", "--finding", "m1-proximal", "--slice-mm", 2, "--matrix", 256], "26036001"),
    "pe": (["ctpa", "--finding", "saddle", "--slice-mm", 3, "--matrix", 256], "59282003"),
    "ptx": (["chest-xray", "--ptx-cm", 4], "36118008"),
    "nodule": (["chest-xray", "--nodule-mm", 28], "27925004"),
}
SR, KOS, SEG, SC = Comprehensive3DSRStorage, KeyObjectSelectionDocumentStorage, SegmentationStorage, SecondaryCaptureImageStorage
NAMES = {SR: "SR", KOS: "KOS", SEG: "SEG", SC: "SC"}
# What each finding must have led to: result, corrected result, withdrawal.
EXPECTED = {(model, kind) for model in PHANTOMS for kind in ("SR", "SEG", "SC", "corrected SR", "KOS: replaced", "KOS: withdrawn")}
PRODUCT = {"name": "acme_ich", "manufacturer": vendor.MAKER, "algorithms": [vendor.NAME], "reads_as": "ich",
           "messages_from": {"application": "ACME"}}


class Archive:
    """dcmtk's receiver, which is told of results that were replaced, too."""

    def __init__(self, program):
        self.program = program

    def peer(self):
        return {**self.program.peer(), "reject": "replaced"}

    def of_study(self, uid):
        """What it has of a study, by SOP class."""
        found = collections.defaultdict(list)
        for path in self.program.files():
            header = pydicom.dcmread(path, stop_before_pixels=True)
            if header.StudyInstanceUID == uid:
                found[header.SOPClassUID].append((path, header))
        return found


def phantom(folder, model, seed):
    options, code = PHANTOMS[model]
    made = run("synth", *options, "--seed", seed, "--out", folder / "dicom")
    assert made.returncode == 0, made.stderr
    for other in ("mask.bin", "truth.json"):
        (folder / "dicom" / other).rename(folder / other)
    first = pydicom.dcmread(next((folder / "dicom").iterdir()), stop_before_pixels=True)
    return SimpleNamespace(folder=folder, model=model, code=code, study=first.StudyInstanceUID,
                           accession=first.AccessionNumber, patient=first.PatientID)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory, storescp):
    folder = tmp_path_factory.mktemp("objects")
    hospital = Hospital(folder, [Archive(storescp)], inference={"only": None}, vendors=[PRODUCT])
    yield hospital
    hospital.close()


@pytest.fixture(scope="module")
def studies(hospital, tmp_path_factory):
    """One for each finding: read, corrected by a second run, and withdrawn."""
    folder, service = tmp_path_factory.mktemp("phantoms"), hospital.service
    (archive,) = hospital.archives
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda at: phantom(folder / at[1], at[1], 7 + at[0]), enumerate(PHANTOMS)))
    for study in made:
        hospital.order(study)
        hospital.scan(SimpleNamespace(folder=study.folder))

    def act(study, what, **body):
        return service.post(f"/api/v1/studies/{study.id}/{what}", json.dumps(body).encode(), headers={"Content-Type": "application/json"})

    def kept(study, sop_class):
        return archive.of_study(study.study)[sop_class]

    for study in made:
        service.ai(study.study, ["flagged"], study.model)
        study.id = hospital.study_id(study)
        act(study, "rerun", model=study.model, reason="to be corrected")
    for study in made:
        until("the correction", lambda: any("PredecessorDocumentsSequence" in header for _, header in kept(study, SR)), 120)
        until("its selection", lambda: kept(study, KOS), 60)
        study.replaced = [header.SOPInstanceUID for _, header in kept(study, KOS)]
        result = next(r for r in service.get(f"/api/v1/studies/{study.id}")["results"] if r["model"]["name"] == study.model and r["status"] == "corrected")
        act(study, "withdraw", result_id=result["id"], reason="to be withdrawn")
    for study in made:
        until("the withdrawal", lambda: len(kept(study, KOS)) > len(study.replaced), 60)
        study.objects = archive.of_study(study.study)
    return made


def codes(document):
    """Every code value of a report."""
    found = set()
    document.walk(lambda _, element: found.add(element.value) if element.keyword == "CodeValue" else None)
    return found


def kinds(study):
    """What of the table was received and read, by its words; highdicom reads each as what it is."""
    for path, header in study.objects[SR]:
        report = highdicom.sr.srread(path)
        assert isinstance(report.content, highdicom.sr.MeasurementReport)
        if study.code in codes(report):
            yield "corrected SR" if "PredecessorDocumentsSequence" in header else "SR"
    for path, _ in study.objects[SEG]:
        segmentation = highdicom.seg.segread(path)
        assert segmentation.pixel_array.any() and segmentation.segment_numbers
        yield "SEG"
    for path, _ in study.objects[SC]:
        image = pydicom.dcmread(path)
        assert image.pixel_array.any() and image.BurnedInAnnotation == "YES" and image.ImageType[0] == "DERIVED"
        yield "SC"
    sent = {header.SOPInstanceUID for kept in (SR, SEG, SC) for _, header in study.objects[kept]}
    for path, header in study.objects[KOS]:
        selection = highdicom.ko.KeyObjectSelectionDocument.from_dataset(pydicom.dcmread(path))
        named = {item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for item in selection.ContentSequence if "ReferencedSOPSequence" in item}
        assert named and named <= sent, "it takes back what was received"
        yield "KOS: replaced" if header.SOPInstanceUID in study.replaced else "KOS: withdrawn"


def test_the_table_is_complete(studies):
    assert {(study.model, kind) for study in studies for kind in kinds(study)} == EXPECTED


def test_dciodvfy_finds_no_error_in_any_of_them(studies):
    paths = [path for study in studies for kept in study.objects.values() for path, _ in kept]
    with ThreadPoolExecutor(2) as pool:
        said = pool.map(lambda path: subprocess.run(["dciodvfy", path], capture_output=True, text=True), paths)
    errors = [(str(path), line) for path, done in zip(paths, said) for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]
    assert not errors, errors
    assert len(paths) >= len(EXPECTED)


def test_what_fhir_says_of_them_is_valid(hospital, studies):
    """Findings, corrections and withdrawals, and whatever those refer to: fhir.resources reads each."""
    client = Client(hospital.service)
    reports = client.search("DiagnosticReport")
    for kind in ("Observation", "ImagingStudy", "Task", "Provenance"):
        assert client.search(kind)
    client.follow_everything()
    told = json.dumps([resource for name, resource in client.seen.items() if name.startswith("Observation/")])
    assert {report["status"] for report in reports} >= {"entered-in-error"}
    assert [study.model for study in studies if study.code not in told] == []


def test_nothing_of_another_vendors_result_is_sent(hospital, studies):
    """Its result is read, and the study that it is about has no object more than before."""
    (archive,), head = hospital.archives, studies[0]
    with mllp.Client(hospital.service.hl7) as client:
        assert mllp.acknowledgement(client.send(vendor.message(head)))[0] == "AA"
    hospital.service.ai(head.study, ["flagged"], model="acme_ich")
    hospital.settled(head, "priority_change")
    owed = hospital.service.get(f"/api/v1/studies/{head.id}")["deliveries"]
    assert {d["state"] for d in owed} == {"confirmed"}, owed
    count = {NAMES[kept]: len(found) for kept, found in archive.of_study(head.study).items()}
    assert count == {NAMES[kept]: len(found) for kept, found in head.objects.items()}
