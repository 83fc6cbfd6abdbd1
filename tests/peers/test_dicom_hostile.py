"""What no sender should send: each is answered with a status or an abort and a line in the log, and harms nobody else."""
import socket
import struct
import threading
import zlib

import pytest

from objects import explicit, slice_of
from scu import CT, DEFLATED, EXPLICIT, VERIFICATION, IMPLICIT, Aborted, Association, command, echoes, store
from service import until

ROOT = "1.2.826.0.1.3680043.9.9999.5"
# What the service may hold while it is attacked; at rest it holds about 100 MB in a debug build.
MEMORY_MB = 400


@pytest.fixture
def unharmed(service):
    """Afterwards it answers, nothing panicked, and memory is bounded."""
    mark = service.lines()
    yield service
    assert service.alive()
    assert echoes(service.dicom)
    assert not service.logged('"message":"panic"', since=mark)
    assert service.peak_memory_mb() < MEMORY_MB


def refused(service, uid, data, syntax=EXPLICIT):
    """Stores and expects a refusal: its status and comment, and the line of the log."""
    mark = service.lines()
    answer = store(service.dicom, CT, f"{uid}.1.1", syntax, data)
    assert answer.status not in (0, None), answer
    assert answer.comment, answer
    assert not service.instances(f"{uid}.1.1")
    lines = until("a line in the log", lambda: service.logged("instance refused", since=mark))
    return answer, lines[-1]


def test_a_file_that_ends_in_the_middle_is_refused_and_told_where(unharmed):
    uid = f"{ROOT}.1"
    answer, line = refused(unharmed, uid, slice_of(uid)[:-20])
    assert "expected 20 more bytes" in line
    assert answer.comment.startswith("@")
    assert "(7fe0,0010)" in answer.comment


def test_sequences_nested_five_thousand_deep_are_refused(unharmed):
    uid = f"{ROOT}.2"
    opening = struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    closing = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    data = slice_of(uid, extra=opening * 5000 + closing * 5000)
    answer, line = refused(unharmed, uid, data)
    assert "deeper than 64" in line


def test_an_element_that_claims_four_gigabytes_is_refused(unharmed):
    uid = f"{ROOT}.3"
    claim = struct.pack("<HH2sHI", 0x0029, 0x1010, b"OB", 0, 0xFFFFFFF0)
    answer, line = refused(unharmed, uid, slice_of(uid, extra=claim))
    assert "more bytes" in line


def test_a_deflate_bomb_is_refused(unharmed):
    uid = f"{ROOT}.4"
    pack = zlib.compressobj(1, zlib.DEFLATED, -15)
    data = pack.compress(slice_of(uid, extra=struct.pack("<HH2sHI", 0x0029, 0x1010, b"OB", 0, 1 << 30)))
    zeros = b"\0" * (1 << 22)
    data += b"".join(pack.compress(zeros) for _ in range(256)) + pack.flush()
    assert len(data) < 8_000_000
    answer, line = refused(unharmed, uid, data, syntax=DEFLATED)
    assert "grows beyond" in line


def test_bytes_that_are_no_data_set_are_refused(unharmed):
    answer, _ = refused(unharmed, f"{ROOT}.5", bytes(range(256)) * 40)
    assert answer.status & 0xF000 == 0xC000


def test_another_uid_in_the_command_than_in_the_data_set_is_refused(unharmed):
    answer, _ = refused(unharmed, f"{ROOT}.6", slice_of(f"{ROOT}.61"))
    assert answer.status == 0xA900


def test_a_data_set_without_a_study_is_refused_and_told_so(unharmed):
    uid = f"{ROOT}.7"
    without = slice_of(uid).replace(explicit(0x0020, 0x000D, "UI", uid), b"")
    answer, _ = refused(unharmed, uid, without)
    assert "StudyInstanceUID" in answer.comment


def opened(service):
    return Association(service.dicom, [(VERIFICATION, [IMPLICIT]), (CT, [EXPLICIT])], timeout=10)


def ends(service, association, send, *texts):
    """After `send` the other side ends the association, and one line of the log holds all texts."""
    mark = service.lines()
    with association:
        try:
            send(association)
        except ConnectionError:
            pass
        with pytest.raises(Aborted):
            association.answer()
    until(
        f"a line with {texts}",
        lambda: [line for line in service.logged(texts[0], since=mark) if all(text in line for text in texts)],
    )


