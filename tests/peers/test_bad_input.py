"""Wrong configurations, wrong files, wrong bytes: a clear word about what and where, and the rest keeps running."""
import hashlib
import shutil
import socket
from pathlib import Path

import pytest

import hl7
from configuration import configuration, toml
from hospital import Phantom
from mllp import Client, acknowledgement
from neighbours import free_ports
from objects import File, slice_of
from scu import CT, EXPLICIT, Association, echoes, store
from service import REPOSITORY, run, until


def checked(folder, text=None, **sections):
    """What `tocsin check` says of a configuration."""
    path = Path(folder) / "tocsin.toml"
    path.write_text(text if text is not None else toml(configuration(**sections)))
    return run("check", "--config", path)


def libc():
    """A shared library that is not ONNX Runtime."""
    maps = Path("/proc/self/maps").read_text().split()
    return next(word for word in maps if "/libc.so" in word or "/libc-" in word or "/ld-musl" in word)


@pytest.mark.parametrize(
    "noise",
    [b"\x16\x03\x01\x02\x00\x01" + b"\xff" * 600, b"\0" * 5000, b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\n\r\n",
     b"POST /a/x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
     b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5000 + b"\r\n"],
)
def test_garbage_on_the_http_port_harms_nobody(service, noise):
    mark = service.lines()
    with socket.create_connection(("127.0.0.1", service.http), 20) as connection:
        try:
            connection.sendall(noise)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(65536)
        except ConnectionError:
            answer = b""
    assert not answer.startswith(b"HTTP/1.1 2"), answer[:200]
    assert service.get("/healthz", raw=True)[0] == 200
    assert not service.logged('"message":"panic"', since=mark)


@pytest.mark.parametrize("path", ["/api/v1/worklist", "/api/v1/messages", "/api/v1/alerts", "/", "/nothing"])
def test_nothing_is_shown_without_a_token(service, path):
    status, text = service.get(path, token=False, raw=True, headers={"Accept": "application/json"})
    assert status in (401, 403, 404) or "sign" in text.lower(), (status, text[:200])
    assert "study_id" not in text


def test_a_library_that_is_not_onnx_runtime_costs_the_analysis_and_nothing_else(another, tmp_path):
    wrong = checked(tmp_path, inference={"library": libc()})
    assert wrong.returncode == 1
    assert "does not export OrtGetApiBase" in wrong.stdout and libc() in wrong.stdout

    service = another(inference={"library": libc()})
    assert service.logged("does not export OrtGetApiBase")
    phantom = Phantom(tmp_path / "phantom", 3, "none", 0)
    with Association(service.dicom, [(CT, [EXPLICIT])]) as association:
        for path in sorted((phantom.folder / "dicom").glob("*.dcm")):
            file = File(path)
            assert association.store(file.sop_class, file.instance, file.data_set).status == 0
        association.release()
    said = service.ai(phantom.study, ["failed"])
    assert "OrtGetApiBase" in said["reason"], said
    with Client(service.hl7) as client:
        assert acknowledgement(client.send(hl7.message("ADT^A08", "EVN|A08", hl7.pid("L1"))))[0] == "AA"
    assert service.study(phantom.study)["band"]


def outside(folder):
    """A package whose network keeps its weights in another file."""
    package = folder / "models" / "outside"
    package.mkdir(parents=True)
    data = REPOSITORY / "tests" / "data" / "models"
    shutil.copy(data / "outside" / "model.onnx", package)
    digest = hashlib.sha256((package / "model.onnx").read_bytes()).hexdigest()
    manifest = (data / "bright" / "manifest.toml").read_text().replace("NAME", "outside").replace("HASH", digest)
    (package / "manifest.toml").write_text(manifest)
    return package.parent


def test_a_model_with_weights_outside_its_file_is_refused(another, tmp_path):
    models = outside(tmp_path)
    for said in (run("models", "verify", models), checked(tmp_path, inference={"models": models, "only": None})):
        assert said.returncode == 1, said.stdout
        assert "external" in said.stdout and "outside" in said.stdout, said.stdout
    service = another(inference={"models": models, "only": None})
    line = until("a line in the log", lambda: service.logged("external"))[0]
    assert "outside" in line
    assert echoes(service.dicom)


def rules_with(folder, change):
    """The shipped rules with one mistake in them."""
    rules = folder / "rules"
    shutil.copytree(REPOSITORY / "rules", rules)
    path = rules / "head-ct" / "ich-large.yaml"
    path.write_text(change(path.read_text()))
    return rules


