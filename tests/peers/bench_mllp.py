#!/usr/bin/env python3
"""bench_mllp.py [--messages 10000] [--connections 16]: HL7 messages a second, one in flight on each connection, and pipelined.

Orders and patient messages of the usual kinds and sizes go to Tocsin (SQLite, synchronous FULL, every message committed
before its AA) and, in the same run from the same sender, to python-hl7's asyncio MLLP server, which parses, answers and
stores nothing. The machine's fdatasync is measured in the same run: what committing each message by itself could reach at
most on one device. Rows are counted afterwards: one for each message that was answered with AA.
"""
import argparse
import asyncio
import itertools
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import hl7
from bench_cstore import fdatasync_ms
from load import ONE_PERSON
from mllp import END, START, acknowledgement
from service import Service, binary

# Of one connection that does not wait for answers; a sender's own window is about as wide.
WINDOW = 64


def message(number, pick):
    """One of the mix of a RIS feed: mostly orders and updates, each of one of two thousand patients."""
    patient, control_id = f"BENCH{pick.randrange(2000):05}", f"M{number:08}"
    kind = pick.random()
    if kind < 0.35:
        return hl7.order(f"B{number:08}", patient, study=f"1.2.826.0.1.3680043.9.9999.9.{number}", control_id=control_id)
    if kind < 0.55:
        return omi(number, patient, control_id)
    return hl7.visit(control_id, patient, pick.choice(["A01", "A02", "A03", "A04", "A08"]))


def omi(number, patient, control_id):
    names = f"P{number:08}^CIS|F{number:08}^RIS"
    return hl7.message(
        "OMI^O23^OMI_O23",
        hl7.pid(patient, name=f"CAMPAIGN^{control_id}"),
        f"PV1|1|I|WARD^12^1^GH||||7001^DOC^ATTENDING{'|' * 12}V{number:08}",
        f"ORC|NW|{names}||SC||||20260101120000+0100|||7001^DOC^ORDERING",
        "TQ1|1||||||20260101120000+0100||R^Routine^HL70485",
        f"OBR|1|{names}|30799-1^CT Head WO contrast^LN^CTHEAD^CT HEAD^99GH|||||||||HEADACHE SINCE THE MORNING|||7001^DOC^ORDERING||||||||CT",
        "NTE|1|P|Anticoagulated. Fell from a ladder.",
        f"IPC|B{number:08}^GH|RP{number:08}^RIS|1.2.826.0.1.3680043.9.9999.10.{number}|SPS{number:08}^RIS|CT^Computed Tomography^DCM",
        control_id=control_id,
    )


async def talk(port, messages, window, answered):
    """Sends these on one connection, at most `window` unanswered; how long each waited."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sent, waits = [], []
    waiting = iter(messages)

    def send(count):
        for raw in itertools.islice(waiting, count):
            writer.write(START + raw + END)
            sent.append((hl7.Header(raw).control, time.perf_counter()))

    send(window)
    while len(waits) < len(messages):
        answer = (await reader.readuntil(END))[1:-2]
        code, control, _ = acknowledgement(answer)
        expected, at = sent[len(waits)]
        assert (code, control) == ("AA", expected), answer
        waits.append(time.perf_counter() - at)
        answered.add(control)
        send(1)
    writer.close()
    return waits


def measure(port, messages, connections, window):
    """Messages a second, and the waits."""

    async def all_of_them():
        answered = set()
        parts = [messages[n::connections] for n in range(connections)]
        began = time.perf_counter()
        waits = await asyncio.gather(*(talk(port, part, window, answered) for part in parts))
        return time.perf_counter() - began, sorted(itertools.chain(*waits)), answered

    seconds, waits, answered = asyncio.run(all_of_them())
    assert len(answered) == len(messages)
    part = lambda share: round(1000 * waits[int(share * (len(waits) - 1))], 2)
    return {"messages_per_second": round(len(messages) / seconds, 1), "wait_ms": {"p50": part(0.5), "p99": part(0.99)}}


def start_peer():
    """python-hl7's server: parses each message, answers AA, stores nothing."""
    command = [sys.executable, Path(__file__).parent / "python_hl7/talk.py", "serve", "--silent"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    return process, int(process.stdout.readline())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=16)
    args = parser.parse_args()
    pick = random.Random(7)
    numbers = itertools.count()
    feed = lambda: [message(next(numbers), pick) for _ in range(args.messages)]
    windows = {"one_in_flight": 1, "pipelined": WINDOW}
    with tempfile.TemporaryDirectory(prefix="tocsin-mllp-") as temporary:
        folder = Path(temporary)
        before = fdatasync_ms(folder)
        process, port = start_peer()
        results = {"python_hl7": {name: measure(port, feed(), args.connections, window) for name, window in windows.items()}}
        process.terminate()
        service = Service(
            folder / "service", alerts=ONE_PERSON, hl7={"listen": "127.0.0.1:0", "accept": "loopback", "default_authority": "GH"}
        )
        try:
            service.start()
            results["tocsin"] = {}
            sent = 0
            for name, window in windows.items():
                results["tocsin"][name] = measure(service.hl7, feed(), args.connections, window)
                sent += args.messages
                # Answered is committed: read by another connection, at once.
                database = sqlite3.connect(f"file:{service.folder / 'data/tocsin.db'}?mode=ro", uri=True)
                (kept,) = database.execute("select count(*) from message where direction = 'in' and ack_code = 'AA'").fetchone()
                database.close()
                assert kept == sent, f"{sent} were answered with AA and {kept} are kept"
        finally:
            service.end()
        after = fdatasync_ms(folder)
    ceiling = 1000 / ((before + after) / 2)
    rate = lambda who, name: results[who][name]["messages_per_second"]
    print(
        json.dumps(
            {
                "program": str(binary()), "cores": os.cpu_count(), "load_1_min": round(os.getloadavg()[0], 2),
                "messages": args.messages, "connections": args.connections, "window_when_pipelined": WINDOW,
                "fdatasync_ms": {"before": round(before, 2), "after": round(after, 2)},
                **results,
                "tocsin_to_python_hl7": {name: round(rate("tocsin", name) / rate("python_hl7", name), 2) for name in windows},
                "messages_per_second_times_fdatasync": {name: round(rate("tocsin", name) / ceiling, 2) for name in windows},
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
