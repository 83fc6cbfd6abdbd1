"""An EHR that asks for advice (CDS Hooks): it signs each request with PyJWT, and is told of a finding of a real run. Tokens that
have expired, are meant for others, were used before or come from strangers are not believed."""
import json
import shutil
import time
import urllib.error
import urllib.request
import uuid

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pynetdicom import AE

from radiographs import DX, package, radiograph
from service import REPOSITORY, Service, until

ISSUER = "https://ehr.hospital.example"
SYSTEM = "urn:oid:2.999.1"
VIEW, SIGN = "tocsin-critical-results", "tocsin-imaging-order-sign"


class Ehr:
    """Two keys, as an EHR that is changing from one algorithm to the other has them."""

    def __init__(self):
        self.keys = {
            "rsa": ("RS384", rsa.generate_private_key(public_exponent=65537, key_size=2048)),
            "ec": ("ES384", ec.generate_private_key(ec.SECP384R1())),
        }
        self.service = None

    def jwks(self):
        keys = []
        for name, (algorithm, key) in self.keys.items():
            maker = jwt.algorithms.RSAAlgorithm if name == "rsa" else jwt.algorithms.ECAlgorithm
            keys.append({**json.loads(maker.to_jwk(key.public_key())), "kid": name, "use": "sig", "alg": algorithm})
        return {"keys": keys}

    def url(self, service, base=None):
        return f"{base or f'http://127.0.0.1:{self.service.http}'}/cds-services/{service}"

    def token(self, service, key="rsa", signed_by=None, header=None, **claims):
        now = int(time.time())
        whole = {"iss": ISSUER, "aud": self.url(service), "iat": now, "exp": now + 300, "jti": str(uuid.uuid4()), **claims}
        algorithm, own = self.keys[key]
        whole = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(whole, signed_by or own, algorithm=algorithm, headers={"kid": key, **(header or {})})

    def ask(self, service, body, token=None, **headers):
        token = token or self.token(service)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
        request = urllib.request.Request(self.url(service), json.dumps(body).encode(), headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def cards(self, service, body, **options):
        status, answer = self.ask(service, body, **options)
        assert status == 200, answer
        return answer["cards"]


def asked(hook, patient, **context):
    return {
        "hook": hook,
        "hookInstance": str(uuid.uuid4()),
        "fhirServer": "https://ehr.hospital.example/fhir",
        "context": {"userId": "Practitioner/1", "patientId": "p1", **context},
        "prefetch": {
            "patient": {"resourceType": "Patient", "id": "p1", "identifier": [{"system": SYSTEM, "value": patient}]}
        },
    }


def ordering(words, code="X"):
    resource = {
        "resourceType": "ServiceRequest", "id": "1", "status": "draft", "intent": "order",
        "subject": {"reference": "Patient/p1"}, "code": {"coding": [{"code": code, "display": words}]},
    }
    return {"draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": resource}]}}


@pytest.fixture(scope="module")
def ehr(tmp_path_factory):
    ehr, folder = Ehr(), tmp_path_factory.mktemp("cds")
    (folder / "ehr.json").write_text(json.dumps(ehr.jwks()))
    # The shipped pack, at a site that wants to be paged for every nodule.
    rules = folder / "rules" / "chest-nodule"
    shutil.copytree(REPOSITORY / "rules" / "chest-nodule", rules)
    flagged = rules / "nodule-flagged.yaml"
    flagged.write_text(flagged.read_text().replace("  score: 100\n", "  score: 100\n  page:\n    policy: chest\n"))
    people = [{"id": "chest", "name": "Chest", "email": "chest@hospital.example", "roles": ["chest"]}]
    ehr.service = Service(
        folder,
        inference={"models": package(tmp_path_factory.mktemp("models")), "only": None},
        rules={"dir": "rules"},
        alerts={
            "default_policy": "chest",
            "people": people,
            "policies": [{"name": "chest", "steps": [{"to": ["chest"], "wait_minutes": 30}], "last_resort": "chest"}],
        },
        cds_hooks={
            "ehrs": [{"name": "EHR", "issuer": ISSUER, "jwks_file": "ehr.json", "jwks_url": f"{ISSUER}/jwks"}],
            "patient_systems": [{"system": SYSTEM, "authority": "GH"}],
            "origins": [ISSUER],
        },
    ).start()
    yield ehr
    ehr.service.stop()


def scan(service, ds):
    ae = AE(ae_title="SCANNER")
    ae.add_requested_context(DX)
    association = ae.associate("127.0.0.1", service.dicom, ae_title="TOCSIN")
    assert association.is_established and association.send_c_store(ds).Status == 0
    association.release()


@pytest.fixture(scope="module")
def nodule(ehr):
    """A radiograph in which the model finds a nodule."""
    ds = radiograph(24, "20260110", patient="CDS-1")
    scan(ehr.service, ds)
    row = until("the study", lambda: ehr.service.study(ds.StudyInstanceUID))
    ehr.service.ai(ds.StudyInstanceUID, ("flagged",), model="nodule", seconds=60)
    study = f"/api/v1/studies/{row['study_id']}"
    until("what the rules recommend", lambda: ehr.service.get(study)["recommendations"])
    until("the alert", lambda: ehr.service.get(study)["alerts"])
    return row["study_id"]


def test_discovery_is_open_and_says_what_is_needed(ehr):
    listed = ehr.service.get("/cds-services", token=False)["services"]
    assert [service["hook"] for service in listed] == ["patient-view", "order-select", "order-sign"]
    assert all(service["prefetch"]["patient"] == "Patient/{{context.patientId}}" for service in listed)
    assert all(service["id"] and service["description"] for service in listed)


