"""Results of another vendor's product: reports written by highdicom and sent by dcmtk, and messages over MLLP, become findings
under the same rules and pages; strangers' reports stay stored objects with a reason."""
import pytest

import vendor
from hospital import Hospital, number
from mllp import Client, acknowledgement
from senders import dcmtk
from service import until

PRODUCT = {
    "name": "acme_ich",
    "manufacturer": vendor.MAKER,
    "algorithms": [vendor.NAME],
    "reads_as": "ich",
    "messages_from": {"application": "ACME"},
}


@pytest.fixture(scope="module")
def hospital(tmp_path_factory, storescp):
    folder = tmp_path_factory.mktemp("vendors")
    empty = folder / "models"
    empty.mkdir()
    hospital = Hospital(folder, [storescp], inference={"models": str(empty), "only": None}, vendors=[PRODUCT])
    yield hospital
    hospital.close()


@pytest.fixture
def phantom(hospital, request):
    """A head without blood, ordered and scanned: only the product says otherwise."""
    seed = 900 + number(request.node.name) % 90
    made = hospital.phantom(seed, "none")
    hospital.order(made)
    hospital.scan(made)
    until("the study", lambda: hospital.service.study(made.study))
    return made


def send(hospital, tmp_path, document, ae="ACME"):
    path = tmp_path / f"{document.SOPInstanceUID}.dcm"
    document.save_as(path)
    sent = dcmtk("dcmsend", "-aet", ae, "-aec", "TOCSIN", "127.0.0.1", hospital.service.dicom, path)
    assert sent.returncode == 0, sent.stdout + sent.stderr


def say(hospital, message):
    with Client(hospital.service.hl7) as client:
        return acknowledgement(client.send(message))[0]


def said(hospital, phantom, *states):
    return hospital.service.ai(phantom.study, states, model="acme_ich", seconds=30)


def told(hospital, phantom, text):
    # By its number: a report takes it off the list.
    (study,) = [found["study_id"] for found in hospital.service.get(f"/api/v1/studies?number={phantom.study}")["items"]]

    def now():
        events = hospital.service.get(f"/api/v1/studies/{study}")["timeline"]
        return [event for event in events if text in event["detail"]]

    return until(f"{text!r} on the timeline", now, 20)


def test_a_report_by_highdicom_raises_the_study_and_a_rejection_takes_that_back(hospital, phantom, tmp_path):
    read = vendor.images(phantom.folder / "dicom")
    report = vendor.report(read)
    send(hospital, tmp_path, report, ae="PACS")
    ai = said(hospital, phantom, "flagged")
    assert ai["version"] == vendor.VERSION
    (finding,) = ai["findings"]
    numbers = {m["code"]: (m["value"], m["unit"]) for m in finding["measurements"]}
    assert numbers["118565006"] == (pytest.approx(31.0), "mL")
    assert numbers["RDE165"] == (pytest.approx(4.2), "mm")
    assert numbers["111012"] == (pytest.approx(93.7), "%")
    assert finding["probability"] is None, "nobody said that its scores are probabilities"
    (lesion,) = finding["lesions"]
    assert lesion["laterality"]["code"] == "7771000"
    study = until("the top", lambda: (s := hospital.service.study(phantom.study))["band"] == "critical" and s)
    assert any("31.0 mL" in reason["text"] for reason in study["reasons"]), study["reasons"]
    until("the page", lambda: hospital.mailbox.mails)
    until("the RIS", lambda: hospital.ris.of_type("OMI^O23", phantom.accession))
    assert not hospital.ris.of_type("ORU^R01", phantom.accession), "it is theirs to send"
    send(hospital, tmp_path, vendor.rejection(report), ae="PACS")
    said(hospital, phantom, "withdrawn")
    until("its place", lambda: hospital.service.study(phantom.study)["band"] != "critical")


def test_a_negative_report_moves_nothing(hospital, phantom, tmp_path):
    read = vendor.images(phantom.folder / "dicom")
    send(hospital, tmp_path, vendor.report(read, presence=vendor.ABSENT, volume=0.0))
    ai = said(hospital, phantom, "not_flagged")
    assert ai["findings"][0]["presence"] == "absent"


def test_a_message_raises_and_a_withdrawal_takes_back(hospital, phantom):
    assert say(hospital, vendor.message(phantom)) == "AA"
    ai = said(hospital, phantom, "flagged")
    assert ai["findings"][0]["measurements"][0]["value"] == pytest.approx(31.0)
    assert say(hospital, vendor.message(phantom, status="W")) == "AA"
    said(hospital, phantom, "withdrawn")


def test_the_same_rows_from_a_ris_are_a_report(hospital, phantom):
    assert say(hospital, vendor.message(phantom, status="F", application="RIS")) == "AA"
    told(hospital, phantom, "status final")
    assert not hospital.service.study(phantom.study)


def test_what_is_not_mapped_is_named(hospital, phantom):
    assert say(hospital, vendor.message(phantom, finding="HEM^Blood^99ACME")) == "AA"
    ai = said(hospital, phantom, "failed")
    assert "finding code HEM of scheme 99ACME (Blood) is not mapped (OBX-4 1)" in ai["reason"]


def test_a_strangers_report_stays_an_object_with_a_reason(hospital, phantom, tmp_path):
    read = vendor.images(phantom.folder / "dicom")
    send(hospital, tmp_path, vendor.report(read, maker="Somebody Else", name="Other"))
    told(hospital, phantom, "a report by Other of Somebody Else, sent by ACME: no product of [[vendors]] is called so")
    assert hospital.service.study(phantom.study)["ai"] == []


def test_a_damaged_report_says_where(hospital, phantom, tmp_path):
    read = vendor.images(phantom.folder / "dicom")
    report = vendor.report(read)
    del report.ContentSequence[-1].ContentSequence[0].ValueType
    send(hospital, tmp_path, report)
    place = len(report.ContentSequence)
    told(hospital, phantom, f"content item 1.{place}.1: expected a Value Type (0040,A040)")
