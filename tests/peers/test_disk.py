"""A full disk, and a disk whose syncs fail: refused with a reason, nothing acknowledged is lost, and it goes on by itself."""
import contextlib
import os
import shutil
import signal
import subprocess
import time

import pytest

import hl7
import verdicts
from load import ONE_PERSON, Ledger
from mllp import Link, code_of
from phantoms import Template, synth
from rows import Rows
from senders import associate
from service import Service

OUT_OF_RESOURCES = 0xA700
RESUME_LIMIT_SECONDS = 10


@contextlib.contextmanager
def small_disk(folder, megabytes=64):
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("SKIPPED: a small disk needs root and the right to mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path, leave):
    """Fills a disk up to some bytes."""
    for size in (65536, 512):
        with contextlib.suppress(OSError), path.open("ab", buffering=0) as file:
            while shutil.disk_usage(path.parent).free > leave + size:
                file.write(bytes(size))


class Peers:
    """One message, one image: what each is answered now."""

    def __init__(self, service, template, folder):
        self.service, self.template, self.folder = service, template, folder
        self.ledger, self.number = Ledger(), 0

    def tell(self):
        self.number += 1
        control_id = f"D{self.number:05}"
        raw = hl7.visit(control_id, f"DISK{self.number:05}")
        self.ledger.sent(control_id, raw)
        answer = Link(self.service.hl7).send(raw)
        code = code_of(answer, control_id) if answer else None
        if code == "AA":
            self.ledger.acknowledged(control_id, raw)
        return code

    def store(self):
        self.number += 1
        study = self.template.study(self.folder / str(self.number), self.number)
        association = associate(self.service.dicom, "CT1")
        assert association.is_established
        statuses = []
        for image in study["images"]:
            status = association.send_c_store(image["path"])
            statuses.append(getattr(status, "Status", None))
            if statuses[-1] == 0:
                self.ledger.stored(study, image)
        association.release()
        return statuses

    def until_both_succeed(self, limit):
        began = time.monotonic()
        while time.monotonic() - began < limit:
            if self.tell() == "AA" and set(self.store()) == {0}:
                return time.monotonic() - began
            time.sleep(0.2)
        raise AssertionError(f"not resumed within {limit} s")


def peers_of(service, tmp_path, slices):
    files = synth(tmp_path / "phantom", "--finding", "none", "--seed", "4", "--matrix", "256", "--slice-mm", "5")
    return Peers(service, Template("any", files[:slices]), tmp_path / "studies")


def nothing_is_lost(service, peers):
    """Everything acknowledged is there, and what was put off is done."""
    rows, began = Rows(service.database), time.monotonic()
    while faults := verdicts.messages(rows, peers.ledger):
        assert time.monotonic() - began < 60, faults
        time.sleep(0.5)
    assert verdicts.instances(rows, peers.ledger, service.blobs) + verdicts.jobs(rows) == []


def test_a_full_disk_refuses_with_a_reason_and_goes_on_when_there_is_room(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        service = Service(
            tmp_path / "service",
            database={"url": f"sqlite://{disk}/data/tocsin.db"},
            storage={"url": f"file://{disk}/data/blobs", "min_free_mb": 8},
            alerts=ONE_PERSON,
        )
        try:
            service.start()
            peers = peers_of(service, tmp_path, 2)
            assert peers.tell() == "AA" and peers.store() == [0, 0]

            fill(disk / "filler", leave=7 << 20)
            assert peers.store() == [OUT_OF_RESOURCES] * 2, "below the reserve images are refused"
            assert peers.tell() == "AA", "and messages still have room"
            ready, said = service.ready()
            disk_check = next(check for check in said["checks"] if check["name"] == "disk")
            assert not ready and not disk_check["ok"] and "images are refused" in disk_check["detail"]

            fill(disk / "rest", leave=0)
            codes = [peers.tell() for _ in range(40)]
            assert "AE" in codes and set(codes) <= {"AA", "AE"}, codes
            assert set(peers.store()) == {OUT_OF_RESOURCES}
            assert service.alive()

            (disk / "filler").unlink()
            (disk / "rest").unlink(missing_ok=True)
            assert peers.until_both_succeed(RESUME_LIMIT_SECONDS) <= RESUME_LIMIT_SECONDS
            began = time.monotonic()
            while not service.ready()[0]:
                assert time.monotonic() - began < RESUME_LIMIT_SECONDS, service.ready()
                time.sleep(0.1)
            assert "disk" in service.log.read_text(), "the log says so"
            nothing_is_lost(service, peers)
            assert service.terminate()[0] == 0
        finally:
            service.end()


@contextlib.contextmanager
def failing_syncs(process_id):
    """fsync, fdatasync and syncfs of a process answer EIO and do nothing. strace reaches those that pass libc by, too."""
    if shutil.which("strace") is None:
        pytest.skip("SKIPPED: strace is not installed")
    command = [
        "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync,syncfs",
        "-e", "inject=fsync,fdatasync,syncfs:error=EIO", "-p", str(process_id),
    ]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE)
    began = time.monotonic()
    while "TracerPid:\t0\n" in open(f"/proc/{process_id}/status").read():
        if tracer.poll() is not None or time.monotonic() - began > 10:
            tracer.kill()
            pytest.skip(f"SKIPPED: strace may not attach here: {tracer.stderr.read()}")
        time.sleep(0.05)
    try:
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(20)


def test_nothing_is_acknowledged_after_a_failed_sync(tmp_path):
    service = Service(tmp_path / "service", alerts=ONE_PERSON)
    try:
        service.start()
        peers = peers_of(service, tmp_path, 3)
        assert peers.tell() == "AA" and set(peers.store()) == {0}
        with failing_syncs(service.process.pid):
            codes = [peers.tell() for _ in range(5)]
            statuses = peers.store()
        assert "AA" not in codes and set(codes) == {"AE"}, codes
        assert set(statuses) == {OUT_OF_RESOURCES}, statuses
        assert service.alive()
        assert peers.until_both_succeed(RESUME_LIMIT_SECONDS) <= RESUME_LIMIT_SECONDS
        nothing_is_lost(service, peers)
        assert service.terminate()[0] == 0
    finally:
        service.end()