def test_an_order_is_told_of_what_the_model_led_to(ehr, nodule):
    body = asked("order-sign", "CDS-1", **ordering("CT chest without contrast"))
    cards = ehr.cards(SIGN, body, token=ehr.token(SIGN, key="ec"))
    [card] = [card for card in cards if "answers a recommendation" in card["summary"]]
    assert len(card["summary"]) < 140 and card["indicator"] == "info"
    assert "No radiologist has confirmed it" in card["detail"] and "doi" in card["detail"]
    assert card["links"][0]["url"].endswith(f"/studies/{nodule}")
    assert card["source"]["label"] == "Tocsin"
    text = json.dumps(cards)
    assert "null" not in text and '""' not in text
    assert not any(name in text for name in ("CDS-1", "NORA", "19500505"))

    other = ehr.cards(SIGN, asked("order-sign", "CDS-1", **ordering("MR brain")))
    assert [card["summary"].split(":")[0] for card in other] == ["Recommended, and not ordered yet"]
    assert ehr.cards(SIGN, asked("order-sign", "CDS-9", **ordering("CT chest"))) == []

    feedback = {"feedback": [{"card": card["uuid"], "outcome": "accepted", "outcomeTimestamp": "2026-01-10T12:00:00Z"}]}
    path = f"{SIGN}/feedback"
    assert ehr.ask(path, feedback, token=ehr.token(path))[0] == 200
    assert ehr.ask(path, feedback, token=ehr.token(SIGN))[0] == 200
    assert len(ehr.service.rows("select * from card_feedback where card = ?", card["uuid"])) == 2


def test_a_chart_shows_what_nobody_acknowledged(ehr, nodule):
    body = lambda: asked("patient-view", "CDS-1")
    [alert] = ehr.service.every("/api/v1/alerts")
    [card] = ehr.cards(VIEW, body())
    assert card["indicator"] == "critical" and "pulmonary nodule" in card["summary"]
    assert "Nobody has acknowledged" in card["detail"] and "Said by software" in card["detail"]
    assert card["links"][0]["url"].endswith(f"/studies/{nodule}")
    assert not any(name in json.dumps(card) for name in ("CDS-1", "NORA", "19500505"))
    ehr.service.post(f"/api/v1/alerts/{alert['id']}/acknowledge", b"{}", headers={"Content-Type": "application/json"})
    assert ehr.cards(VIEW, body()) == []


def test_a_token_is_believed_once_in_its_time_for_its_service_from_whom_we_know(ehr):
    body = asked("patient-view", "CDS-9")
    now = int(time.time())
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    good = ehr.token(VIEW)
    assert ehr.ask(VIEW, body, token=good)[0] == 200
    algorithm, _ = ehr.keys["rsa"]
    refused = {
        "used before": good,
        "expired": ehr.token(VIEW, exp=now - 120, iat=now - 400),
        "not yet": ehr.token(VIEW, iat=now + 600, exp=now + 900),
        "for a day": ehr.token(VIEW, exp=now + 86_400),
        "for another service": ehr.token(SIGN),
        "for another host": ehr.token(VIEW, aud=ehr.url(VIEW, "https://elsewhere.example")),
        "of an unknown issuer": ehr.token(VIEW, iss="https://stranger.example"),
        "signed by a stranger": ehr.token(VIEW, signed_by=stranger),
        "of another key set": ehr.token(VIEW, header={"jku": "https://stranger.example/jwks"}),
        "without a number": ehr.token(VIEW, jti=None),
        "with another key's name": ehr.token(VIEW, header={"kid": "ec"}),
        "with an unknown key": ehr.token(VIEW, header={"kid": "other"}),
        "with a weaker hash": jwt.encode(
            {"iss": ISSUER, "aud": ehr.url(VIEW), "iat": now, "exp": now + 300, "jti": "x"},
            ehr.keys["rsa"][1], algorithm="RS256", headers={"kid": "rsa"},
        ),
        "unsigned": jwt.encode({"iss": ISSUER, "aud": ehr.url(VIEW), "iat": now, "exp": now + 300, "jti": "y"}, None, algorithm="none"),
    }
    for what, token in refused.items():
        status, answer = ehr.ask(VIEW, body, token=token)
        assert status == 401, f"{what}: {status} {answer}"
    assert len(ehr.service.logged("is not believed")) >= len(refused) - 1
    many = ehr.token(VIEW, aud=["https://elsewhere.example", ehr.url(VIEW)], header={"jku": f"{ISSUER}/jwks"})
    assert ehr.ask(VIEW, body, token=many)[0] == 200
    # It opens the advice, and nothing else.
    status, _ = ehr.service.get("/api/v1/worklist", token=False, raw=True,
                                headers={"Authorization": f"Bearer {ehr.token(VIEW)}"})
    assert status == 401


def test_what_does_not_say_whose_chart_is_open_is_not_answered(ehr):
    body = asked("patient-view", "CDS-1")
    for broken, status in (
        ({**body, "prefetch": None}, 412),
        ({**body, "prefetch": {"patient": None}}, 412),
        ({**body, "prefetch": {"patient": {**body["prefetch"]["patient"], "identifier": []}}}, 412),
        ({**body, "context": {}}, 400),
        ({**body, "hook": "order-sign"}, 400),
        ({**body, "hookInstance": "7"}, 400),
        ([], 400),
    ):
        assert ehr.ask(VIEW, broken)[0] == status, broken
    assert ehr.ask("nothing", body)[0] == 404
    started = time.monotonic()
    assert ehr.ask(VIEW, body)[0] == 200
    assert time.monotonic() - started < 0.5
