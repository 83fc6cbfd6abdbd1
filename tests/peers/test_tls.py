"""HL7 and DICOM under TLS, with OpenSSL on the other side: dcmtk, Python. Each side shows a certificate that the other checks."""
import shutil
import socket
import ssl

import pytest

import hl7
from certificates import Authority
from hospital import Hospital
from mllp import END, START, Client, acknowledgement
from neighbours import Ris, Storescp, free_ports
from phantoms import synth
from senders import dcmtk
from service import run, until


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("stranger"), "nobody")


@pytest.fixture
def secured(another, authority, tmp_path):
    """A service without models that listens under TLS too; with the ports that it does so on."""
    hl7_port, dicom_port = free_ports(2)
    (tmp_path / "models").mkdir()
    service = another(
        tls=authority.section(),
        hl7={"listen_tls": f"127.0.0.1:{hl7_port}"},
        dicom={"listen_tls": f"127.0.0.1:{dicom_port}"},
        inference={"models": tmp_path / "models"},
    )
    service.hl7_tls, service.dicom_tls = hl7_port, dicom_port
    return service


class SecureClient(Client):
    def __init__(self, port, context):
        super().__init__(port)
        self.socket = context.wrap_socket(self.socket, server_hostname="127.0.0.1")


def told(port, context):
    """The code of the answer to a message; None when there was no conversation."""
    message = hl7.message("ADT^A08", "EVN|A08", hl7.pid("TLS1"))
    try:
        with SecureClient(port, context) as client:
            answer = client.send(message)
    except (ssl.SSLError, ConnectionError):
        return None
    return answer and acknowledgement(answer)[0]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_hl7_is_taken_from_who_shows_a_certificate_and_from_nobody_else(secured, authority, stranger):
    assert told(secured.hl7_tls, authority.client("ris")) == "AA"
    assert told(secured.hl7_tls, authority.client()) is None, "without a certificate"
    unknown = authority.client()
    unknown.load_cert_chain(*stranger.sign("ris"))
    assert told(secured.hl7_tls, unknown) is None, "of another authority"
    old = authority.client("old")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    assert told(secured.hl7_tls, old) is None, "TLS 1.1"
    with Client(secured.hl7_tls) as plain:
        plain.write(START + hl7.message("ADT^A08", "EVN|A08", hl7.pid("TLS2")) + END)
        said = plain.socket.recv(64)
        assert START not in said, "a message in plain text is not answered by one"
    assert told(secured.hl7_tls, authority.client("ris2")) == "AA"
    assert secured.logged("MLLP: no TLS"), "each of them is in the log"


def test_who_does_not_finish_a_handshake_keeps_nobody_out(secured, authority):
    waiting = [socket.create_connection(("127.0.0.1", secured.hl7_tls)) for _ in range(8)]
    assert told(secured.hl7_tls, authority.client("ris")) == "AA"
    for one in waiting:
        one.close()


def storescu(port, authority, name, files, trusted=None):
    certificate, key = authority.sign(name)
    return dcmtk("storescu", "+tls", key, certificate, "+cf", (trusted or authority).file, "-aec", "TOCSIN",
                 "127.0.0.1", port, *files)


def test_dcmtk_sends_images_under_tls(secured, authority, stranger, tmp_path):
    files = synth(tmp_path / "phantom", "--finding", "none", "--seed", 5, "--slice-mm", 10, "--matrix", 64)
    sent = storescu(secured.dicom_tls, authority, "ct1", files)
    assert sent.returncode == 0, sent.stdout + sent.stderr
    assert secured.rows("select count(*) as n from instance")[0]["n"] == len(files) > 3
    refused = storescu(secured.dicom_tls, stranger, "ct1", files, trusted=authority)
    assert refused.returncode != 0
    assert dcmtk("echoscu", "-aec", "TOCSIN", "127.0.0.1", secured.dicom_tls, timeout=60).returncode != 0, "plain"
    assert dcmtk("echoscu", "-aec", "TOCSIN", "127.0.0.1", secured.dicom).returncode == 0, "the plain port is there too"


def test_results_go_out_under_tls(authority, tmp_path):
    certificate, key = authority.sign("archive")
    options = ("+xa", "+B", "+tls", str(key), str(certificate), "+cf", str(authority.file), "--require-peer-cert")

    def echo(port):
        mine = authority.sign("echo")
        return dcmtk("echoscu", "+tls", mine[1], mine[0], "+cf", authority.file, "-aec", "DCMTK", "127.0.0.1", port).returncode == 0

    archive = Storescp(tmp_path / "received", options, echo)
    peer = archive.peer() | {"tls": True}
    archive.peer = lambda: peer
    ris = Ris(tls=authority.server("ris"))
    hospital = Hospital(tmp_path, [archive], neighbour=ris, security=authority.section(), tls=True)
    try:
        phantom = hospital.phantom(7)
        hospital.order(phantom)
        hospital.scan(phantom)
        hospital.settled(phantom, "priority_change", "structured_report")
        assert ris.of_type("OMI^O23", phantom.accession)
        assert archive.files()
        connections = hospital.service.every("/api/v1/connections")
        out = {c["kind"]: c for c in connections if c["kind"].endswith("_out")}
        assert {kind: (c["tls"], c["state"]) for kind, c in out.items()} == {
            "hl7_out": (True, "working"), "dicom_out": (True, "working")
        }
        for one in out.values():
            tried = hospital.service.post(f"/api/v1/connections/{one['id']}/check")
            assert tried["good"], tried
        archive.stop()
        failed = hospital.service.post(f"/api/v1/connections/{out['dicom_out']['id']}/check")
        assert not failed["good"] and "cannot connect" in failed["answer"], failed
    finally:
        hospital.close()
        archive.stop()


def test_a_renewed_certificate_is_used_without_a_restart(secured, authority):
    def serial():
        with socket.create_connection(("127.0.0.1", secured.hl7_tls)) as plain:
            with authority.client("reader").wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                return secure.getpeercert()["serialNumber"]

    before = serial()
    section = secured.sections["tls"]
    shutil.copy(section["key_file"], section["key_file"].with_suffix(".kept"))
    section["key_file"].write_text("half of a")
    assert serial() == before, "what cannot be read is not used"
    authority.sign("tocsin")
    assert serial() != before


def test_check_says_what_is_wrong_with_the_files_and_when_it_ends(another, authority, stranger):
    service = another(start=False, tls=authority.section("checked"))
    good = run("check", "--config", service.config)
    assert "our certificate" in good.stdout and "until" in good.stdout, good.stdout
    service.sections["tls"]["key_file"].write_bytes(stranger.sign("other")[1].read_bytes())
    wrong = run("check", "--config", service.config)
    assert wrong.returncode != 0 and "the certificate and its key cannot be used" in wrong.stdout, wrong.stdout
