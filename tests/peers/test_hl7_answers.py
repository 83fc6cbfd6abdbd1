"""The second answer of enhanced mode, in both directions of travel: to a listener of the sender, or back on its connection; and
python-hl7 and hl7apy as those who send, receive and read."""
import json
import subprocess
import sys
from pathlib import Path

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message, parse_segment

import hl7
from mllp import END, START, Client, acknowledgement, segments
from neighbours import Ris, free_ports
from service import until

TALK = Path(__file__).parent / "python_hl7/talk.py"


def profile(folder):
    """The default one, which answers orders with the response of their kind."""
    text = (Path(__file__).resolve().parents[2] / "integrations/sites/default-251.toml").read_text()
    path = Path(folder) / "orders.toml"
    path.write_text(text.replace('order_answer = "ACK"', 'order_answer = "order"'))
    return str(path)


def configured(port=None, **more):
    """One sender that is owed second answers: at this port, or on its own connection."""
    answers = {"to": "listener", "host": "127.0.0.1", "port": port} if port else {"to": "same-connection"}
    peer = {"name": "orders", "host": "127.0.0.1", "application": "RIS", "application_answers": answers, **more}
    return {"listen": "127.0.0.1:0", "accept": "loopback", "default_authority": "GH", "peers": [peer]}


def asking(message, accept="AL", application="AL"):
    """The same message in enhanced mode."""
    fields = message.split(b"\r")[0].split(b"|")
    fields += [b""] * (18 - len(fields))
    fields[14], fields[15] = accept.encode(), application.encode()
    return b"\r".join([b"|".join(fields), *message.split(b"\r")[1:]])


def omi(number, control="NW"):
    return hl7.message(
        "OMI^O23^OMI_O23", hl7.pid(f"E{number}"), f"ORC|{control}|P{number}^CIS|F{number}^RIS||SC",
        f"OBR|1|P{number}^CIS|F{number}^RIS|CTHEAD^CT HEAD^L",
        f"IPC|E{number}^GH|RP{number}^RIS|1.2.826.0.1.3680043.9.9999.77.{number}|SPS{number}^RIS",
    )


def strictly(message):
    parsed = parse_message(message.decode(), validation_level=VALIDATION_LEVEL.STRICT)
    parsed.validate()
    return parsed


def states(service):
    return [row["state"] for row in service.rows("select state from application_answer order by created_at")]


def test_the_application_answers_at_the_senders_listener_in_the_order_of_the_messages(another, tmp_path):
    ris = Ris()
    ris.code = "CA"
    service = another(hl7=configured(ris.port, profile=profile(tmp_path)))
    messages = [asking(omi(number)) for number in range(1, 6)]
    with Client(service.hl7) as client:
        codes = [acknowledgement(client.send(m))[:2] for m in messages]
    assert codes == [("CA", hl7.Header(m).control) for m in messages]
    until("five second answers", lambda: len(ris.received) == 5)
    answers = [m for m, _ in ris.received]
    assert sorted(acknowledgement(a)[:2] for a in answers) == sorted(("AA", hl7.Header(m).control) for m in messages)
    for answer in answers:
        parsed = strictly(answer)
        assert parsed.msh.msh_9.to_er7() == "ORI^O24^ORI_O24" and parsed.msh.msh_15.to_er7() == "AL"
        assert segments(answer)["ORC"][1] == "OK" and segments(answer)["IPC"][1].startswith("E")
    until("they are taken", lambda: states(service) == ["accepted"] * 5)
    ris.close()


def test_an_answer_survives_a_kill_and_a_listener_that_is_down_under_one_control_id(another):
    (port,) = free_ports(1)
    service = another(hl7=configured(port))
    message = asking(hl7.message("ADT^A04", "EVN|A04", hl7.pid("K1")))
    with Client(service.hl7) as client:
        assert acknowledgement(client.send(message))[0] == "CA"
    tried = lambda: service.rows("select raw from message where direction = 'out'")
    until("the answer is written", tried)
    service.kill()
    ris = Ris(port)
    ris.code, ris.text = "CE", "busy"
    service.start()
    until("it is refused for now", lambda: len(ris.received) >= 1)
    ris.code, ris.text = "CA", ""
    until("it is taken", lambda: states(service) == ["accepted"])
    assert len({m for m, _ in ris.received}) == 1 and len(ris.received) >= 2, "the same bytes again"
    assert acknowledgement(ris.received[-1][0])[:2] == ("AA", hl7.Header(message).control)
    strictly(ris.received[-1][0])
    ris.close()


