"""FHIR R4 as an electronic record uses it: what one study with a hemorrhage leads to is found, read, followed from resource to
resource and validated; and a subscriber that fails is told until it takes what it is told."""
import copy
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hospital import PATIENT_NAME, Hospital
from resources import Broken, Client, check
from service import until

KINDS = ["AuditEvent", "Communication", "Device", "DiagnosticReport", "ImagingStudy", "Observation", "Patient", "Provenance",
         "ServiceRequest", "Subscription", "Task"]


class Subscriber:
    """Refuses what comes until it has done so `refusals` times; keeps what it takes."""

    def __init__(self, refusals):
        self.left, self.refused, self.taken = refusals, 0, []
        lock = threading.Lock()
        subscriber = self

        class Handler(BaseHTTPRequestHandler):
            def take(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with lock:
                    refuse = subscriber.left > 0
                    subscriber.left -= refuse
                    subscriber.refused += refuse
                    if not refuse:
                        subscriber.taken.append((self.command, self.path, self.headers, body))
                self.send_response(503 if refuse else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_PUT = take

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def subscription(endpoint, criteria, payload="application/fhir+json", **more):
    channel = {"type": "rest-hook", "endpoint": endpoint, **({"payload": payload} if payload else {})}
    return {"resourceType": "Subscription", "status": "requested", "reason": "results", "criteria": criteria,
            "channel": channel, **more}


@pytest.fixture(scope="module")
def subscriber():
    subscriber = Subscriber(refusals=2)
    yield subscriber
    subscriber.close()


@pytest.fixture(scope="module")
def hospital(tmp_path_factory, subscriber):
    receivers = [{"name": "EHR", "url": subscriber.url}]
    fhir = {"receivers": receivers, "systems": {"GH": "urn:oid:2.999.1"}}
    hospital = Hospital(tmp_path_factory.mktemp("hospital"), [], fhir=fhir)
    yield hospital
    hospital.close()


@pytest.fixture(scope="module")
def client(hospital):
    return Client(hospital.service)


def create(client, body, status=201):
    sent = json.dumps(body).encode()
    return client.ask("POST", "Subscription", status, sent, {"Content-Type": "application/fhir+json"})


@pytest.fixture(scope="module")
def bleed(hospital, client, subscriber):
    """Ordered, scanned and read, with two subscribers that wait for it."""
    phantom = hospital.phantom(7)
    phantom.full = create(client, subscription(f"{subscriber.url}/full", "DiagnosticReport?status=preliminary"))
    phantom.nudge = create(client, subscription(f"{subscriber.url}/nudge", "Observation?value-concept=52101004", None))
    create(client, subscription(f"{subscriber.url}/never", "Observation?status=final"))
    hospital.order(phantom)
    hospital.scan(phantom)
    hospital.service.ai(phantom.study, ["flagged"])
    hospital.settled(phantom, "fhir_notice")
    until("the page", lambda: hospital.mailbox.mails)
    return phantom


def test_everything_that_is_referred_to_can_be_read_and_is_valid(client, bleed):
    found = {kind: client.search(kind) for kind in KINDS if kind != "Patient"}
    assert all(found.values()), {kind: len(all_of) for kind, all_of in found.items()}
    client.follow_everything()
    assert {name.split("/")[0] for name in client.seen} == set(KINDS)
    assert len(found["DiagnosticReport"]) == len(found["ServiceRequest"]) == len(found["Task"]) == 1
    (patient,) = [r for name, r in client.seen.items() if name.startswith("Patient/")]
    family, given = PATIENT_NAME.split("^")
    assert patient["name"][0]["family"] == family and patient["name"][0]["given"] == [given]
    assert patient["identifier"][0]["value"] == bleed.patient
    assert patient["identifier"][0]["system"] == "urn:oid:2.999.1"


def test_what_the_model_found_is_preliminary_and_says_so_everywhere(client, bleed):
    (report,) = client.search("DiagnosticReport")
    assert report["status"] == "preliminary" and report["result"]
    for observation in client.search("Observation"):
        assert observation["status"] in ("preliminary", "cancelled")
    (task,) = client.search("Task", status="requested,in-progress")
    assert task["priority"] == "stat" and task["output"][0]["valueReference"]["reference"].endswith(report["id"])
    (order,) = client.search("ServiceRequest", status="active")
    # The RIS was asked to change it; the order says what the RIS says.
    assert order["priority"] in ("routine", "stat")
    (page,) = client.search("Communication", status="completed")
    assert page["priority"] == "stat" and PATIENT_NAME.split("^")[0] not in json.dumps(page["payload"])


def test_the_patient_is_found_by_number_with_or_without_its_system(client, bleed):
    for kind in ("DiagnosticReport", "Observation", "ImagingStudy", "ServiceRequest", "Task", "Communication"):
        every = {r["id"] for r in client.search(kind)}
        for number in (bleed.patient, f"urn:oid:2.999.1|{bleed.patient}"):
            assert {r["id"] for r in client.search(kind, patient__identifier=number)} == every, kind
        for number in (f"|{bleed.patient}", f"urn:oid:2.999.2|{bleed.patient}", "NOBODY"):
            assert client.search(kind, patient__identifier=number) == [], (kind, number)
        (patient,) = client.search("Patient", identifier=bleed.patient)
        by_form = client.search(kind, form=True, patient=f"Patient/{patient['id']}")
        assert {r["id"] for r in by_form} == every


def test_studies_and_orders_are_found_by_their_numbers(client, bleed):
    (study,) = client.search("ImagingStudy", identifier=f"urn:dicom:uid|urn:oid:{bleed.study}")
    (order,) = client.search("ServiceRequest", identifier=bleed.accession)
    assert client.search("ImagingStudy", basedon=order["id"]) == [study]
    assert client.search("Task", focus=f"ImagingStudy/{study['id']}", based_on=f"ServiceRequest/{order['id']}")
    assert client.search("ImagingStudy", identifier="urn:dicom:uid|urn:oid:1.2.3") == []


def test_pages_hold_each_match_once(client, bleed):
    whole = [r["id"] for r in client.search("Observation")]
    assert len(whole) > 1
    assert [r["id"] for r in client.search("Observation", _count=1)] == whole
    audited = [r["id"] for r in client.search("AuditEvent", _count=7, date="le2000")]
    assert audited == []


def test_what_cannot_be_done_is_said_as_an_outcome(client, bleed):
    strict = {"Prefer": "handling=strict"}
    assert client.ask("GET", "Observation?shade=grey", 400, headers=strict)
    lenient = client.ask("GET", "Observation?shade=grey&_count=3")
    (url,) = [link["url"] for link in lenient["link"] if link["relation"] == "self"]
    assert "shade" not in url and "_count=3" in url
    for path, status in [
        ("Observation?date=tomorrow", 400),
        ("Observation?status:not=final", 400),
        ("Patient", 400),
        ("Patient?active=true", 400),
        ("Observation/00000000-0000-4000-8000-000000000000.0", 404),
        ("Task/nothing", 404),
        ("Practitioner", 404),
        ("Task?_format=xml", 406),
    ]:
        client.ask("GET", path, status)
    client.ask("PUT", "Task/1", 405, b"{}")
    client.ask("GET", "Task", 401, token=False)
    check(client.ask("GET", "metadata", token=False))


def test_a_version_that_is_known_is_not_sent_again(hospital, client, bleed):
    (report,) = client.search("DiagnosticReport")
    known = {"If-None-Match": f'W/"{report["meta"]["versionId"]}"', "Accept": "application/fhir+json"}
    path = f"/fhir/DiagnosticReport/{report['id']}"
    status, _ = hospital.service.request("GET", path, raw=True, headers=known)
    assert status == 304


def test_a_subscriber_that_refused_twice_is_told_in_the_end(hospital, client, bleed, subscriber):
    assert subscriber.refused == 2
    (report,) = client.search("DiagnosticReport")
    told = {path: (method, headers, body) for method, path, headers, body in subscriber.taken}
    assert set(told) == {f"/hooks/full/DiagnosticReport/{report['id']}", "/hooks/nudge"}
    method, headers, body = told[f"/hooks/full/DiagnosticReport/{report['id']}"]
    assert method == "PUT" and headers["Content-Type"] == "application/fhir+json"
    check(json.loads(body))
    assert json.loads(body)["id"] == report["id"]
    assert told["/hooks/nudge"][0] == "POST" and told["/hooks/nudge"][2] == b""
    owed = hospital.service.deliveries(hospital.study_id(bleed))
    assert owed[("fhir_notice", "EHR")]["state"] == "confirmed"
    for made in (bleed.full, bleed.nudge):
        assert client.read(f"Subscription/{made['id']}")["status"] == "active"


def test_only_receivers_of_the_site_can_be_told_and_a_subscription_ends(client, bleed, subscriber):
    good = "DiagnosticReport?status=preliminary"
    for endpoint in ("http://169.254.169.254/latest", "https://elsewhere.example/hooks", f"{subscriber.url}/../x", "file:///etc"):
        create(client, subscription(endpoint, good), 400)
    for criteria in ("Patient?active=true", "DiagnosticReport?patient=1", "DiagnosticReport?shade=grey", "nothing"):
        create(client, subscription(subscriber.url, criteria), 400)
    create(client, subscription(subscriber.url, good, "text/plain"), 400)
    create(client, subscription(subscriber.url, good, contact=[{"system": "phone", "value": "1"}]), 400)
    made = create(client, subscription(subscriber.url, good))
    client.ask("DELETE", f"Subscription/{made['id']}", 204)
    client.ask("GET", f"Subscription/{made['id']}", 404)


def test_no_address_of_a_search_is_in_the_log(hospital, client, bleed):
    client.search("Observation", patient__identifier=bleed.patient)
    client.ask("GET", f"Observation?patient.identifier={bleed.patient}&date=x", 400)
    assert hospital.service.logged(bleed.patient) == []


def test_the_check_refuses_what_is_broken(client, bleed):
    """A check that never fails is none."""
    page = client.ask("GET", "Observation")
    of = {kind: client.search(kind)[0] for kind in ("Observation", "Task", "AuditEvent", "Provenance", "Communication", "Device",
                                                   "ServiceRequest", "ImagingStudy", "Subscription")}
    statement = client.ask("GET", "metadata")
    for good, change in [
        (of["Observation"], {"status": "prelim"}),
        (of["Observation"], {"status": "final"}),
        (of["Observation"], {"shade": "grey"}),
        (of["Observation"], {"code": None}),
        (of["Observation"], {"issued": "2026-03-14T09:28:05"}),
        (of["Observation"], {"subject": {"reference": "nobody"}}),
        (of["Task"], {"priority": "high"}),
        (of["Task"], {"intent": "wish"}),
        (of["AuditEvent"], {"action": "X"}),
        (of["AuditEvent"], {"agent": []}),
        (of["Provenance"], {"target": None}),
        (of["Communication"], {"payload": [{"contentString": 7}]}),
        (of["Device"], {"deviceName": [{"name": "x"}]}),
        (of["ServiceRequest"], {"subject": None}),
        (of["ImagingStudy"], {"numberOfSeries": -1}),
        (of["Subscription"], {"channel": {"endpoint": "x"}}),
        (statement, {"fhirVersion": "5.0.0"}),
        (page, {"link": []}),
        (page, {"entry": [{**page["entry"][0], "fullUrl": "http://x/Observation/1"}]}),
    ]:
        broken = {k: v for k, v in {**copy.deepcopy(good), **change}.items() if v is not None}
        check(good)
        with pytest.raises(Broken):
            check(broken)
