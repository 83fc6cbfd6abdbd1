"""Orders from a RIS that sends no messages: dcmtk's worklist server and one of pynetdicom are asked, and their items become
orders. A message wins where both speak, an item that is gone takes nothing back, and a worklist that fails is seen to."""
import subprocess
from datetime import date
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import ModalityWorklistInformationFind as WORKLIST
from pynetdicom.sop_class import Verification

from hl7 import order
from mllp import Client
from neighbours import Program, free_ports
from service import Service, until
from steps import Exam, calling, send

DUMP = """
(0008,0005) CS [ISO_IR 100]
(0008,0050) SH [{accession}]
(0010,0010) PN [J\xe4ger^Wilma]
(0010,0020) LO [{patient}]
(0010,0030) DA [19500102]
(0010,0040) CS [F]
(0020,000d) UI [{study}]
(0032,1060) LO [CT head]
(0032,1064) SQ
(fffe,e000) na
(0008,0100) SH [CTHEAD]
(0008,0102) SH [99RIS]
(0008,0104) LO [CT of the head]
(fffe,e00d) na
(fffe,e0dd) na
(0038,0300) LO [ER]
(0040,1001) SH [RP-{accession}]
(0040,1003) SH [{priority}]
(0040,0100) SQ
(fffe,e000) na
(0008,0060) CS [{modality}]
(0040,0001) AE [CT1]
(0040,0002) DA [{day}]
(0040,0003) TM [{time}]
(0040,0007) LO [Head]
(0040,0009) SH [SPS-{accession}]
(fffe,e00d) na
(fffe,e0dd) na
"""


class Wlmscpfs(Program):
    """dcmtk's worklist server over a folder of files made by dump2dcm."""

    def __init__(self, folder):
        (port,) = free_ports(1)
        self.items = Path(folder) / "RIS"
        self.items.mkdir(parents=True)
        (self.items / "lockfile").touch()
        super().__init__(folder, "RIS", ["wlmscpfs", "-csk", "-dfp", str(folder), str(port)], port)

    def schedule(self, accession, patient, study, priority="STAT", modality="CT", day=None, time="1430"):
        day = day or date.today().strftime("%Y%m%d")
        text = DUMP.format(**{k: v for k, v in locals().items() if k != "self"})
        dump = self.items / f"{accession}.dump"
        dump.write_bytes(text.strip().encode("latin-1"))
        made = subprocess.run(["dump2dcm", "-g", dump, self.items / f"{accession}.wl"], capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        dump.unlink()

    def forget(self, accession):
        (self.items / f"{accession}.wl").unlink()


class Told:
    """A worklist that answers what it is told to."""

    def __init__(self):
        self.items, self.status, self.asked = [], 0x0000, []
        self.entity = AE(ae_title="OTHER")
        self.entity.add_supported_context(WORKLIST)
        self.entity.add_supported_context(Verification)
        self.server = self.entity.start_server(
            ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_FIND, self.answer)]
        )
        self.port = self.server.socket.getsockname()[1]

    def answer(self, event):
        self.asked.append(event.identifier)
        if self.status:
            yield self.status, None
            return
        for item in self.items:
            yield 0xFF00, item

    def close(self):
        self.server.shutdown()


def item(accession, patient, study=None, priority="HIGH", day=None, step="1"):
    ds = Dataset()
    ds.PatientName, ds.PatientID, ds.AccessionNumber = "NAME^NEW", patient, accession
    ds.StudyInstanceUID = study or generate_uid()
    ds.RequestedProcedureID, ds.RequestedProcedurePriority = f"RP-{accession}", priority
    ds.RequestedProcedureDescription, ds.CurrentPatientLocation = "CT neck", "ICU"
    scheduled = Dataset()
    scheduled.Modality, scheduled.ScheduledStationAETitle, scheduled.ScheduledProcedureStepID = "CT", "CT1", step
    scheduled.ScheduledProcedureStepStartDate = day or date.today().strftime("%Y%m%d")
    scheduled.ScheduledProcedureStepStartTime = "0800"
    ds.ScheduledProcedureStepSequence = [scheduled]
    return ds


@pytest.fixture(scope="module")
def ris(tmp_path_factory):
    program = Wlmscpfs(tmp_path_factory.mktemp("worklist"))
    yield program
    program.stop()


@pytest.fixture(scope="module")
def told():
    server = Told()
    yield server
    server.close()


@pytest.fixture(scope="module")
def hospital(tmp_path_factory, ris, told):
    empty = tmp_path_factory.mktemp("models")
    sources = [
        {"name": "RIS", "ae_title": "RIS", "host": "127.0.0.1", "port": ris.port, "modality": "CT"},
        {"name": "Other", "ae_title": "OTHER", "host": "127.0.0.1", "port": told.port, "station_ae": "CT1"},
    ]
    service = Service(
        tmp_path_factory.mktemp("service"),
        inference={"models": empty},
        modality_worklist={"sources": sources, "every_seconds": 1},
    ).start()
    yield service
    service.stop()


def connection(service, name):
    found = service.get("/api/v1/connections")["items"]
    return next(one for one in found if (one["kind"], one["name"]) == ("worklist_source", name))


def orders(service, accession):
    return service.rows("select * from imaging_order where accession = ?", accession)


def one_order(service, accession):
    return until(f"the order {accession}", lambda: orders(service, accession))[0]


def polled_again(service, name):
    """A whole question and answer more."""
    before = connection(service, name)["last_at"]
    until(f"{name} is asked again", lambda: connection(service, name)["last_at"] != before)


