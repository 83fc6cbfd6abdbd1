"""A reading station that speaks UPS-RS: it finds what waits, takes a study, says how far it is and when it is done. What it is
given is read by pydicom; orders, images and reports come as they come in a hospital."""
import itertools
import json
import urllib.error
import urllib.parse
import urllib.request

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE

import hl7
from mllp import Client, acknowledgement
from radiographs import DX, radiograph
from service import Service, until

NUMBERS = itertools.count(1)
JSON = "application/dicom+json"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    service = Service(
        tmp_path_factory.mktemp("ups"), inference={"models": tmp_path_factory.mktemp("models")}, hl7={"facility": "GH"}
    ).start()
    yield service
    service.stop()


class Station:
    """One reader at one station, with a token of a radiologist."""

    def __init__(self, service, name):
        made = service.run("token", "create", "--role", "radiologist", "--name", name)
        assert made.returncode == 0, made.stderr
        self.service, self.token = service, made.stdout.strip()

    def call(self, method, path, body=None, kind=JSON):
        """Status, warning, and the data sets of an answer."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": JSON, "Content-Type": kind}
        data = json.dumps(body).encode() if body is not None else None
        url = f"http://127.0.0.1:{self.service.http}/ups-rs/workitems{path}"
        request = urllib.request.Request(url, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, given, text = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            status, given, text = error.code, error.headers, error.read()
        sets = []
        if text and given["Content-Type"] == JSON:
            sets = [Dataset.from_json(one) for one in json.loads(text)]
        return status, " ".join(given.get_all("Warning", [])), sets

    def search(self, **keys):
        status, _, found = self.call("GET", "?" + urllib.parse.urlencode(keys))
        assert status in (200, 204), status
        return found

    def of(self, study, **keys):
        """The newest reading of a study; of several the one that is not at an end."""
        found = self.search(StudyInstanceUID=study, **keys)
        return found[0] if found else None

    def change(self, uid, state, transaction):
        body = Dataset()
        body.ProcedureStepState = state
        if transaction:
            body.TransactionUID = transaction
        status, warning, _ = self.call("PUT", f"/{uid}/state", body.to_json_dict())
        return status, warning


@pytest.fixture(scope="module")
def stations(service):
    return Station(service, "mia"), Station(service, "tom")


def scan(service, **changes):
    number = next(NUMBERS)
    ds = radiograph(0, "20260110", patient=f"UPS-{number}", AccessionNumber=f"U{number}", **changes)
    ae = AE(ae_title="SCANNER")
    ae.add_requested_context(DX)
    association = ae.associate("127.0.0.1", service.dicom, ae_title="TOCSIN")
    assert association.is_established and association.send_c_store(ds).Status == 0
    association.release()
    return ds


def say(service, message):
    with Client(service.hl7) as client:
        assert acknowledgement(client.send(message))[0] == "AA"


def order(service, ds, **options):
    say(service, hl7.order(ds.AccessionNumber, ds.PatientID, study=ds.StudyInstanceUID, name="NODULE^NORA", **options))


def report(service, ds, status="F"):
    say(service, hl7.message(
        "ORU^R01^ORU_R01", hl7.pid(ds.PatientID, name="NODULE^NORA"),
        f"OBR|1|P{ds.AccessionNumber}^CIS|F{ds.AccessionNumber}^RIS|CXR^CHEST^L{'|' * 14}{ds.AccessionNumber}|||||||{status}",
        f"OBX|1|TX|18748-4^Report^LN||No nodule.||||||{status}",
    ))


def ready(station, ds, **keys):
    found = lambda: station.of(ds.StudyInstanceUID, **keys)
    return until(f"a work item {keys}", found)


def test_a_study_is_found_read_and_gone_when_its_report_arrives(service, stations):
    mia, tom = stations
    ds = scan(service)
    order(service, ds, priority="S")
    item = ready(mia, ds, InputReadinessState="READY", ScheduledProcedureStepPriority="HIGH")
    assert item.SOPClassUID == "1.2.840.10008.5.1.4.34.6.1"
    assert item.ProcedureStepState == "SCHEDULED"
    assert (item.PatientName, item.PatientID, item.IssuerOfPatientID) == ("NODULE^NORA", ds.PatientID, "GH")
    assert (item.ProcedureStepLabel, item.WorklistLabel) == ("CHEST PA", "Reading critical")
    code = item.ScheduledWorkitemCodeSequence[0]
    assert (code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning) == ("110005", "DCM", "Interpretation")
    asked = item.ReferencedRequestSequence[0]
    assert (asked.AccessionNumber, asked.StudyInstanceUID) == (ds.AccessionNumber, ds.StudyInstanceUID)
    assert asked.FillerOrderNumberImagingServiceRequest == f"F{ds.AccessionNumber}"
    assert asked.RequestedProcedureCodeSequence[0].CodeValue == "CTHEAD"
    assert item.ScheduledProcedureStepStartDateTime < item.ExpectedCompletionDateTime

    uid = item.SOPInstanceUID
    status, _, [whole] = mia.call("GET", f"/{uid}")
    assert status == 200
    given = whole.InputInformationSequence[0]
    assert given.TypeOfInstances == "DICOM" and given.SeriesInstanceUID == ds.SeriesInstanceUID
    assert given.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == ds.SOPInstanceUID
    assert given.DICOMRetrievalSequence[0].RetrieveAETitle == "TOCSIN"

    mine, theirs = generate_uid(), generate_uid()
    assert mia.change(uid, "IN PROGRESS", mine)[0] == 200
    assert service.study(ds.StudyInstanceUID)["claimed_by"] == "mia"
    assert tom.change(uid, "IN PROGRESS", theirs)[0] == 409
    progress = Dataset()
    progress.ProcedureStepProgressInformationSequence = [Dataset()]
    progress.ProcedureStepProgressInformationSequence[0].ProcedureStepProgress = "40"
    assert tom.call("POST", f"/{uid}?{theirs}", progress.to_json_dict())[0] == 400
    assert mia.call("POST", f"/{uid}?{mine}", progress.to_json_dict())[0] == 200
    [shown] = tom.search(SOPInstanceUID=uid)
    assert shown.ProcedureStepProgressInformationSequence[0].ProcedureStepProgress == 40
    assert "TransactionUID" not in shown
    status, warning = tom.change(uid, "COMPLETED", theirs)
    assert status == 400 and "Transaction UID is incorrect" in warning
    assert mia.change(uid, "COMPLETED", mine)[0] == 200
    [done] = tom.search(SOPInstanceUID=uid)
    performed = done.UnifiedProcedureStepPerformedProcedureSequence[0]
    assert performed.ActualHumanPerformersSequence[0].HumanPerformerName == "mia"
    assert service.study(ds.StudyInstanceUID), "no report has come"

    report(service, ds)
    until("the study is gone", lambda: service.study(ds.StudyInstanceUID) is None)
    [done] = tom.search(StudyInstanceUID=ds.StudyInstanceUID)
    assert (done.SOPInstanceUID, done.ProcedureStepState) == (uid, "COMPLETED")
    status, warning = mia.change(uid, "COMPLETED", mine)
    assert status == 200 and "already in the requested state of COMPLETED" in warning


def test_a_report_completes_what_was_taken_at_the_desk_and_its_retraction_brings_the_study_back(service, stations):
    mia, tom = stations
    ds = scan(service)
    order(service, ds)
    first = ready(mia, ds, ScheduledProcedureStepPriority="MEDIUM")
    service.post(f"/api/v1/studies/{service.study(ds.StudyInstanceUID)['study_id']}/claim")
    [held] = tom.search(SOPInstanceUID=first.SOPInstanceUID)
    assert held.ProcedureStepState == "IN PROGRESS"
    assert tom.change(first.SOPInstanceUID, "COMPLETED", generate_uid())[0] == 400
    report(service, ds)
    ready(tom, ds, ProcedureStepState="COMPLETED")
    study_id = service.rows("select id from study where study_uid = ?", ds.StudyInstanceUID)[0]["id"]
    service.post(f"/api/v1/studies/{study_id}/release")
    assert tom.change(first.SOPInstanceUID, "IN PROGRESS", generate_uid())[0] == 409

    report(service, ds, status="X")
    again = ready(tom, ds, ProcedureStepState="SCHEDULED")
    assert again.SOPInstanceUID == f"{first.SOPInstanceUID}.2"
    replaced = again.ReplacedProcedureStepSequence[0]
    assert replaced.ReferencedSOPInstanceUID == first.SOPInstanceUID


def test_a_cancelled_order_cancels_the_reading_and_a_new_one_brings_another(service, stations):
    mia, _ = stations
    ds = scan(service)
    order(service, ds)
    first = ready(mia, ds, AccessionNumber=ds.AccessionNumber, ProcedureStepState="SCHEDULED")
    order(service, ds, control="CA")
    gone = ready(mia, ds, ProcedureStepState="CANCELED")
    assert gone.SOPInstanceUID == first.SOPInstanceUID
    why = gone.ProcedureStepProgressInformationSequence[0]
    assert why.ReasonForCancellation == "the order was cancelled"
    assert why.ProcedureStepDiscontinuationReasonCodeSequence[0].CodeValue == "110500"
    assert mia.change(first.SOPInstanceUID, "IN PROGRESS", generate_uid())[0] == 409
    order(service, ds, control="NW")
    again = ready(mia, ds, ProcedureStepState="SCHEDULED")
    assert again.SOPInstanceUID == f"{first.SOPInstanceUID}.2"


def test_what_is_no_request_is_refused_and_said(service, stations):
    mia, _ = stations
    ds = scan(service, PatientName="Ängström^Åsa=山田^太郎", SpecificCharacterSet="ISO_IR 192")
    item = ready(mia, ds)
    assert str(item.PatientName).startswith("Ängström^Åsa=山田^太郎")
    assert mia.call("GET", "?Nonsense=1")[0] == 400
    assert mia.call("GET", "/1.2.3")[0] == 404
    assert mia.call("POST", "", Dataset().to_json_dict())[0] == 409
    assert mia.call("PUT", f"/{item.SOPInstanceUID}/state", {"00741000": "x"})[0] == 400
    assert mia.call("PUT", f"/{item.SOPInstanceUID}/state", {}, kind="text/plain")[0] == 415
    status, warning, _ = mia.call("GET", "?fuzzymatching=true&limit=1")
    assert status == 206 and "additional results" in warning and "fuzzymatching" in warning
    # A program that may only read takes nothing.
    made = service.run("token", "create", "--role", "service")
    reader = Station(service, "other")
    reader.token = made.stdout.strip()
    assert reader.of(ds.StudyInstanceUID)
    assert reader.change(item.SOPInstanceUID, "IN PROGRESS", generate_uid())[0] == 403
    for secret in ("Ängström", ds.PatientID):
        assert not service.logged(secret)
