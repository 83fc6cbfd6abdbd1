#!/usr/bin/env python3
"""check_hl7.py DIR: parses every DIR/*.hl7 with hl7apy, strictly, and prints what a receiver reads. Exit 1 on a fault.

A Z segment (ZDS) is in no version's tables: strict parsing of that message is done without it.
Codes outside the tables of the version (HD in OBX-2, SCT and UCUM before 2.7) are warnings of hl7apy, not faults.
"""
import json
import sys
from pathlib import Path

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

faults = []


def tables_only(line):
    return line.startswith("Warning")


for path in sorted(Path(sys.argv[1]).glob("*.hl7")):
    raw = path.read_bytes()
    charset = "utf-8" if b"UNICODE UTF-8" in raw.split(b"\r")[0] else "latin-1"
    text = raw.decode(charset)
    standard = "".join(s + "\r" for s in text.split("\r") if s and not s.startswith("ZDS"))
    report = path.with_suffix(".validation")
    try:
        message = parse_message(standard, validation_level=VALIDATION_LEVEL.STRICT, find_groups=True)
        message.validate(report_file=str(report))
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