def exam_of(service, accession, patient):
    exam = Exam(2, patient=patient, accession=accession)
    with calling(service) as association:
        send(association, exam.images)
    row = until("the study", lambda: service.study(exam.study))
    return row["study_id"]


def study(service, study_id, condition=lambda seen: seen["link"] == "linked"):
    def now():
        seen = service.get(f"/api/v1/studies/{study_id}")
        return seen if condition(seen) else None

    return until("the study is as expected", now)


def test_an_item_of_a_worklist_is_the_order_of_its_study(hospital, ris):
    ris.schedule("W1", "WL-1", generate_uid())
    ris.schedule("W2", "WL-2", generate_uid(), modality="MR")
    ris.schedule("W3", "WL-3", generate_uid(), day="20200101")
    one_order(hospital, "W1")
    seen = study(hospital, exam_of(hospital, "W1", "WL-1"))
    assert (seen["ris_priority"], seen["order_state"]) == ("S", "placed")
    assert (seen["band"], seen["link_detail"]) == ("critical", "by accession number")
    # Half past two on the wall clock of Berlin.
    today = date.today().isoformat()
    assert seen["scheduled_at"] in (f"{today}T13:30:00Z", f"{today}T12:30:00Z")
    (patient,) = hospital.rows("select * from patient where identifier = 'WL-1'")
    assert (patient["name"], patient["authority"]) == ("Jäger^Wilma", "GH")
    # The one is no CT, the other was years ago: neither was asked for.
    assert not orders(hospital, "W2") and not orders(hospital, "W3")
    fares = connection(hospital, "RIS")
    assert (fares["state"], fares["last_error"]) == ("working", None)


def test_what_a_worklist_says_changes_with_it_and_does_not_end_with_it(hospital, ris):
    uid = generate_uid()
    ris.schedule("W4", "WL-4", uid, priority="ROUTINE")
    one_order(hospital, "W4")
    seen_id = exam_of(hospital, "W4", "WL-4")
    assert study(hospital, seen_id)["ris_priority"] == "R"
    ris.schedule("W4", "WL-4", uid, priority="STAT", time="1500")
    study(hospital, seen_id, lambda seen: seen["ris_priority"] == "S" and seen["band"] == "critical")
    ris.forget("W4")
    polled_again(hospital, "RIS")
    polled_again(hospital, "RIS")
    seen = study(hospital, seen_id)
    assert (seen["order_state"], seen["ris_priority"]) == ("placed", "S")
    assert len([e for e in seen["timeline"] if e["event"] == "order_changed"]) == 1


def test_a_message_wins_whichever_came_first(hospital, told):
    with Client(hospital.hl7) as client:
        assert b"MSA|AA" in client.send(order("M1", "WLM-1", priority="R"))
    told.items = [item("M1", "WLM-1", priority="STAT"), item("M2", "WLM-2", priority="STAT")]
    one_order(hospital, "M2")
    polled_again(hospital, "Other")
    with Client(hospital.hl7) as client:
        assert b"MSA|AA" in client.send(order("M2", "WLM-2", priority="R"))
    for accession, patient in (("M1", "WLM-1"), ("M2", "WLM-2")):
        seen = study(hospital, exam_of(hospital, accession, patient))
        until("the message is applied", lambda: study(hospital, seen["study_id"])["ris_priority"] == "R")
        # What no message said.
        assert study(hospital, seen["study_id"])["scheduled_at"]
    assert len(orders(hospital, "M1")) == len(orders(hospital, "M2")) == 1
    polled_again(hospital, "Other")
    assert study(hospital, seen["study_id"])["ris_priority"] == "R"


def test_an_item_of_another_patient_than_its_message_says_is_not_believed(hospital, told):
    with Client(hospital.hl7) as client:
        assert b"MSA|AA" in client.send(order("M3", "WLM-3"))
    nameless = item("", "WLM-5")
    del nameless.StudyInstanceUID
    told.items = [item("M3", "WLM-4"), nameless]
    until(
        "the poll says so",
        lambda: "1 of another patient" in (connection(hospital, "Other")["detail"] or ""),
    )
    assert "1 without an accession number" in connection(hospital, "Other")["detail"]
    (row,) = orders(hospital, "M3")
    (owner,) = hospital.rows("select * from patient where id = ?", row["patient_id"])
    assert owner["identifier"] == "WLM-3"


def test_steps_of_one_procedure_are_one_order_and_the_question_names_the_station(hospital, told):
    uid = generate_uid()
    told.items = [item("M6", "WLM-6", uid, step=step) for step in ("2", "1")]
    one_order(hospital, "M6")
    polled_again(hospital, "Other")
    assert len(orders(hospital, "M6")) == 1
    step = told.asked[-1].ScheduledProcedureStepSequence[0]
    assert step.ScheduledStationAETitle == "CT1" and "-" in step.ScheduledProcedureStepStartDate


def test_a_worklist_that_fails_is_seen_to_and_asked_again(hospital, told):
    told.items, told.status = [item("M7", "WLM-7")], 0xC001
    failing = until("it waits", lambda: connection(hospital, "Other")["state"] == "waiting" and connection(hospital, "Other"))
    assert "0xc001" in failing["last_error"] and failing["last_at"]
    assert connection(hospital, "RIS")["state"] == "working"
    told.status = 0
    until("it works", lambda: connection(hospital, "Other")["state"] == "working")
    one_order(hospital, "M7")
    answer = hospital.post(f"/api/v1/connections/{failing['id']}/check")
    assert answer["good"], answer