def test_a_pdu_with_a_lying_length_ends_the_association(unharmed):
    ends(unharmed, opened(unharmed), lambda a: a.send_pdu(4, b"\0" * 1_000_000, length=0xFFFFFFF0),
         "association broken", "not a PDU")


def test_a_fragment_that_is_longer_than_its_pdu_ends_the_association(unharmed):
    ends(unharmed, opened(unharmed), lambda a: a.send_pdu(4, struct.pack(">IBB", 1 << 30, 1, 3) + b"abcd"),
         "association broken")


def test_a_pdu_of_no_known_type_ends_the_association(unharmed):
    ends(unharmed, opened(unharmed), lambda a: a.send_pdu(0x99, b"abcd"), "association broken")


def test_a_data_set_without_a_command_ends_the_association(unharmed):
    ends(unharmed, opened(unharmed), lambda a: a.send_fragment(3, 2, b"\x08\0\x05\0\4\0\0\0abcd"),
         "association broken", "without its command")


def test_a_context_that_was_not_accepted_ends_the_association(unharmed):
    ends(unharmed, opened(unharmed), lambda a: a.send_command(77, command(0x30, VERIFICATION, data_set=False)),
         "association broken", "context 77")


def test_a_sender_that_vanishes_in_the_middle_leaves_nothing(unharmed):
    uid, mark = f"{ROOT}.8", unharmed.lines()
    association = opened(unharmed)
    association.send_command(3, command(1, CT, instance=f"{uid}.1.1"))
    association.send_fragment(3, 0, slice_of(uid)[:100])
    association.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    association.close()
    until("the broken association is logged", lambda: unharmed.logged("association broken", since=mark))
    assert not unharmed.instances(f"{uid}.1.1")


@pytest.mark.parametrize("noise", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", bytes(range(256)) * 16, b"\x01\x00", b"\x16\x03\x01\x02\x00"])
def test_garbage_instead_of_a_request_is_closed(unharmed, noise):
    mark = unharmed.lines()
    with socket.create_connection(("127.0.0.1", unharmed.dicom), 10) as connection:
        connection.sendall(noise)
        connection.shutdown(socket.SHUT_WR)
        try:
            while connection.recv(4096):
                pass
        except ConnectionError:
            pass
    until("a line in the log", lambda: unharmed.logged("DICOM: no association request", since=mark))


def test_idle_connections_are_closed_and_take_no_place_from_others(another):
    service = another(dicom={"read_timeout_seconds": 1, "idle_timeout_seconds": 1})
    silent = [socket.create_connection(("127.0.0.1", service.dicom), 15) for _ in range(10)]
    quiet = [opened(service) for _ in range(4)]
    assert echoes(service.dicom)
    for connection in silent:
        while connection.recv(4096):
            pass
    for association in quiet:
        with pytest.raises(Aborted):
            association.answer()
    until("each of them in the log", lambda: len(service.logged("association broken")) == 4)
    assert echoes(service.dicom)


def test_an_association_beside_a_malformed_one_goes_on(unharmed):
    uid, said = f"{ROOT}.9", []

    def sends():
        with Association(unharmed.dicom, [(CT, [EXPLICIT])]) as association:
            for number in range(1, 41):
                data = slice_of(uid, instance=number, study=uid)
                said.append(association.store(CT, f"{uid}.1.{number}", data).status)
            association.release()

    good = threading.Thread(target=sends)
    good.start()
    while good.is_alive():
        with opened(unharmed) as bad:
            bad.send_pdu(4, b"\xff" * 200)
            with pytest.raises(Aborted):
                bad.answer()
        refused(unharmed, f"{ROOT}.10", b"\xff" * 500)
    good.join()
    assert said == [0] * 40
    assert until("all images", lambda: (unharmed.study(uid) or {}).get("images") == 40)


def test_a_bad_image_does_not_end_the_association_of_the_good_ones(unharmed):
    uid = f"{ROOT}.11"
    with Association(unharmed.dicom, [(CT, [EXPLICIT])]) as association:
        first = association.store(CT, f"{uid}.1.1", slice_of(uid, instance=1))
        bad = association.store(CT, f"{uid}.1.2", slice_of(uid, instance=2)[:-9])
        last = association.store(CT, f"{uid}.1.3", slice_of(uid, instance=3))
        association.release()
    assert (first.status, last.status) == (0, 0) and bad.status != 0, (first, bad, last)
    assert unharmed.instances(f"{uid}.1.3") and not unharmed.instances(f"{uid}.1.2")
