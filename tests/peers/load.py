"""What runs against the service for as long as it is watched: an HL7 feed and scanners that send until they are answered, and
a ledger of each answer. Threads; they outlive the receiver.
"""
import hashlib
import itertools
import random
import threading
import time

import hl7
from mllp import Link, code_of
from senders import associate

# One person is paged, once: nothing escalates while one watches.
ONE_PERSON = {
    "from": "tocsin@localhost",
    "people": [{"id": "roy", "name": "Dr Roy", "email": "roy@localhost", "roles": ["stroke"]}],
    "policies": [
        {
            "name": name, "steps": [{"to": ["stroke"], "wait_minutes": 600}], "last_resort": "roy", "repeat_minutes": 600,
        }
        for name in ("default", "stroke")
    ],
}


class Ledger:
    """What was acknowledged, and when: the truth that the database is held against."""

    def __init__(self):
        self.lock = threading.Lock()
        self.messages = {}
        self.sent_messages = {}
        self.instances = {}
        self.refused = []
        self.studies = []
        self.resent_messages = self.resent_instances = 0

    def sent(self, control_id, raw):
        with self.lock:
            self.sent_messages[control_id] = hashlib.sha256(raw).hexdigest()

    def acknowledged(self, control_id, raw):
        with self.lock:
            self.messages.setdefault(control_id, {"sha256": hashlib.sha256(raw).hexdigest(), "at": time.time()})

    def stored(self, study, image):
        with self.lock:
            self.instances.setdefault(
                image["uid"], {"sha256": image["sha256"], "at": time.time(), "study": study["uid"]}
            )

    def refusal(self, what):
        with self.lock:
            self.refused.append({"at": time.time(), "what": what})


def order(control_id, study, priority="A"):
    """Of a study that `phantoms.Template` made."""
    name = f"CAMPAIGN^{control_id}"
    return hl7.order(
        study["accession"], study["patient"], study=study["uid"], priority=priority, name=name, control_id=control_id
    )


class Feed(threading.Thread):
    """A RIS. Sends messages at a rate; each again, byte for byte, until it is accepted. Some once more after that."""

    def __init__(self, port, ledger, rate, seed, stop, name="R"):
        super().__init__(daemon=True)
        self.port, self.ledger, self.rate, self.stop, self.mark = port, ledger, rate, stop, name
        self.random = random.Random(seed)
        self.queue, self.queued = [], threading.Lock()
        self.slowest = 0.0

    def order(self, study):
        with self.queued:
            self.queue.append(study)

    def run(self):
        link, due = Link(self.port), time.monotonic()
        for number in itertools.count():
            with self.queued:
                study = self.queue.pop(0) if self.queue else None
            if self.stop.is_set() and study is None:
                break
            control_id = f"{self.mark}{number:07}"
            if study:
                raw = order(control_id, study, self.random.choice("RA"))
            else:
                patient = f"OTHER{self.random.randrange(500):04}"
                raw = hl7.visit(control_id, patient, self.random.choice(["A04", "A08"]))
            self.until_accepted(link, control_id, raw)
            if study:
                study["ordered"] = True
            if self.random.random() < 0.05 and link.send(raw) is not None:
                self.ledger.resent_messages += 1
            due = max(due + 1 / self.rate, time.monotonic() - 1)
            time.sleep(max(0, due - time.monotonic()))
        link.close()

    def until_accepted(self, link, control_id, raw):
        self.ledger.sent(control_id, raw)
        while True:
            began = time.monotonic()
            answer = link.send(raw)
            if answer is None:
                time.sleep(0.05)
                continue
            code = code_of(answer, control_id)
            if code == "AA":
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.ledger.acknowledged(control_id, raw)
                return
            self.ledger.refusal(f"{control_id} {code}")
            time.sleep(0.2)


class Scanner(threading.Thread):
    """One association after another, a study in each; what was not answered with success is sent again."""

    def __init__(self, name, port, ledger, rate, take, stop, seed):
        super().__init__(daemon=True)
        self.ae_title, self.port, self.ledger, self.rate = name, port, ledger, rate
        self.take, self.stop, self.random = take, stop, random.Random(seed)

    def run(self):
        while not self.stop.is_set():
            study = self.take()
            waiting = list(study["images"])
            while waiting:
                waiting = self.send(study, waiting)
                if waiting:
                    time.sleep(0.05)
                    if self.random.random() < 0.3:
                        # Some scanners send more again than they must.
                        again = self.random.choice(study["images"])
                        waiting += [again] if again not in waiting else []
                        self.ledger.resent_instances += 1
            study["complete_at"] = time.time()

    def send(self, study, images):
        """Sends in one association; what is left to send."""
        association = associate(self.port, self.ae_title)
        if not association.is_established:
            return images
        left, due = [], time.monotonic()
        for image in images:
            if not association.is_established:
                left.append(image)
                continue
            try:
                status = association.send_c_store(image["path"])
            except (RuntimeError, ValueError, OSError):
                status = None
            code = getattr(status, "Status", None) if status else None
            if code == 0x0000:
                self.ledger.stored(study, image)
            else:
                left.append(image)
                if code is not None:
                    self.ledger.refusal(f"{image['uid']} {code:#06x}")
            due += 1 / self.rate
            time.sleep(max(0, due - time.monotonic()))
        if association.is_established:
            association.release()
        return left