def test_a_rule_that_names_an_unknown_fact_is_named_with_its_place(another, tmp_path):
    rules = rules_with(tmp_path, lambda text: text.replace("ai.ich.flagged", "ai.ich.flaged", 1))
    said = checked(tmp_path, rules={"dir": rules})
    assert said.returncode == 1
    (wrong,) = [line for line in said.stdout.splitlines() if line.startswith("wrong")]
    for word in ("head-ct/ich-large.yaml", "when", "ai.ich.flaged", "did you mean"):
        assert word in wrong, wrong
    tested = run("rules", "test", rules)
    assert tested.returncode == 1 and "ai.ich.flaged" in tested.stdout + tested.stderr

    service = another(rules={"dir": rules})
    assert service.logged("this rule pack is faulty") and service.logged("ai.ich.flaged")
    uid = "1.2.826.0.1.3680043.9.9999.8.1"
    assert store(service.dicom, CT, f"{uid}.1.1", EXPLICIT, slice_of(uid)).status == 0
    until("the study", lambda: service.study(uid))


def test_a_rule_that_is_no_yaml_is_named_with_its_line(tmp_path):
    rules = rules_with(tmp_path, lambda text: text + "\nmore: [")
    said = checked(tmp_path, rules={"dir": rules})
    assert said.returncode == 1
    assert "head-ct/ich-large.yaml" in said.stdout and "line" in said.stdout, said.stdout


SMALL = toml(configuration())


@pytest.mark.parametrize(
    "text, words",
    [
        (SMALL.replace("ae_title = ", "ae_tittle = "), ["dicom.ae_tittle", "tocsin.toml:", "did you mean ae_title"]),
        (SMALL.replace('"TOCSIN"', '"A TITLE THAT IS TOO LONG"'), ["dicom.ae_title", "tocsin.toml:", "16"]),
        (SMALL.replace("Europe/Berlin", "Europe/Atlantis"), ["site.time_zone", "tocsin.toml:", "Europe/"]),
        (SMALL.replace("sqlite://", "mysql://"), ["database.url", "tocsin.toml:", "sqlite://", "postgres://"]),
        (SMALL.replace('accept = "loopback"', 'accept = "everyone"', 1), ["dicom.accept", "tocsin.toml:", "peers"]),
        (SMALL.replace('"127.0.0.1:0"', '"localhost"', 1), ["http.listen", "tocsin.toml:", "127.0.0.1:8080"]),
        (SMALL.replace('"127.0.0.1:0"', '"0.0.0.0:8080"', 1), ["http.public_url", "https://"]),
        (SMALL.replace("capture_dir", "capture"), ["alerts.capture", "tocsin.toml:"]),
        (SMALL + "[ris]\nenabled = true\n", ["ris.host", "expected"]),
        (SMALL + "[[[\n", ["tocsin.toml:", "TOML"]),
    ],
)
def test_a_wrong_key_is_named_with_its_place_and_what_is_expected(tmp_path, text, words):
    for command in ("check", "serve"):
        (tmp_path / "tocsin.toml").write_text(text)
        said = run(command, "--config", tmp_path / "tocsin.toml", timeout=30)
        assert said.returncode == 1, said.stdout
        for word in words:
            assert word in said.stderr, (word, said.stderr)


def test_a_key_of_the_environment_is_named_by_its_variable(tmp_path):
    (tmp_path / "tocsin.toml").write_text(SMALL)
    said = run("check", "--config", tmp_path / "tocsin.toml", env={"TOCSIN__DICOM__AE_TITLE": "X" * 20})
    assert said.returncode == 1
    assert "dicom.ae_title" in said.stderr and "TOCSIN__DICOM__AE_TITLE" in said.stderr


def test_a_missing_file_and_a_wrong_command_are_told_apart(tmp_path):
    missing = run("serve", "--config", tmp_path / "nowhere.toml")
    assert missing.returncode == 1 and "nowhere.toml" in missing.stderr
    assert run("serve", "--nonsense").returncode == 2


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", *free_ports(1))) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        (tmp_path / "tocsin.toml").write_text(toml(configuration(dicom={"listen": address})))
        said = run("serve", "--config", tmp_path / "tocsin.toml", timeout=30)
    assert said.returncode == 1
    assert address in said.stderr and "DICOM" in said.stderr


def test_the_smallest_configuration_is_right(tmp_path):
    said = checked(tmp_path)
    assert said.returncode == 0, said.stdout + said.stderr
    for word in ("model ich", "rules head-ct", "ONNX Runtime"):
        assert word in said.stdout, said.stdout
