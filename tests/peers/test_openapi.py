"""The description of the API against the program, by schemathesis: bounded and seeded, over every operation, with a token of each role that
may ask. All its checks hold but these.

- `positive_data_acceptance` of `POST /fhir/Subscription`: which addresses are allowed is the site's to say.
- `positive_data_acceptance` of storing by STOW-RS and of changes to work items: a schema cannot say what a DICOM file is, nor which attributes a
  change of state needs. test_dicomweb.py and test_ups.py store and change.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import vendor
from hospital import Hospital
from mllp import Client, acknowledgement
from objects import slice_of
from scu import CT, EXPLICIT, store
from service import until

HERE = Path(__file__).parent
EXAMPLES = os.environ.get("TOCSIN_OPENAPI_EXAMPLES", "4")
ROLES = ["radiologist", "stroke_team", "technologist", "qa_reviewer", "governance", "integration_engineer", "admin", "service"]
PRODUCT = {"name": "acme_ich", "manufacturer": vendor.MAKER, "algorithms": [vendor.NAME], "reads_as": "ich",
           "messages_from": {"application": "ACME"}}
CONFIG = """
[[operations]]
include-name = "POST /fhir/Subscription"
[operations.checks]
positive_data_acceptance.enabled = false

[[operations]]
include-path-regex = "^/(ups-rs|dicom-web)/"
include-method = ["POST", "PUT"]
[operations.checks]
positive_data_acceptance.enabled = false
"""


class Visit:
    patient, accession, study = "OPEN-1", "AOPEN1", "1.2.826.0.1.3680043.9.9999.77.1"


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    """Without models: another product says what makes results, alerts, messages and deliveries."""
    folder = tmp_path_factory.mktemp("openapi")
    (folder / "models").mkdir()
    hospital = Hospital(folder, [], inference={"models": str(folder / "models"), "only": None}, vendors=[PRODUCT])
    service = hospital.service
    hospital.order(Visit)
    for pixel in (0, 1):  # The second time other bytes, which are kept apart.
        assert store(service.dicom, CT, f"{Visit.study}.1.1", EXPLICIT, slice_of(Visit.study, patient=Visit.patient, pixel=pixel)).status == 0
    until("the study", lambda: service.study(Visit.study))
    with Client(service.hl7) as client:
        assert acknowledgement(client.send(vendor.message(Visit)))[0] == "AA"
    service.ai(Visit.study, ["flagged"], model="acme_ich")
    until("the page", lambda: hospital.mailbox.mails)
    until("the RIS", lambda: hospital.ris.of_type("OMI^O23", Visit.accession))
    yield hospital
    hospital.close()


def seen(service):
    """Tokens by role, and ids of what is there by path."""
    def made(role):
        answer = service.post("/api/v1/tokens", json.dumps({"name": role, "role": role}).encode(), raw=True,
                              headers={"Content-Type": "application/json"})
        assert answer[0] == 201, answer
        return json.loads(answer[1])

    tokens = {role: made(role)["token"] for role in ROLES}
    study = service.study(Visit.study)["study_id"]
    ids = {"studies": study, "reconciliation": study}
    for kind in ("alerts", "deliveries", "messages", "quarantine", "connections"):
        ids[kind] = service.get(f"/api/v1/{kind}")["items"][0]["id"]
    (result,) = service.rows("select id from result")
    (instance,) = service.rows("select id from instance")
    ids["tokens"] = made("service")["id"]
    uids = {"study": Visit.study, "series": f"{Visit.study}.1", "instance": f"{Visit.study}.1.1", "frames": "1", "path": "7FE00010"}
    place = {"result": result["id"], "instance": instance["id"], "frame": 0, "slice": 0}
    paths = {}
    for path in service.get("/api/openapi.json", token=False)["paths"]:
        if "{" not in path:
            continue
        words = path.strip("/").split("/")
        if words[0] == "dicom-web":
            known = uids
        elif words[0] == "ups-rs":
            known = {"id": service_item(service)}
        elif words[0] == "fhir":
            found = [] if words[1] == "Patient" else service.get(f"/fhir/{words[1]}?_count=1").get("entry", [])
            known = {"id": found[0]["resource"]["id"]} if found else {}
        elif words[0] == "cds-services":
            known = {"id": "tocsin-critical-results"}
        else:
            known = {"id": ids[words[2]], **place} if words[2] in ids else {}
        if known:
            paths[path] = [{name: known[name] for name in known if f"{{{name}}}" in path}]
    return {"tokens": tokens, "paths": paths}


def service_item(service):
    (item, *_) = service.get("/ups-rs/workitems")
    return item["00080018"]["Value"][0]


def test_the_program_is_what_its_description_says(hospital, tmp_path):
    known = tmp_path / "seen.json"
    known.write_text(json.dumps(seen(hospital.service)))
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    program = Path(sys.executable).with_name("schemathesis")
    command = [program, "--config-file", tmp_path / "schemathesis.toml", "run",
               f"http://127.0.0.1:{hospital.service.http}/api/openapi.json",
               "--phases", "coverage,fuzzing", "--max-examples", EXAMPLES, "--seed", "5", "--no-shrink",
               "--suppress-health-check", "all", "--continue-on-failure", "--no-color"]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "openapi_hooks", "PYTHONPATH": str(HERE), "TOCSIN_SEEN": str(known)}
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert "Errors:" not in done.stdout, done.stdout[-5_000:]
    # The description itself is read, and not counted.
    operations = sum(len(methods) for methods in hospital.service.get("/api/openapi.json", token=False)["paths"].values()) - 1
    assert f"{operations} selected / {operations} total" in done.stdout, operations
    assert not hospital.service.logged('"message":"panic"')
