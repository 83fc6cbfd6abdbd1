"""Messages in, from a client in Python: each is answered by the rules, none is lost, and hl7apy reads our answers."""
import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.exceptions import HL7apyException, MaxLengthReached
from hl7apy.parser import parse_message, parse_segment

import hl7
from hospital import number
from mllp import END, START, Client, acknowledgement, segments
from objects import explicit, slice_of
from scu import CT, EXPLICIT, store
from service import until

ROOT = "1.2.826.0.1.3680043.9.9999.6"
REAL = hl7.real()
# hl7apy knows no later version.
HL7APY = {"2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8", "2.8.1", "2.8.2"}


def stored(service, message):
    """The row of these bytes, and what the API lists of it."""
    control = hl7.Header(message).control
    rows = service.rows("select * from message where direction = 'in' and control_id = ?", control)
    row = next((row for row in rows if bytes(row["raw"]) == message), None)
    listed = [m for m in service.every("/api/v1/messages", q=control) if row and m["id"] == row["id"]]
    return row, listed[0] if listed else None


def send(service, message):
    """The answer; None when the connection was closed instead."""
    with Client(service.hl7) as client:
        return client.send(message)


def told_nothing(service, message):
    """A sender that wants no answer gets none: the next answer on the connection is that to the next message."""
    following = hl7.message("ADT^A08", "EVN|A08", hl7.pid("AFTER"))
    with Client(service.hl7) as client:
        client.write(START + message + END)
        code, control, _ = acknowledgement(client.send(following))
    return (code, control) == ("AA", hl7.Header(following).control)


def codes(header):
    """The codes that the rules allow: decisions about versions, processing ids, control ids and use."""
    if header.version not in hl7.VERSIONS and header.version:
        return {"AR"}
    if header.processing not in ("P", "T", "D", "") and header.version:
        return {"AR"}
    if not header.control or not header.version or not header.kind:
        return {"AE"}
    # What is used may lack what it needs; what is not used needs nothing.
    return {"AA", "AE"} if header.is_used() else {"AA"}


def asked_level(header, code):
    """Enhanced mode: who answers, and whether at all (HL7 chapter 2.9.3)."""
    good = code == "AA"
    wants = {"AL": True, "NE": False, "ER": not good, "SU": good}
    if header.accept not in wants and header.application not in wants:
        return code
    if wants.get(header.accept):
        return "C" + code[1]
    return code if wants.get(header.application) else None


def check(service, message):
    """One message from sending to finding it again; what was answered."""
    code = check_answer(service, message)
    check_kept(code, message, *stored(service, message))
    return code


def check_kept(code, message, row, listed):
    header = hl7.Header(message)
    if code[1] == "A" and header.control:
        assert row and listed, "answered with success and not found"
        assert listed["state"] in ("received", "applied", "ignored", "failed")
        if not header.is_used():
            assert listed["state"] == "ignored"


def check_answer(service, message):
    """What was answered, by the rules."""
    header = hl7.Header(message)
    if not header.is_hl7:
        assert send(service, message) is None
        return "closed"
    allowed = {asked_level(header, code) for code in codes(header)}
    if allowed == {None}:
        assert told_nothing(service, message), "an answer that nobody asked for"
        code = "-A"
    else:
        answer = send(service, message)
        assert answer is not None, f"no answer, expected one of {allowed}"
        code, control, text = acknowledgement(answer)
        assert code in allowed, f"{code} {text}, expected one of {allowed}"
        assert control == header.control
        read_by_hl7apy(answer)
        if code[1] != "A":
            assert "ERR" in segments(answer), answer
    return code


def read_by_hl7apy(answer):
    version, control = segments(answer)["MSH"][11], segments(answer)["MSA"][2]
    text = answer.decode("utf-8", "replace")
    if version not in HL7APY:
        return
    # Without a control id there is none to give back, which MSA-2 would need; before 2.5 it knows no structure of ACK.
    strict = control and version in ("2.5", "2.5.1", "2.6")
    level = VALIDATION_LEVEL.STRICT if strict else VALIDATION_LEVEL.TOLERANT
    try:
        parsed = parse_message(text, validation_level=level)
        if strict:
            parsed.validate()
    except MaxLengthReached:
        # The sender's own addresses are longer than the version allows; they are given back as they came.
        for line in text.split("\r")[1:-1]:
            parse_segment(line, version=version)
        return
    assert parsed.msa.msa_1.to_er7() in ("AA", "AE", "AR", "CA", "CE", "CR") and parsed.msh.msh_12.to_er7() == version


