#!/usr/bin/env python3
"""check_fhir.py DIR: reads DIR/*.fhir.json with fhir.resources (R4B) and looks up the required value sets, which it does not
know, and the references. Exit 1 on a miss."""
import json
import sys
from pathlib import Path

from fhir.resources.R4B.bundle import Bundle

OBSERVED = {"registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"}
REPORTED = {"registered", "partial", "preliminary", "final", "amended", "corrected", "appended", "cancelled",
            "entered-in-error", "unknown"}
REQUIRED = {
    ("Observation", "status"): OBSERVED,
    ("DiagnosticReport", "status"): REPORTED,
    ("ImagingStudy", "status"): {"registered", "available", "cancelled", "entered-in-error", "unknown"},
    ("Device", "status"): {"active", "inactive", "entered-in-error", "unknown"},
    ("Patient", "gender"): {"male", "female", "other", "unknown"},
    ("Bundle", "type"): {"collection"},
}
fails = []


def need(ok, what):
    if not ok:
        fails.append(what)
        print("FAIL", what)


def walk(value, name):
    """Every value of this name, anywhere."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == name:
                yield inner
            yield from walk(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner, name)


def check(path):
    text = path.read_text()
    raw = json.loads(text)
    Bundle.model_validate_json(text)
    resources = [raw, *(entry["resource"] for entry in raw["entry"])]
    for resource in resources:
        kind = resource["resourceType"]
        for (of, element), allowed in REQUIRED.items():
            if of == kind:
                need(resource.get(element) in allowed, f"{path.name}: {kind}.{element} {resource.get(element)}")
        verified = kind == "Observation" and "performer" in resource
        need(verified or resource.get("status") != "final", f"{path.name}: a final {kind} of nobody")
    urls = {entry["fullUrl"] for entry in raw["entry"]}
    for reference in walk(raw, "reference"):
        need(reference in urls, f"{path.name}: {reference} leads nowhere")
    for coding in (each for codings in walk(raw, "coding") for each in codings):
        need(coding.get("system") and coding.get("code"), f"{path.name}: {coding}")


def broken(path):
    """A check that never fails is none: each of these must be refused."""
    raw = json.loads(path.read_text())
    observation = next(e["resource"] for e in raw["entry"] if e["resource"]["resourceType"] == "Observation")
    report = raw["entry"][-1]["resource"]
    for target, change in [
        (observation, {"code": "nothing"}),
        (observation, {"shade": "grey"}),
        (report, {"issued": "2026-03-14T09:28:05"}),
        (report, {"resultsInterpreter": "nobody"}),
    ]:
        kept = dict(target)
        target.update(change)
        try:
            Bundle.model_validate_json(json.dumps(raw))
            need(False, f"{change} was taken")
        except ValueError:
            pass
        target.clear()
        target.update(kept)


found = sorted(Path(sys.argv[1]).glob("*.fhir.json"))
need(found, "no bundle to read")
for each in found:
    check(each)
if found:
    broken(found[0])
print(f"{len(found)} bundles read with fhir.resources, {len(fails)} misses")
sys.exit(bool(fails))
