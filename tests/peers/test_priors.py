"""Earlier studies that lie in an archive of another maker: found, fetched, compared with, and the result amended. An archive
that is down, answers for ever or answers with somebody else's studies costs the first result nothing."""
import urllib.request

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, StoragePresentationContexts, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as FIND

from mailbox import Mailbox
from neighbours import Dcmqrscp, Orthanc, free_ports
from radiographs import DX, bytes_of, package, radiograph
from service import Service, until

WEB = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return package(tmp_path_factory.mktemp("models"))


class Hospital:
    """The service with one archive that it asks, and a mailbox for pages."""

    def __init__(self, folder, models, source, port, **priors):
        self.mailbox = Mailbox()
        people = [{"id": "chest", "name": "Chest", "email": "chest@hospital.example", "roles": ["chest"]}]
        self.service = Service(
            folder,
            inference={"models": models, "only": None},
            dicom={"listen": f"127.0.0.1:{port}"},
            priors={"sources": [source], "timeout_seconds": 20, **priors},
            alerts={
                **self.mailbox.channel(),
                "from": "tocsin@hospital.example",
                "default_policy": "chest",
                "people": people,
                "policies": [
                    {"name": "chest", "steps": [{"to": ["chest"], "wait_minutes": 30}], "last_resort": "chest"}
                ],
            },
        ).start()

    def scan(self, ds):
        ae = AE(ae_title="SCANNER")
        ae.add_requested_context(DX)
        association = ae.associate("127.0.0.1", self.service.dicom, ae_title="TOCSIN")
        assert association.is_established
        assert association.send_c_store(ds).Status == 0
        association.release()

    def study(self, ds):
        row = until("the study", lambda: self.service.study(ds.StudyInstanceUID))
        return self.service.get(f"/api/v1/studies/{row['study_id']}")

    def search(self, ds, *states, seconds=60):
        """The only search for a study, once it is in one of these states."""

        def now():
            found = self.study(ds)["prior_searches"]
            return found[0] if found and found[0]["state"] in states else None

        return until(f"the search is {states}", now, seconds)

    def compared(self, ds):
        """The standing result, once it says what changed."""

        def now():
            results = self.study(ds)["results"]
            return results if results and results[-1].get("comparison") else None

        return until("the amended result", now, 90)

    def close(self):
        try:
            self.service.stop()
        finally:
            self.mailbox.close()


