"""FHIR R4 as another reads it: every resource through fhir.resources (R4B, which reads R4), the required value sets that it does
not know, and where references lead."""
import importlib
import json
import urllib.parse

STATUSES = {
    "AuditEvent": None,
    "CapabilityStatement": {"draft", "active", "retired", "unknown"},
    "Communication": {"preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "entered-in-error", "unknown"},
    "Device": {"active", "inactive", "entered-in-error", "unknown"},
    "DiagnosticReport": {"registered", "partial", "preliminary", "final", "amended", "corrected", "appended", "cancelled",
                         "entered-in-error", "unknown"},
    "ImagingStudy": {"registered", "available", "cancelled", "entered-in-error", "unknown"},
    "Observation": {"registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"},
    "ServiceRequest": {"draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"},
    "Subscription": {"requested", "active", "error", "off"},
    "Task": {"draft", "requested", "received", "accepted", "rejected", "ready", "cancelled", "in-progress", "on-hold", "failed",
             "completed", "entered-in-error"},
}
PRIORITIES = {"routine", "urgent", "asap", "stat"}
INTENTS = {
    "ServiceRequest": {"proposal", "plan", "directive", "order", "original-order", "reflex-order", "filler-order",
                       "instance-order", "option"},
    "Task": {"unknown", "proposal", "plan", "order", "original-order", "reflex-order", "filler-order", "instance-order", "option"},
}
OTHER = {
    ("AuditEvent", "action"): {"C", "R", "U", "D", "E"},
    ("AuditEvent", "outcome"): {"0", "4", "8", "12"},
    ("Bundle", "type"): {"searchset"},
    ("Patient", "gender"): {"male", "female", "other", "unknown"},
    ("CapabilityStatement", "kind"): {"instance"},
    ("CapabilityStatement", "fhirVersion"): {"4.0.1"},
}
ISSUES = {"invalid", "not-supported", "not-found", "login", "forbidden", "conflict", "too-long", "throttled", "timeout", "transient",
          "exception"}
# What is required of a resource by the text of the standard, and optional to the classes.
INSTANTS = {("DiagnosticReport", "issued"), ("Observation", "issued"), ("AuditEvent", "recorded"), ("Provenance", "recorded")}


class Broken(Exception):
    pass


def need(ok, what):
    if not ok:
        raise Broken(what)


def model(kind):
    module = importlib.import_module(f"fhir.resources.R4B.{kind.lower()}")
    return getattr(module, kind)


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


def empty(value):
    """Whether something in it is empty, which FHIR forbids and the classes take for lists."""
    if isinstance(value, (dict, list)):
        inner = value.values() if isinstance(value, dict) else value
        return not value or any(map(empty, inner))
    return value is None or value == ""


def check(resource):
    """One resource, or a bundle with everything in it; raises where it is not what R4 asks for."""
    kind = resource.get("resourceType", "")
    try:
        model(kind).model_validate_json(json.dumps(resource))
    except (ValueError, ImportError, AttributeError) as error:
        raise Broken(f"{kind}: {error}") from error
    need(not empty(resource), f"{kind}: something is empty")
    if STATUSES.get(kind):
        need(resource.get("status") in STATUSES[kind], f"{kind}.status {resource.get('status')}")
    need(resource.get("status") != "final", f"a final {kind}")
    if "priority" in resource:
        need(resource["priority"] in PRIORITIES, f"{kind}.priority {resource['priority']}")
    if kind in INTENTS:
        need(resource.get("intent") in INTENTS[kind], f"{kind}.intent {resource.get('intent')}")
    for (of, element), allowed in OTHER.items():
        if of == kind and element in resource:
            need(resource[element] in allowed, f"{kind}.{element} {resource[element]}")
    for of, element in INSTANTS:
        if of == kind:
            text = resource.get(element, "")
            need(text.endswith("Z") or text[-6:-5] in ("+", "-"), f"{kind}.{element} without a zone: {text}")
    if kind == "OperationOutcome":
        for issue in resource["issue"]:
            need(issue["severity"] == "error" and issue["code"] in ISSUES, f"issue {issue}")
    for codings in walk(resource, "coding"):
        for coding in codings:
            need(coding.get("code"), f"{kind}: a coding without a code: {coding}")
    for reference in walk(resource, "reference"):
        need(isinstance(reference, str) and reference.count("/") == 1, f"{kind}: reference {reference}")
    if kind == "Bundle":
        bundle(resource)


def bundle(resource):
    urls = [link["url"] for link in resource["link"] if link["relation"] == "self"]
    need(len(urls) == 1, "one link to itself")
    for entry in resource.get("entry", []):
        inner = entry["resource"]
        need(entry["fullUrl"].endswith(f"/{inner['resourceType']}/{inner['id']}"), f"fullUrl {entry['fullUrl']}")
        need(entry["search"]["mode"] == "match", "search.mode")
        need(inner["meta"]["versionId"], "a version")
        check(inner)


class Client:
    """A program that reads from the service, and checks everything that it gets."""

    def __init__(self, service):
        self.service, self.seen, self.headers = service, {}, {"Accept": "application/fhir+json"}

    def ask(self, method, path, status=200, body=None, headers=None, **options):
        answered, text = self.service.request(
            method, f"/fhir/{path}", body=body, raw=True, headers={**self.headers, **(headers or {})}, **options
        )
        assert answered == status, f"{method} {path}: {answered} {text}"
        resource = json.loads(text) if text else None
        if resource is not None:
            check(resource)
            if status >= 400:
                assert resource["resourceType"] == "OperationOutcome", text
        return resource

    def read(self, reference):
        resource = self.ask("GET", reference)
        assert f"{resource['resourceType']}/{resource['id']}" == reference
        self.seen[reference] = resource
        return resource

    def search(self, kind, form=False, **query):
        """Every match, through all pages. An underscore inside of a name stands for a hyphen, two for a dot."""
        named = {name if name.startswith("_") else name.replace("__", ".").replace("_", "-"): v for name, v in query.items()}
        text = urllib.parse.urlencode(named, doseq=True)
        if form:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            page = self.ask("POST", f"{kind}/_search", body=text.encode(), headers=headers)
        else:
            page = self.ask("GET", f"{kind}?{text}")
        found = []
        while True:
            for entry in page.get("entry", []):
                resource = entry["resource"]
                self.seen[f"{resource['resourceType']}/{resource['id']}"] = resource
                found.append(resource)
            following = [link["url"] for link in page["link"] if link["relation"] == "next"]
            if not following:
                return found
            page = self.ask("GET", following[0].split("/fhir/", 1)[1])

    def follow_everything(self):
        """Reads what is referred to, and what that refers to, until nothing is left."""
        while True:
            left = {reference for resource in self.seen.values() for reference in walk(resource, "reference")} - set(self.seen)
            if not left:
                return
            for reference in sorted(left):
                self.read(reference)
