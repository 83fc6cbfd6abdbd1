"""DICOMweb against clients and archives of other makers: dicomweb-client searches, retrieves and stores; Orthanc stores to us and is stored
to, with the configuration of integrations/orthanc. And bodies that no client would send."""
import io
import json
import socket
import urllib.error
import urllib.parse
import urllib.request

import pydicom
import pydicom.encaps
import pytest
from dicomweb_client.api import DICOMwebClient
from dicomweb_client.session_utils import create_session_from_auth
from pydicom.uid import JPEG2000Lossless, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid
from requests.auth import AuthBase

from mailbox import Mailbox
from neighbours import Orthanc, free_ports
from objects import REPOSITORY
from radiographs import DX, bytes_of, package, radiograph
from service import Service, until


class Bearer(AuthBase):
    def __init__(self, token):
        self.token = token

    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Hospital:
    """The service, an Orthanc that it sends results to by STOW-RS, and a client with a token of role service."""

    def __init__(self, folder):
        http, dicom, archive_http, archive_dicom = free_ports(4)
        self.mailbox = Mailbox()
        self.url = f"http://127.0.0.1:{http}/dicom-web"
        people = [{"id": "chest", "name": "Chest", "email": "chest@hospital.example", "roles": ["chest"]}]
        archive = {
            "ae_title": "ORTHANC-WEB",
            "role": "archive",
            "url": f"http://127.0.0.1:{archive_http}/dicom-web",
        }
        self.service = Service(
            folder / "service",
            inference={"models": package(folder / "models"), "only": None},
            http={"listen": f"127.0.0.1:{http}"},
            dicom={"listen": f"127.0.0.1:{dicom}", "peers": [archive]},
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
        self.tokens = {role: self.made(role) for role in ("service", "stroke_team", "governance")}
        self.orthanc = Orthanc(folder / "orthanc", port=archive_dicom, **self.shipped(archive_http, http, dicom))
        self.client = DICOMwebClient(self.url, session=create_session_from_auth(Bearer(self.tokens["service"])))

    def made(self, role):
        made = self.service.run("token", "create", "--role", role, "--name", f"{role}-client")
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    def shipped(self, archive_http, http, dicom):
        """integrations/orthanc/orthanc.json, with what every installation replaces."""
        settings = json.loads((REPOSITORY / "integrations/orthanc/orthanc.json").read_text())
        server = settings["DicomWeb"]["Servers"]["tocsin"]
        server["Url"] = server["Url"].replace(":8080", f":{http}")
        assert server["HttpHeaders"]["Authorization"] == "Bearer TOKEN"
        server["HttpHeaders"]["Authorization"] = f"Bearer {self.tokens['service']}"
        settings["DicomModalities"]["tocsin"]["Port"] = dicom
        settings["HttpPort"] = archive_http
        for replaced in ("StorageDirectory", "IndexDirectory", "DicomPort"):
            del settings[replaced]
        return settings

    def ask(self, method, path, body=None, accept=None, token=None, **headers):
        """Status, headers and bytes."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers["Authorization"] = f"Bearer {token or self.tokens['service']}"
        if accept:
            headers["Accept"] = accept
        request = urllib.request.Request(self.url + path, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def stow(self, body, kind='multipart/related; type="application/dicom"; boundary=b', path="/studies", **options):
        status, headers, text = self.ask("POST", path, body, Content_Type=kind, **options)
        return status, json.loads(text) if text else {}

    def close(self):
        try:
            self.service.stop()
        finally:
            self.orthanc.stop()
            self.mailbox.close()


def multipart(*parts, boundary=b"b"):
    head = b"--" + boundary + b"\r\nContent-Type: application/dicom\r\n\r\n"
    return b"".join(head + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"


def series(count, patient="WEB-1", modality="CT", **changed):
    """Slices of one series, of one study."""
    study, of = generate_uid(), generate_uid()
    made = []
    for number in range(1, count + 1):
        ds = radiograph(23, "20260301", patient=patient)
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = study, of, generate_uid()
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.InstanceNumber, ds.SeriesNumber, ds.Modality = number, 7, modality
        ds.AccessionNumber, ds.StudyDescription, ds.StudyID = f"A-{patient}", "Made up", "S1"
        ds.ReferringPhysicianName = "Weber^Eva"
        for name, value in changed.items():
            setattr(ds, name, value)
        made.append(ds)
    return made


def written(ds):
    """As it is read back from its file."""
    return pydicom.dcmread(io.BytesIO(bytes_of(ds)))


def failures(answer, tag="00081198"):
    items = answer.get(tag, {}).get("Value", [])
    return [item["00081197"]["Value"][0] for item in items]


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    hospital = Hospital(tmp_path_factory.mktemp("dicomweb"))
    yield hospital
    hospital.close()


@pytest.fixture(scope="module")
def stored(hospital):
    """A series of three that came by STOW-RS."""
    made = series(3)
    answer = hospital.client.store_instances(made)
    assert len(answer.ReferencedSOPSequence) == 3 and "FailedSOPSequence" not in answer
    assert answer.RetrieveURL.endswith(f"/studies/{made[0].StudyInstanceUID}")
    return made


def test_what_is_stored_is_found_at_every_level(hospital, stored):
    first = stored[0]
    for keys in (
        {"PatientID": "WEB-1"},
        {"PatientName": "*"},
        {"StudyInstanceUID": first.StudyInstanceUID},
        {"AccessionNumber": "A-WEB-?"},
        {"StudyDate": "20260301-20260301", "ModalitiesInStudy": "CT"},
        {"ReferringPhysicianName": "weber*", "StudyID": "S1"},
    ):
        found = hospital.client.search_for_studies(search_filters=keys)
        assert [s["0020000D"]["Value"] for s in found] == [[first.StudyInstanceUID]], keys
    study = pydicom.Dataset.from_json(found[0])
    assert (study.PatientID, study.StudyDate, study.StudyDescription) == ("WEB-1", "20260301", "Made up")
    assert (study.ModalitiesInStudy, study.NumberOfStudyRelatedSeries, study.NumberOfStudyRelatedInstances) == ("CT", 1, 3)
    assert str(study.PatientName) == str(first.PatientName)
    assert hospital.client.search_for_studies(search_filters={"PatientID": "NOBODY"}) == []

    (found,) = hospital.client.search_for_series(first.StudyInstanceUID)
    found = pydicom.Dataset.from_json(found)
    assert (found.SeriesNumber, found.Modality, found.NumberOfSeriesRelatedInstances) == (7, "CT", 3)
    found = hospital.client.search_for_instances(first.StudyInstanceUID, first.SeriesInstanceUID)
    uids = {pydicom.Dataset.from_json(one).SOPInstanceUID for one in found}
    assert uids == {ds.SOPInstanceUID for ds in stored}
    (second,) = hospital.client.search_for_instances(search_filters={"PatientID": "WEB-1", "InstanceNumber": "2"})
    assert pydicom.Dataset.from_json(second).Rows == first.Rows
    assert len(hospital.client.search_for_series(search_filters={"StudyInstanceUID": first.StudyInstanceUID})) == 1


def test_a_search_is_limited_continued_and_says_what_it_does_not_do(hospital, stored):
    path = f"/studies/{stored[0].StudyInstanceUID}/instances"
    status, headers, body = hospital.ask("GET", f"{path}?limit=2")
    assert status == 200 and len(json.loads(body)) == 2 and "additional results" in headers["Warning"]
    _, _, rest = hospital.ask("GET", f"{path}?limit=2&offset=2")
    assert len(json.loads(rest)) == 1
    status, headers, _ = hospital.ask("GET", "/studies?PatientName=*&fuzzymatching=true&includefield=PatientAge,00081030")
    assert status == 200 and "fuzzymatching" in headers["Warning"]
    assert hospital.ask("GET", "/studies?PatientID=NOBODY")[0] == 204
    for bad in ("StudyDate=yesterday", "NoSuchThing=1", "limit=x", "SOPInstanceUID=1.2"):
        assert hospital.ask("GET", f"/studies?{bad}")[0] == 400, bad
    assert hospital.ask("GET", "/studies", accept="application/dicom+xml")[0] == 406


def test_what_is_retrieved_is_what_was_stored(hospital, stored):
    first = stored[0]
    study, of, uid = first.StudyInstanceUID, first.SeriesInstanceUID, first.SOPInstanceUID
    back = hospital.client.retrieve_instance(study, of, uid)
    assert back == written(first) and back.PixelData == first.PixelData
    for several in (hospital.client.retrieve_study(study), hospital.client.retrieve_series(study, of)):
        assert {ds.SOPInstanceUID: ds.PixelData for ds in several} == {ds.SOPInstanceUID: ds.PixelData for ds in stored}
    (frame,) = hospital.client.retrieve_instance_frames(study, of, uid, [1])
    assert frame == first.PixelData
    metadata = [pydicom.Dataset.from_json(one) for one in hospital.client.retrieve_study_metadata(study)]
    assert {ds.SOPInstanceUID for ds in metadata} == {ds.SOPInstanceUID for ds in stored}
    (told,) = [ds for ds in metadata if ds.SOPInstanceUID == uid]
    assert "PixelData" not in told or not told.PixelData
    for element in first:
        if element.tag != 0x7FE00010 and element.VR != "SQ":
            assert str(told[element.tag].value) == str(element.value), element
    raw = json.loads(hospital.ask("GET", f"/studies/{study}/series/{of}/instances/{uid}/metadata")[2])
    address = raw[0]["7FE00010"]["BulkDataURI"]
    assert hospital.client.retrieve_bulkdata(address)[0] == first.PixelData
    status, headers, picture = hospital.ask(
        "GET", f"/studies/{study}/series/{of}/instances/{uid}/rendered?window=2000,4000,linear"
    )
    assert status == 200 and headers["Content-Type"] == "image/png" and picture[:4] == b"\x89PNG"


def test_encodings_are_negotiated(hospital):
    (implicit,) = series(1, patient="WEB-2")
    implicit.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    (compressed,) = series(1, patient="WEB-3")
    compressed.compress(JPEG2000Lossless)
    assert len(hospital.client.store_instances([implicit, compressed]).ReferencedSOPSequence) == 2

    def path(ds):
        return f"/studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}/instances/{ds.SOPInstanceUID}"

    def first_part(body):
        head, _, rest = body.partition(b"\r\n\r\n")
        boundary = head.split(b"\r\n")[0]
        return head.decode(), rest.partition(b"\r\n" + boundary)[0]

    dicom = 'multipart/related; type="application/dicom"'
    _, _, body = hospital.ask("GET", path(implicit), accept=dicom)
    made = pydicom.dcmread(io.BytesIO(first_part(body)[1]))
    assert made.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian and made.PixelData == implicit.PixelData
    _, _, body = hospital.ask("GET", path(implicit), accept=f"{dicom}; transfer-syntax=*")
    assert pydicom.dcmread(io.BytesIO(first_part(body)[1])).file_meta.TransferSyntaxUID == ImplicitVRLittleEndian

    status, _, reason = hospital.ask("GET", path(compressed), accept=dicom)
    assert status == 406 and JPEG2000Lossless in reason.decode()
    status, _, body = hospital.ask("GET", path(compressed), accept=f"{dicom}; transfer-syntax=*")
    assert status == 200 and pydicom.dcmread(io.BytesIO(first_part(body)[1])).PixelData == compressed.PixelData
    (stream,) = list(pydicom.encaps.generate_frames(compressed.PixelData, number_of_frames=1))
    frame = path(compressed) + "/frames/1"
    status, _, body = hospital.ask(
        "GET", frame, accept="multipart/related; type=application/octet-stream; transfer-syntax=*"
    )
    head, part = first_part(body)
    assert status == 200 and part.rstrip(b"\0") == stream.rstrip(b"\0") and f"transfer-syntax={JPEG2000Lossless}" in head
    assert first_part(hospital.ask("GET", frame, accept="multipart/related; type=image/jp2")[2])[1] == part
    assert hospital.ask("GET", frame, accept="multipart/related; type=application/octet-stream")[0] == 406
    assert hospital.ask("GET", path(implicit) + "/frames/1", accept="application/octet-stream")[2] == implicit.PixelData
    assert hospital.ask("GET", path(implicit) + "/frames/2")[0] == 404
    assert hospital.ask("GET", path(implicit) + "/frames/0")[0] == 400
    assert hospital.ask("GET", "/studies/1.2.3.4")[0] == 404
    assert hospital.ask("GET", "/studies/../etc")[0] in (400, 404)


def test_who_may_not_is_refused(hospital, stored):
    study = f"/studies/{stored[0].StudyInstanceUID}"
    assert hospital.ask("GET", study, token="tocsin_nothing")[0] == 401
    assert hospital.ask("GET", study, token=hospital.tokens["governance"])[0] == 403
    body = multipart(b"whatever")
    assert hospital.ask("GET", study, token=hospital.tokens["stroke_team"])[0] == 200
    kind = 'multipart/related; type="application/dicom"; boundary=b'
    assert hospital.ask("POST", "/studies", body, token=hospital.tokens["stroke_team"], Content_Type=kind)[0] == 403


def test_bad_bodies_cost_themselves(hospital, stored):
    good = bytes_of(series(1, patient="WEB-4")[0])
    kind = 'multipart/related; type="application/dicom"; boundary=b'
    small = multipart(b"not dicom")
    assert hospital.stow(small, kind="application/dicom")[0] == 415
    assert hospital.stow(small, kind=kind.replace("dicom", "dicom+json"))[0] == 415
    assert hospital.stow(small, kind='multipart/related; type="application/dicom"')[0] == 400
    assert hospital.stow(small, kind=kind.replace("=b", "=other"))[0] == 400
    assert hospital.stow(b"")[0] == 400
    assert hospital.stow(multipart())[0] == 400
    assert hospital.stow(multipart(good)[:-40])[0] == 400
    assert hospital.stow(b"--b\r\n" + b"X: y\r\n" * 3000)[0] == 400

    status, answer = hospital.stow(small)
    assert status == 409 and failures(answer, "0008119A") == [0xC000]
    status, answer = hospital.stow(multipart(good, b"not dicom", good[:-200]))
    assert status == 202 and failures(answer) == [0xC000] and failures(answer, "0008119A") == [0xC000]
    assert len(answer["00081199"]["Value"]) == 1
    other = generate_uid()
    status, answer = hospital.stow(multipart(good), path=f"/studies/{other}")
    assert status == 409 and failures(answer) == [0xA900]
    # Many parts are answered one by one, and one more than many ends it.
    status, answer = hospital.stow(multipart(*[b""] * 10_000))
    assert status == 409 and len(failures(answer, "0008119A")) == 10_000
    assert hospital.stow(multipart(*[b""] * 10_001))[0] == 413

    # A sender that hangs up in the middle of a part.
    body = multipart(good)
    with socket.create_connection(("127.0.0.1", hospital.service.http)) as connection:
        head = (
            f"POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {hospital.tokens['service']}\r\n"
            f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body[: len(body) // 2])
    assert hospital.client.search_for_studies(search_filters={"PatientID": "WEB-4"})


def test_other_bytes_under_a_known_uid_are_kept_apart(hospital, stored):
    changed = pydicom.dcmread(io.BytesIO(bytes_of(stored[0])))
    changed.SeriesDescription = "Changed"
    answer = hospital.client.store_instances([changed])
    assert len(answer.ReferencedSOPSequence) == 1
    assert len(hospital.service.quarantine(changed.SOPInstanceUID)) == 1


def test_orthanc_stores_to_us_by_dicomweb_and_dicom_and_takes_the_results_by_dicomweb(hospital):
    """The whole way: a radiograph from an archive, read, and the structured report back in that archive."""
    now = radiograph(23, "20251201", patient="WEB-9")
    (other,) = series(1, patient="WEB-10")
    ids = [post(hospital.orthanc, "/instances", bytes_of(ds))["ID"] for ds in (now, other)]
    post(hospital.orthanc, "/dicom-web/servers/tocsin/stow", json.dumps({"Resources": [ids[0]]}).encode())
    post(hospital.orthanc, "/modalities/tocsin/store", ids[1].encode())
    for ds in (now, other):
        row = until("the study", lambda: hospital.service.study(ds.StudyInstanceUID))
    (kept,) = hospital.service.instances(now.SOPInstanceUID)
    assert kept["calling_ae"] == "service-client"
    back = hospital.client.retrieve_instance(now.StudyInstanceUID, now.SeriesInstanceUID, now.SOPInstanceUID)
    assert back == written(now)

    row = hospital.service.study(now.StudyInstanceUID)
    study = row["study_id"]

    def sent():
        found = hospital.service.deliveries(study).get(("structured_report", "ORTHANC-WEB"))
        return found if found and found["state"] in ("confirmed", "refused") else None

    report = until("the report is delivered", sent, 60)
    assert report["state"] == "confirmed", report
    (uid,) = [r["object_uid"] for r in hospital.service.rows(
        "select object_uid from delivery where study_id = ? and kind = 'structured_report'", study
    )]
    there = hospital.orthanc.get(f"/instances/{hospital.orthanc.find(uid)}/file", raw=True)
    assert pydicom.dcmread(io.BytesIO(there)).Modality == "SR"


def test_orthanc_finds_and_fetches_here(hospital, stored):
    uid = stored[0].StudyInstanceUID
    asked = json.dumps({"Uri": "/studies", "Arguments": {"PatientID": "WEB-1"}}).encode()
    found = post(hospital.orthanc, "/dicom-web/servers/tocsin/get", asked)
    assert [study["0020000D"]["Value"] for study in found] == [[uid]]
    post(hospital.orthanc, "/dicom-web/servers/tocsin/retrieve", json.dumps({"Resources": [{"Study": uid}]}).encode())
    for ds in stored:
        assert hospital.orthanc.find(ds.SOPInstanceUID)


def test_the_connections_page_tries_it(hospital):
    (archive,) = [c for c in hospital.service.every("/api/v1/connections") if c["name"] == "ORTHANC-WEB"]
    assert archive["may_be_checked"] and archive["address"].endswith("/dicom-web")
    tried = hospital.service.post(f"/api/v1/connections/{archive['id']}/check")
    assert tried["good"], tried


def test_looks_are_on_the_audit_chain_and_questions_are_in_no_log(hospital, stored):
    name = urllib.parse.quote("Nobody^Secret")
    hospital.ask("GET", f"/studies?PatientName={name}&PatientID=SECRET-77")
    log = hospital.service.log.read_text()
    assert "SECRET" not in log and "Nobody" not in log and "Secret" not in log
    entries = hospital.service.rows("select action, actor from audit_entry where actor = 'service-client'")
    actions = {entry["action"] for entry in entries}
    assert {"study.search", "study.retrieve", "images.store"} <= actions, actions
    assert hospital.service.run("audit", "verify").returncode == 0


def post(orthanc, path, body):
    request = urllib.request.Request(f"http://127.0.0.1:{orthanc.http}{path}", data=body, method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or b"null")