def test_every_real_message_is_answered_by_the_rules_and_none_is_lost(service):
    if not REAL:
        pytest.skip("the shared data is not here")
    faults, said = {}, {}
    for name, message in REAL.items():
        try:
            said[name] = check_answer(service, message)
        except (AssertionError, HL7apyException) as error:
            faults[name] = f"{type(error).__name__} {error}".splitlines()[0]
    listed = {m["id"]: m for m in service.every("/api/v1/messages")}
    rows = {bytes(row["raw"]): row for row in service.rows("select * from message where direction = 'in'")}
    for name, code in said.items():
        try:
            row = rows.get(REAL[name])
            check_kept(code, REAL[name], row, row and listed.get(row["id"]))
        except AssertionError as error:
            faults[name] = str(error).splitlines()[0]
    tally = {code: list(said.values()).count(code) for code in sorted(set(said.values()))}
    print(f"{len(REAL)} real messages: {tally}")
    print({name: code for name, code in said.items() if code in ("AE", "AR", "CE", "CR", "closed")})
    assert not faults, "\n".join(f"{name}: {fault}" for name, fault in faults.items())


def test_every_sample_is_taken(service):
    for name, message in hl7.samples().items():
        assert check(service, message) == "AA", name


@pytest.mark.parametrize(
    "what, message, code",
    [
        ("a version that nobody speaks", hl7.message("ADT^A08", hl7.pid("R1"), version="9.9"), "AR"),
        ("a processing id that is not taken", hl7.message("ADT^A08", hl7.pid("R1"), processing="X"), "AR"),
        ("an order that says not what to do", hl7.message("ORM^O01", hl7.pid("R1"), "ORC||1|2", "OBR|1|1|2|X"), "AE"),
        ("an order without ORC", hl7.message("ORM^O01", hl7.pid("R1")), "AE"),
        ("a patient without an identifier", hl7.message("ADT^A08", "EVN|A08", "PID|1"), "AE"),
        ("a merge without the number that goes", hl7.message("ADT^A40", "EVN|A40", hl7.pid("R1")), "AE"),
        ("a character set that is not known", hl7.message("ADT^A08", hl7.pid("R1"), charset="KLINGON"), "AE"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(service, what, message, code):
    answer = send(service, message)
    said, control, text = acknowledgement(answer)
    assert (said, control) == (code, hl7.Header(message).control), what
    assert text, f"{what}: no word in MSA-3"
    assert segments(answer)["ERR"][2], f"{what}: no place in ERR-2"
    read_by_hl7apy(answer)


def test_a_message_without_a_control_id_is_refused_and_not_kept(service):
    before = service.rows("select count(*) as n from message")
    answer = send(service, hl7.message("ADT^A08", hl7.pid("R2")).replace(b"|PEER", b"||PEER", 1))
    assert acknowledgement(answer)[0] == "AE"
    assert service.rows("select count(*) as n from message") == before


def test_a_resend_gets_the_same_answer_and_has_one_effect(service):
    message = hl7.order("ACC-RESEND", "P-RESEND")
    first = send(service, message)
    assert [send(service, message) for _ in range(3)] == [first] * 3
    assert len(service.rows("select id from message where control_id = ?", hl7.Header(message).control)) == 1
    until("the order", lambda: len(service.rows("select id from imaging_order where accession = 'ACC-RESEND'")) == 1)


def test_a_control_id_that_comes_again_with_another_message_is_taken_and_flagged(service):
    one, other = (hl7.message("ADT^A08", "EVN|A08", hl7.pid(number), control_id="TWICE") for number in ("F1", "F2"))
    assert [acknowledgement(send(service, m))[0] for m in (one, other)] == ["AA", "AA"]
    flagged = [m["flagged"] for m in service.every("/api/v1/messages", q="TWICE")]
    assert flagged == [True, False]


def test_pipelined_messages_are_answered_in_their_order(service):
    messages = [hl7.message("ADT^A08", "EVN|A08", hl7.pid(f"L{n}")) for n in range(50)]
    with Client(service.hl7) as client:
        client.write(b"".join(START + m + END for m in messages))
        answers = [acknowledgement(client.answer()) for _ in messages]
    assert answers == [("AA", hl7.Header(m).control, "") for m in messages]
    assert all(all(stored(service, m)) for m in messages)


def test_a_frame_may_be_cut_at_any_byte(service):
    message = hl7.message("ADT^A08", "EVN|A08", hl7.pid("CUT", name="MÜSTER^MAX"))
    frame = START + message + END
    with Client(service.hl7) as client:
        first = client.send(message)
        for at in range(1, len(frame)):
            client.write(frame[:at])
            client.write(frame[at:])
            assert client.answer() == first, at
        for byte in frame:
            client.write(bytes([byte]))
        assert client.answer() == first


def test_garbage_on_the_port_is_closed_and_harms_nobody(service):
    mark = service.lines()
    for noise in (b"GET / HTTP/1.1\r\n\r\n" * 400, bytes(b for b in range(256) if b != 0x0B) * 40, b"\x0bno message\x1c\r"):
        with Client(service.hl7) as client:
            try:
                client.write(noise)
            except ConnectionError:
                pass
            assert client.answer() is None
    until("three lines in the log", lambda: len(service.logged("MLLP connection closed", since=mark)) == 3)
    assert acknowledgement(send(service, hl7.message("ADT^A08", "EVN|A08", hl7.pid("G1"))))[0] == "AA"


def test_a_message_that_is_too_long_is_closed_and_not_kept(service):
    message = hl7.message("ADT^A08", "EVN|A08", hl7.pid("BIG"), "NTE|1||" + "x" * (6 << 20))
    mark = service.lines()
    with Client(service.hl7) as client:
        try:
            client.write(START + message + END)
        except ConnectionError:
            pass
        assert client.answer() is None
    until("a line in the log", lambda: service.logged("longer than", since=mark))
    assert stored(service, message) == (None, None)


@pytest.mark.parametrize(
    "charset, encoding, name",
    [
        ("UNICODE UTF-8", "utf-8", "MÜLLER-ŁUKASIEWICZ^ZOË"),
        ("8859/1", "latin-1", "MÜLLER^ZOË"),
        ("8859/2", "iso8859-2", "ŁUKASIEWICZ^ŻANETA"),
        ("8859/5", "iso8859-5", "ИВАНОВ^ПЁТР"),
        ("8859/15", "iso8859-15", "ŒUVRE^ŠIMON"),
        ("ASCII", "ascii", "MUELLER^ZOE"),
        ("", "latin-1", "MÜLLER^ZOË"),
        ("", "utf-8", "MÜLLER^ZOË"),
    ],
)
def test_a_name_arrives_in_each_character_set(service, charset, encoding, name):
    patient = f"C{number(charset + encoding)}"
    message = hl7.message("ADT^A08", "EVN|A08", hl7.pid(patient, name=name), charset=charset, encoding=encoding)
    answer = send(service, message)
    assert acknowledgement(answer)[0] == "AA", answer
    assert stored(service, message)[0]
    kept = until("the patient", lambda: service.rows("select name from patient where identifier = ?", patient))
    assert kept[0]["name"] == name


def order_of(service, accession):
    """The state of the order, once it is there."""
    rows = service.rows("select state from imaging_order where accession = ?", accession)
    return rows[0]["state"] if rows else None


def test_a_cancelled_order_is_cancelled(service):
    assert acknowledgement(send(service, hl7.order("ACC-CA", "P-CA")))[0] == "AA"
    placed = until("the order", lambda: order_of(service, "ACC-CA"))
    assert placed != "cancelled"
    assert acknowledgement(send(service, hl7.order("ACC-CA", "P-CA", control="CA", status="CA")))[0] == "AA"
    until("its cancellation", lambda: order_of(service, "ACC-CA") == "cancelled")


def image(service, uid, accession, patient):
    head = explicit(0x0008, 0x0050, "SH", accession)
    modality = explicit(0x0008, 0x0060, "CS", "CT")
    data = slice_of(uid, patient=patient).replace(modality, head + modality)
    assert store(service.dicom, CT, f"{uid}.1.1", EXPLICIT, data).status == 0


def linked(service, uid, state):
    return until(f"{uid} is {state}", lambda: (s := service.study(uid)) and s["link"] == state and s)


def test_an_order_that_comes_after_its_images_finds_them(service):
    uid = f"{ROOT}.1"
    image(service, uid, "ACC-LATE", "P-LATE")
    linked(service, uid, "unmatched")
    send(service, hl7.order("ACC-LATE", "P-LATE", priority="S"))
    study = linked(service, uid, "linked")
    until("its priority", lambda: service.study(uid)["band"] == "critical")
    assert study["accession"] == "ACC-LATE"


def test_an_order_of_another_patient_is_a_conflict_and_a_merge_resolves_it(service):
    uid = f"{ROOT}.2"
    send(service, hl7.order("ACC-MERGE", "P-NEW"))
    until("the order", lambda: order_of(service, "ACC-MERGE"))
    image(service, uid, "ACC-MERGE", "P-OLD")
    study = linked(service, uid, "conflict")
    assert service.get(f"/api/v1/studies/{study['study_id']}")["link_detail"]
    assert acknowledgement(send(service, hl7.merge("P-OLD", "P-NEW")))[0] == "AA"
    linked(service, uid, "linked")