def give(orthanc, ds):
    request = urllib.request.Request(
        f"http://127.0.0.1:{orthanc.http}/instances", data=bytes_of(ds), method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


@pytest.fixture(scope="module", params=["c-get", "c-move", "dicomweb"])
def story(request, tmp_path_factory, models):
    """A nodule of 23 mm, of which the archive knows that it had 18 mm half a year before."""
    folder = tmp_path_factory.mktemp(request.param)
    (port,) = free_ports(1)
    orthanc = Orthanc(
        folder / "orthanc",
        DicomModalities={"tocsin": ["TOCSIN", "127.0.0.1", port]},
        **({"Plugins": [WEB]} if request.param == "dicomweb" else {}),
    )
    source = {"name": "PACS", "retrieve": request.param}
    if request.param == "dicomweb":
        source["url"] = f"http://127.0.0.1:{orthanc.http}/dicom-web"
    else:
        source.update(ae_title="ORTHANC", host="127.0.0.1", port=orthanc.port)
    before = radiograph(18, "20250601", shift=(14, -9))
    for ds in (
        before,
        radiograph(40, "20150601"),
        radiograph(40, "20250701", BodyPartExamined="HAND"),
        radiograph(40, "20250801", patient="PRIOR-2"),
        radiograph(40, "20250901", birth="19990101", name="OTHER^ONE"),
    ):
        give(orthanc, ds)
    hospital = Hospital(folder / "service", models, source, port)
    now = radiograph(23, "20251201")
    hospital.scan(now)
    yield hospital, now, before
    hospital.close()
    orthanc.stop()


def test_the_earlier_study_is_found_and_the_others_are_left_out_with_a_reason(story):
    hospital, now, _ = story
    found = hospital.search(now, "done", "given_up")
    assert found["state"] == "done", found
    assert "4 studies, 1 fetched with 1 image" in found["detail"], found
    for reason in ("1 too old", "1 of another part of the body", "1 another birth date"):
        assert reason in found["detail"], found


def test_the_first_result_went_out_before_and_is_amended_with_growth_and_doubling_time(story):
    hospital, now, before = story
    results = hospital.compared(now)
    assert results[0].get("comparison") is None and results[-1]["supersedes"] == results[0]["id"]
    comparison = results[-1]["comparison"]
    assert comparison["taken_on"] == "2025-06-01" and abs(comparison["interval_days"] - 183) < 0.1
    (finding,) = comparison["findings"]
    assert finding["course"] == "grown"
    diameter = next(m for m in finding["measurements"] if m["measurement"]["code"] == "DIAMETER")
    assert abs(diameter["before"] - 18) < 1.5 and abs(diameter["now"] - 23) < 1.5, diameter
    assert 130 < diameter["doubling_days"] < 230, diameter
    # The image was taken with the patient elsewhere: laid over each other by the lungs, the nodule is where it was.
    (lesion,) = finding["lesions"]
    assert lesion["now"] == lesion["before"] == 1 and lesion["distance_mm"] < 3, lesion


def test_the_growing_nodule_is_raised_and_somebody_is_told(story):
    hospital, now, _ = story
    hospital.compared(now)
    raised = until(
        "the band",
        lambda: next((s for s in [hospital.study(now)] if any("has grown" in r["text"] for r in s["reasons"])), None),
    )
    assert raised["band"] == "urgent"
    assert any("CT of the chest" in r["text"] for r in raised["recommendations"])
    until("the page", lambda: hospital.mailbox.mails)
    standing = until(
        "the statement", lambda: [s["text"] for s in hospital.study(now)["results"][-1]["statements"]]
    )
    assert any("Grade of suspicion by growth: high" in text for text in standing), standing


def test_the_earlier_study_is_nobodys_work(story):
    hospital, now, before = story
    hospital.compared(now)
    listed = [s["study_uid"] for s in hospital.service.every("/api/v1/worklist")]
    assert listed == [now.StudyInstanceUID]
    (row,) = hospital.service.rows("select * from study where study_uid = ?", before.StudyInstanceUID)
    assert row["purpose"] == "comparison" and not row["on_worklist"]
    owed = hospital.service.rows("select * from delivery where study_id = ?", row["id"])
    alerts = hospital.service.rows("select * from alert where study_id = ?", row["id"])
    assert owed == [] and alerts == []
    (prior,) = hospital.study(now)["priors"]
    assert prior["study_id"] == row["id"] and prior["comparable"]


def test_one_that_is_sent_by_its_scanner_too_is_to_be_read(story):
    hospital, now, before = story
    hospital.compared(now)
    hospital.scan(before)
    until("it is on the list", lambda: hospital.service.study(before.StudyInstanceUID))


def test_dcmtks_archive_serves_it_as_well(tmp_path, models):
    (port,) = free_ports(1)
    archive = Dcmqrscp(tmp_path / "dcmqr", movers=[("TOCSIN", port)])
    hospital = None
    try:
        before, now = radiograph(18, "20250601"), radiograph(23, "20251201")
        ae = AE(ae_title="SCANNER")
        ae.requested_contexts = StoragePresentationContexts[:120]
        association = ae.associate("127.0.0.1", archive.port, ae_title="DCMQR")
        assert association.send_c_store(before).Status == 0
        association.release()
        source = {"name": "DCMQR", "retrieve": "c-get", "ae_title": "DCMQR", "host": "127.0.0.1", "port": archive.port}
        hospital = Hospital(tmp_path / "service", models, source, port)
        hospital.scan(now)
        assert hospital.search(now, "done", "given_up")["state"] == "done"
        assert hospital.compared(now)[-1]["comparison"]["findings"][0]["course"] == "grown"
    finally:
        if hospital:
            hospital.close()
        archive.stop()


def result_without_priors(hospital, now):
    hospital.scan(now)
    hospital.service.ai(now.StudyInstanceUID, ["flagged"], model="nodule")


def test_an_archive_that_is_down_is_asked_again_and_delays_nothing(tmp_path, models):
    port, nobody = free_ports(2)
    source = {"name": "PACS", "retrieve": "c-get", "ae_title": "ORTHANC", "host": "127.0.0.1", "port": nobody}
    hospital = Hospital(tmp_path, models, source, port)
    try:
        now = radiograph(23, "20251201")
        result_without_priors(hospital, now)
        waiting = hospital.search(now, "waiting")
        assert "cannot connect" in waiting["detail"]
        orthanc = Orthanc(tmp_path / "orthanc", port=nobody,
                          DicomModalities={"tocsin": ["TOCSIN", "127.0.0.1", port]})
        try:
            give(orthanc, radiograph(18, "20250601"))
            hospital.search(now, "done", seconds=90)
            hospital.compared(now)
        finally:
            orthanc.stop()
    finally:
        hospital.close()


def test_an_archive_without_end_is_not_listened_to(tmp_path, models):
    port, archive = free_ports(2)
    answers = []

    def find(event):
        while not event.is_cancelled:
            answer = Dataset()
            answer.QueryRetrieveLevel, answer.StudyInstanceUID = "STUDY", f"1.2.3.{len(answers)}"
            answer.PatientID, answer.StudyDate = "PRIOR-1", "20250101"
            answers.append(1)
            yield 0xFF00, answer
        yield 0xFE00, None

    ae = AE(ae_title="ENDLESS")
    ae.add_supported_context(FIND)
    server = ae.start_server(("127.0.0.1", archive), block=False, evt_handlers=[(evt.EVT_C_FIND, find)])
    source = {"name": "ENDLESS", "retrieve": "c-get", "ae_title": "ENDLESS", "host": "127.0.0.1", "port": archive}
    hospital = Hospital(tmp_path, models, source, port, answers=50)
    try:
        now = radiograph(23, "20251201")
        result_without_priors(hospital, now)
        found = hospital.search(now, "given_up")
        assert "more than 50 answers" in found["detail"]
    finally:
        hospital.close()
        server.shutdown()


def test_an_archive_that_accepts_and_says_nothing_is_given_up_for_now(tmp_path, models):
    import socket

    port = free_ports(1)[0]
    silent = socket.create_server(("127.0.0.1", 0))
    source = {
        "name": "SILENT", "retrieve": "c-get", "ae_title": "SILENT",
        "host": "127.0.0.1", "port": silent.getsockname()[1],
    }
    hospital = Hospital(tmp_path, models, source, port, timeout_seconds=2)
    try:
        now = radiograph(23, "20251201")
        result_without_priors(hospital, now)
        assert "not done within 2 s" in hospital.search(now, "waiting")["detail"]
    finally:
        hospital.close()
        silent.close()
