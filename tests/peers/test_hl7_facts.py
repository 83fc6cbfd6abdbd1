"""Every message of the shared data through the real listener: what is read of it is what stands in it. The facts in
hl7_facts.json were written down from the messages themselves, by file, number in the file and control id."""
import json
from pathlib import Path

import pytest

import hl7
from mllp import END, START, Client, acknowledgement, segments
from service import until

FACTS = json.loads((Path(__file__).parent / "hl7_facts.json").read_text())
REAL = hl7.everything()


def entity(value):
    return f"{value['number']}^{value['namespace']}" if value else None


def patient(event):
    """Of an event that speaks of a patient, what it says."""
    identifier, said = event["identifier"], event["demographics"]
    return {
        "patient": f"{identifier['value']}^{identifier['authority']}" if identifier else None,
        "name": said["name"], "birth_date": said["birth_date"], "sex": said["sex"],
    }


def visit(event):
    return {"class": event["patient_class"], "location": event["location"], "visit": event["visit"]}


def order(event):
    procedure = event["procedure"] or {}
    return {
        "placer": entity(event["placer"]), "filler": entity(event["filler"]), "accession": event["accession"],
        "procedure": procedure.get("code") or procedure.get("text"), "priority": event["priority"],
    }


def merge(event):
    of = lambda identifier: f"{identifier['value']}^{identifier['authority']}"
    return {"survivor": of(event["survivor"]), "retired": [of(one) for one in event["retired"]]}


def report(event):
    return {"status": event["status"], **{k: v for k, v in order({**event, "procedure": None, "priority": None}).items()}}


def understood(row):
    """The facts of a stored message in the form of the table."""
    event = json.loads(row["event"]) if row["event"] else {"event": None}
    kind, data = event["event"], event.get("data")
    said = {
        "orders": lambda: patient(data[0]["patient"]) | {"orders": [known(order(one)) for one in data]},
        "patient": lambda: patient(data) | visit(data),
        "merge": lambda: {"merges": [merge(one) for one in data]},
        "report": lambda: patient(data[0]["patient"]) | {"reports": [known(report(one)) for one in data]},
        "appointment": lambda: {
            "starts": data["starts_at"], "state": data["state"], "placer": entity(data["placer"]),
            "filler": entity(data["filler"]),
        },
        "answer": lambda: {"answers": data["control_id"], "said": data["code"]},
        "ignored": lambda: {"ignored": True},
        None: lambda: {},
    }[kind]()
    return known(said)


def known(facts):
    return {key: value for key, value in facts.items() if value not in (None, "")}


def found(client, rows, message):
    """What became of one message."""
    header = hl7.Header(message)
    if not header.is_hl7:
        return {"ack": "closed"}
    facts = {"control_id": header.control, "kind": f"{header.kind}^{header.trigger}"}
    client.write(START + message + END)
    answer = client.answer()
    code, _, _ = acknowledgement(answer)
    facts["ack"] = code
    if code[1] != "A":
        facts["reason"] = place(answer)
    row = rows(message)
    return known(facts | (understood(row) if row else {}))


def place(answer):
    """Where it was refused: ERR-2 from 2.5 on, ERR-1 before, as PID-3."""
    err = segments(answer)["ERR"]
    parts = (err[2] if len(err) > 2 and err[2] else err[1]).split("^")
    return "-".join([parts[0], *parts[2:3]])


def test_each_message_of_the_shared_data_is_read_as_it_stands(service):
    if not REAL:
        pytest.skip("the shared data is not here: put it beside the repository as ../shared")
    assert set(REAL) == set(FACTS), "the table and the data name different messages"

    def row(message):
        rows = service.rows("select raw, event from message where direction = 'in' and control_id = ?", hl7.Header(message).control)
        return next((row for row in rows if bytes(row["raw"]) == message), None)

    faults = []
    for name, message in REAL.items():
        # Three senders want no answer; they are asked for one here, which changes nothing else of what they say.
        message = answered(message)
        with Client(service.hl7) as client:
            got = found(client, row, message)
        if got != FACTS[name]:
            differing = {k: (FACTS[name].get(k), got.get(k)) for k in FACTS[name] | got if FACTS[name].get(k) != got.get(k)}
            faults.append(f"{name}: {differing}")
    assert not faults, "expected, found:\n" + "\n".join(faults)


def answered(message):
    """MSH-15 and MSH-16 empty: the answer says then what was made of the message."""
    start = message.find(b"MSH")
    if start < 0:
        return message
    end = min((at for at in (message.find(b"\r", start), len(message)) if at >= 0))
    separator = message[start + 3 : start + 4]
    fields = message[start:end].split(separator)
    for index in (14, 15):
        if len(fields) > index:
            fields[index] = b""
    return message[:start] + separator.join(fields) + message[end:]
