#!/usr/bin/env python3
"""check_hl7.py DIR: parses every DIR/*.hl7 with hl7apy, strictly, and prints what a receiver reads. Exit 1 on a fault.

What is hl7apy's and not the message's, and how it is met:
- a Z segment (ZDS) is in no version's tables: the strict reading is done without it;
- codes outside the tables of the version (HD in OBX-2, SCT and UCUM before 2.7) are warnings;
- of ORM's choice of order details hl7apy requires all: ORM is read segment by segment; so is ORU from 2.8 on, where it takes the first
  OBX for that of an order's document, which stands before OBR;
- its tables of 2.7 lack a data type of TQ1: 2.7 is read without it;
- TX is held to the 199 characters of ST, where chapter 2A allows 65,536: the strict reading sees its beginning.
"""
import json
import sys
from pathlib import Path

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message, parse_segment

faults = []


def tables_only(line):
    return line.startswith("Warning")


ST_LENGTH = 199


def shortened(segment):
    fields = segment.split("|")
    if fields[0] == "OBX" and fields[2] == "TX":
        fields[5] = fields[5][:ST_LENGTH]
    return "|".join(fields)


def alone(kind, version):
    return kind == "ORM" or kind == "ORU" and version >= "2.8"


def read_strictly(segments, version, report):
    if alone(segments[0].split("|")[8][:3], version):
        for segment in segments:
            parsed = parse_segment(segment, version=version, validation_level=VALIDATION_LEVEL.STRICT)
            parsed.validate(report_file=str(report))
        return
    text = "".join(s + "\r" for s in segments)
    message = parse_message(text, validation_level=VALIDATION_LEVEL.STRICT, find_groups=True)
    message.validate(report_file=str(report))


for path in sorted(Path(sys.argv[1]).glob("*.hl7")):
    raw = path.read_bytes()
    charset = "utf-8" if b"UNICODE UTF-8" in raw.split(b"\r")[0] else "latin-1"
    text = raw.decode(charset)
    version = text.split("\r")[0].split("|")[11]
    text = "".join(s + "\r" for s in text.split("\r") if s and not (version == "2.7" and s.startswith("TQ1")))
    segments = [shortened(s) for s in text.split("\r") if s and not s.startswith("ZDS")]
    report = path.with_suffix(".validation")
    try:
        read_strictly(segments, version, report)
        read = parse_message(text, find_groups=False)
        names = [s.name for s in read.children]
        print(json.dumps({"file": path.name, "type": read.msh.msh_9.to_er7(), "segments": names}))
    except Exception as error:  # every kind of refusal counts
        faults.append(f"{path.name}: {type(error).__name__}: {error}")
    if report.exists():
        lines = [l for l in report.read_text().splitlines() if l.strip() and not tables_only(l)]
        faults.extend(f"{path.name}: {l}" for l in lines)

for fault in faults:
    print("FAIL", fault)
sys.exit(1 if faults else 0)
