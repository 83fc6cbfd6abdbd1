#!/usr/bin/env python3
"""python-hl7 as the other side, in a process of its own: beside our tests, a module named hl7 would be ours.

talk.py serve [--silent]   answers every message with AA; prints its port, then what it read of each message as a line of JSON
talk.py send PORT          sends the messages of standard input (a JSON list) with its own client; prints the answers, parsed
"""
import asyncio
import json
import sys

import hl7
from hl7.client import MLLPClient
from hl7.mllp import start_hl7_server


def read(message):
    """As python-hl7 finds it."""
    said = {"type": str(message["MSH.F9"]), "control_id": str(message["MSH.F10"])}
    said["segments"] = [str(segment[0]) for segment in message]
    if "MSA" in said["segments"]:
        said["msa"] = [str(message["MSA.F1"]), str(message["MSA.F2"])]
    if "PID" in said["segments"]:
        said["name"] = str(message["PID.F5"])
    return said


async def serve(silent):
    async def answer(reader, writer):
        try:
            while not writer.is_closing():
                message = await reader.readmessage()
                if not silent:
                    print(json.dumps(read(message)), flush=True)
                writer.writemessage(message.create_ack())
                await writer.drain()
        except asyncio.IncompleteReadError:
            writer.close()

    async with await start_hl7_server(answer, host="127.0.0.1", port=0, limit=1 << 20, encoding="utf-8") as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


def send(port):
    answers = []
    with MLLPClient("127.0.0.1", port, encoding="utf-8") as client:
        for message in json.load(sys.stdin):
            frame = client.send_message(hl7.parse(message))
            answers.append(read(hl7.parse(frame.strip(b"\x0b\x1c\r").decode())))
    print(json.dumps(answers))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(serve("--silent" in sys.argv))
    else:
        send(int(sys.argv[2]))
