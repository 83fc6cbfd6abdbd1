"""A radiologist opens a report, and what the model found is offered in it: by a hub that reads FHIR with another's classes, says
when it is stale, stands still for a while, and forgets what it had open."""
import json

import pytest

from fhircast import Hub
from hospital import Hospital
from service import until

TOPIC = "reading-room-1"


@pytest.fixture(scope="module")
def hub():
    hub = Hub()
    yield hub
    hub.close()


@pytest.fixture(scope="module")
def hospital(tmp_path_factory, hub):
    folder = tmp_path_factory.mktemp("hospital")
    (folder / "service").mkdir()
    secret = folder / "service" / "hub.token"
    secret.write_text(f"{hub.token}\n")
    secret.chmod(0o600)
    hub_section = {"hub": hub.url, "topics": [TOPIC], "bearer_file": "hub.token", "look_seconds": 1}
    hospital = Hospital(folder, [], fhircast=hub_section)
    yield hospital
    hospital.close()


def connection(hospital):
    (one,) = [c for c in hospital.service.every("/api/v1/connections") if c["kind"] == "fhircast_hub"]
    return one


def owed(hospital, phantom):
    return hospital.service.deliveries(hospital.study_id(phantom)).get(("fhircast_update", "fhircast"))


@pytest.fixture(scope="module")
def bleed(hospital):
    phantom = hospital.phantom(7)
    hospital.order(phantom)
    hospital.scan(phantom)
    hospital.service.ai(phantom.study, ["flagged"])
    until("it is owed", lambda: owed(hospital, phantom))
    return phantom


def test_the_hub_is_among_the_connections_and_can_be_tried(hospital, hub):
    assert connection(hospital)["address"].rstrip("/") == hub.url
    tried = hospital.service.post(f"/api/v1/connections/{connection(hospital)['id']}/check")
    assert tried["good"], tried


def test_nothing_is_offered_before_the_study_is_open(hospital, hub, bleed):
    looked = hub.looked
    hub.open(TOPIC, "1.2.3", "SOMEBODY", "OTHER")
    until("the hub is asked again", lambda: hub.looked >= looked + 2)
    assert hub.taken == [] and hub.refused == []
    waits = owed(hospital, bleed)
    assert waits["state"] == "pending" and "no report on this study open" in waits["last_error"]


def test_what_goes_there_can_be_paused(hospital, hub, bleed):
    one = connection(hospital)
    path, headers = f"/api/v1/connections/{one['id']}", {"Content-Type": "application/json"}
    hospital.service.post(f"{path}/pause", b'{"reason": "the hub is moved"}', headers=headers)
    until("it is paused", lambda: "paused" in (owed(hospital, bleed)["last_error"] or ""))
    hub.open(TOPIC, bleed.study, bleed.patient, bleed.accession)
    looked = hub.looked
    assert connection(hospital)["state"] == "paused" and hub.looked == looked and hub.taken == []
    hospital.service.post(f"{path}/resume")


def test_an_open_report_is_offered_what_was_found_once_though_its_context_was_stale(hospital, hub, bleed):
    hub.stale = 1
    hospital.settled(bleed, "fhircast_update")
    assert hub.refused == []
    (request,) = hub.taken
    observations = hub.sessions[TOPIC]["observations"].values()
    assert observations and all(o["status"] in ("preliminary", "cancelled") for o in observations)
    assert any(o["valueCodeableConcept"]["coding"][0]["code"] == "52101004" for o in observations if "valueCodeableConcept" in o)
    assert all(o["device"]["display"].startswith("ich ") for o in observations)
    assert connection(hospital)["last_at"]


def test_what_is_taken_back_is_marked_in_the_session_too(hospital, hub, bleed):
    study = hospital.study_id(bleed)
    hub.down = True
    headers = {"Content-Type": "application/json"}
    (result,) = [r["id"] for r in hospital.service.get(f"/api/v1/studies/{study}")["results"]]
    body = json.dumps({"result_id": result, "reason": "artefact"}).encode()
    hospital.service.post(f"/api/v1/studies/{study}/withdraw", body, headers=headers)
    until("the hub is out of reach", lambda: connection(hospital)["state"] == "waiting")
    hub.down = False
    until("it is told", lambda: len(hub.taken) == 2)
    assert hub.refused == []
    observations = hub.sessions[TOPIC]["observations"].values()
    assert {o["status"] for o in observations} == {"entered-in-error"}
