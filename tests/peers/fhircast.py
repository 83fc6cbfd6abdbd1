"""A FHIRcast hub of the reading room (3.0.0, STU3): holds what each session has open, takes what is published into it, and refuses
what the specification does not allow. Resources are read by another's classes."""
import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from resources import Broken, check, model, need


class Hub:
    def __init__(self, token="hub-secret"):
        self.token, self.sessions, self.taken, self.refused, self.looked = token, {}, [], [], 0
        self.stale, self.down = 0, False
        self.lock = threading.Lock()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(*hub.asked(self.path, self.headers))

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.answer(*hub.posted(self.path, self.headers, body))

            def answer(self, status, body):
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/hub"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def open(self, topic, study, patient, accession):
        """A radiologist opens a report."""
        with self.lock:
            number = uuid.uuid4().hex[:8]
            self.sessions[topic] = {
                "version": uuid.uuid4().hex,
                "observations": {},
                "context": [
                    {"key": "report", "resource": {"resourceType": "DiagnosticReport", "id": f"r{number}", "status": "unknown",
                                                   "basedOn": [{"type": "ServiceRequest", "identifier": {"value": accession}}]}},
                    {"key": "patient", "resource": {"resourceType": "Patient", "id": f"p{number}",
                                                    "identifier": [{"value": patient}]}},
                    {"key": "study", "resource": {"resourceType": "ImagingStudy", "id": f"s{number}", "status": "available",
                                                  "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{study}"}]}},
                ],
            }

    def close_report(self, topic):
        with self.lock:
            self.sessions.pop(topic, None)

    def asked(self, path, headers):
        if path == "/api/hub/.well-known/fhircast-configuration":
            return 200, {"eventsSupported": ["DiagnosticReport-open", "DiagnosticReport-update"], "getCurrentSupport": True,
                         "websocketSupport": True, "fhircastVersion": "STU3"}
        if self.down:
            return 503, {}
        if headers.get("Authorization") != f"Bearer {self.token}":
            return 401, {}
        with self.lock:
            self.looked += 1
            session = self.sessions.get(path.removeprefix("/api/hub/"))
            if session is None:
                return 200, {"context.type": "", "context": []}
            return 200, {"context.type": "DiagnosticReport", "context.versionId": session["version"], "context": session["context"]}

    def posted(self, path, headers, body):
        try:
            need(path == "/api/hub" and headers["Content-Type"] == "application/json", "an event at the hub's address")
            need(headers.get("Authorization") == f"Bearer {self.token}", "who it is")
            return self.take(json.loads(body))
        except (Broken, KeyError, TypeError, ValueError) as error:
            self.refused.append(repr(error))
            return 400, {"error": repr(error)}

    def take(self, request):
        need(set(request) == {"timestamp", "id", "event"}, f"members {set(request)}")
        event = request["event"]
        need(event["hub.event"] == "DiagnosticReport-update", event["hub.event"])
        with self.lock:
            session = self.sessions[event["hub.topic"]]
            if self.stale:
                # Somebody else has added something meanwhile.
                self.stale -= 1
                session["version"] = uuid.uuid4().hex
            if event["context.versionId"] != session["version"]:
                return 409, {}
            context = {entry["key"]: entry for entry in event["context"]}
            need(set(context) == {"report", "patient", "updates"}, f"keys {set(context)}")
            of = {entry["key"]: f"{entry['resource']['resourceType']}/{entry['resource']['id']}" for entry in session["context"]}
            for key in ("report", "patient"):
                need(context[key]["reference"] == {"reference": of[key]}, f"another {key}")
            bundle = context["updates"]["resource"]
            model("Bundle").model_validate_json(json.dumps(bundle))
            need(bundle["type"] == "transaction", bundle["type"])
            urls = [entry["request"]["url"] for entry in bundle["entry"]]
            need(len(urls) == len(set(urls)) > 0, "each resource once")
            for entry in bundle["entry"]:
                resource = entry["resource"]
                need(entry["request"] == {"method": "PUT", "url": f"Observation/{resource['id']}"}, f"{entry['request']}")
                check(resource)
                need(resource["subject"] == {"reference": of["patient"]}, "the subject of the session")
                need(resource["derivedFrom"] == [{"reference": of["study"]}], "the study of the session")
                members = {member["reference"] for member in resource.get("hasMember", [])}
                need(members <= set(urls), f"members that are not there: {members}")
                session["observations"][resource["id"]] = resource
            session["version"] = uuid.uuid4().hex
            self.taken.append(request)
            return 202, {}