def test_only_what_is_asked_for_is_answered(another):
    ris = Ris()
    ris.code = "CA"
    service = another(hl7=configured(ris.port))
    good = lambda number: hl7.message("ADT^A04", "EVN|A04", hl7.pid(number))
    bad = hl7.message("ADT^A04", "EVN|A04", "PID|1")
    foreign = hl7.message("ADT^A04", "EVN|A04", hl7.pid("W1"), version="9.9")
    other = bad.replace(b"|PEER", b"|OTHER")
    cases = [
        (asking(good("W2"), "AL", "ER"), "CA", None), (asking(good("W3"), "AL", "SU"), "CA", "AA"),
        (asking(bad, "AL", "AL"), "CE", None), (asking(other, "NE", "ER"), None, "AE"),
        (asking(foreign, "NE", "AL"), None, "AR"), (asking(good("W4"), "NE", "AL"), None, "AA"),
        (asking(good("W5"), "NE", "NE"), None, None), (good("W6"), "AA", None),
        (asking(hl7.message("QBP^Q11", "QPD|Z"), "AL", "AL"), "CA", "AA"),
    ]
    with Client(service.hl7) as client:
        for message, at_once, _ in cases:
            client.write(START + message + END)
            if at_once:
                assert acknowledgement(client.answer())[:2] == (at_once, hl7.Header(message).control)
    wanted = {hl7.Header(message).control: code for message, _, code in cases if code}
    until("the second answers", lambda: len(ris.received) == len(wanted))
    said = {acknowledgement(m)[1]: acknowledgement(m)[0] for m, _ in ris.received}
    assert said == wanted
    refused = next(m for m, _ in ris.received if acknowledgement(m)[0] == "AE")
    assert segments(refused)["ERR"][2].startswith("PID^1^3"), refused
    ris.close()


def test_an_answer_goes_back_on_the_senders_connection_until_it_is_taken(another):
    service = another(hl7=configured())
    one, two = (asking(hl7.message("ADT^A08", "EVN|A08", hl7.pid(f"T{n}"))) for n in range(2))
    with Client(service.hl7) as client:
        assert acknowledgement(client.send(one))[0] == "CA"
        first = client.answer()
        assert acknowledgement(first)[:2] == ("AA", hl7.Header(one).control)
        client.write(START + commit(first) + END)
        until("it is taken", lambda: states(service) == ["accepted"])
        assert acknowledgement(client.send(two))[0] == "CA"
        lost = client.answer()
    assert acknowledgement(lost)[:2] == ("AA", hl7.Header(two).control)
    assert states(service) == ["accepted", "pending"]
    with Client(service.hl7) as client:
        # A connection is known by its messages.
        assert acknowledgement(client.send(hl7.message("ADT^A08", "EVN|A08", hl7.pid("T3"))))[0] == "AA"
        again = client.answer()
        assert again == lost, "the same bytes under the same control id"
        client.write(START + commit(again) + END)
        until("it is taken", lambda: states(service) == ["accepted", "accepted"])


def commit(message):
    msh = segments(message)["MSH"]
    head = f"MSH|^~\\&|{msh[4]}|{msh[5]}|{msh[2]}|{msh[3]}|20260101||ACK|C{msh[9]}|P|{msh[11]}"
    return f"{head}\rMSA|CA|{msh[9]}\r".encode()


def test_python_hl7_sends_and_reads_our_answers(service):
    messages = [hl7.order("PY1", "PY1").decode(), hl7.message("ADT^A08", "EVN|A08", hl7.pid("PY2", name="MÜLLER^ZOË")).decode()]
    sent = subprocess.run(
        [sys.executable, TALK, "send", str(service.hl7)], input=json.dumps(messages), capture_output=True, text=True, timeout=60
    )
    assert sent.returncode == 0, sent.stderr
    answers = json.loads(sent.stdout)
    assert [a["msa"] for a in answers] == [["AA", hl7.Header(m.encode()).control] for m in messages]


def test_python_hl7_receives_a_second_answer_and_its_own_answer_ends_it(another):
    receiver = subprocess.Popen([sys.executable, TALK, "serve"], stdout=subprocess.PIPE, text=True)
    try:
        service = another(hl7=configured(int(receiver.stdout.readline())))
        message = asking(hl7.order("PY3", "PY3"))
        with Client(service.hl7) as client:
            assert acknowledgement(client.send(message))[0] == "CA"
        read = json.loads(receiver.stdout.readline())
        assert (read["type"], read["msa"]) == ("ACK", ["AA", hl7.Header(message).control])
        until("it is taken", lambda: states(service) == ["accepted"])
    finally:
        receiver.terminate()


def test_hl7apy_takes_a_second_answer_in_every_version(another, tmp_path):
    ris = Ris()
    ris.code = "CA"
    service = another(hl7=configured(ris.port, profile=profile(tmp_path)))
    versions = ["2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8"]
    with Client(service.hl7) as client:
        for version in versions:
            update = hl7.message("ADT^A08", "EVN|A08", hl7.pid("V1"), version=version, charset="8859/1")
            order = hl7.order(f"V{version}", "V1", version=version, kind="ORM^O01", charset="8859/1")
            for message in (update, order) if version < "2.7" else (update,):
                assert acknowledgement(client.send(asking(message)))[0] == "CA"
    until("the second answers", lambda: len(ris.received) == len(versions) + 6)
    for answer, _ in ris.received:
        # Of ORR's choice of order details hl7apy requires all, and it has no structure of a general ACK before 2.5.
        kind, version = (segments(answer)["MSH"][n] for n in (8, 11))
        if kind.startswith("ACK") and version >= "2.5":
            strictly(answer)
        for line in answer.decode().split("\r")[:-1]:
            parse_segment(line, version=version, validation_level=VALIDATION_LEVEL.STRICT).validate()
    ris.close()
