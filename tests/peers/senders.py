"""A RIS and scanners that send until they are answered, and note each answer. Threads; they outlive the receiver."""
import hashlib
import itertools
import random
import socket
import threading
import time

from pynetdicom import AE, _config

# Files are sent as they are: nothing is decoded and encoded again.
_config.STORE_SEND_CHUNKED_DATASET = True

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"


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


def message(kind, control_id, study, priority="A"):
    """A message about the patient or the order of a study."""
    stamp = time.strftime("%Y%m%d%H%M%S")
    pid = f"PID|1||{study['patient']}^^^SYN^MR||CAMPAIGN^{control_id}||19500101|F"
    head = f"MSH|^~\\&|RIS|GH|TOCSIN|GH|{stamp}||{kind}|{control_id}|P|2.5.1||||||UNICODE UTF-8"
    if kind.startswith("ADT"):
        segments = [head, f"EVN|{kind.split('^')[1]}|{stamp}", pid, "PV1|1|E|ED^1^1"]
    else:
        placer, filler = f"P{study['accession']}^RIS", f"F{study['accession']}^RIS"
        timing = f"1^^^{stamp}^^{priority}"
        obr = (
            f"OBR|1|{placer}|{filler}|CTHEAD^CT HEAD WO CONTRAST^L||||||||||||||"
            f"{study['accession']}||{study['uid']}||||CT|||{timing}"
        )
        orc = f"ORC|NW|{placer}|{filler}||SC||{timing}||{stamp}"
        segments = [head, pid, "PV1|1|E|ED^1^1", orc, obr, f"ZDS|{study['uid']}^RIS^Application^DICOM"]
    return "".join(segment + "\r" for segment in segments).encode()


class Mllp:
    """One connection, opened again when it breaks."""

    def __init__(self, port, timeout=10):
        self.port, self.timeout, self.socket = port, timeout, None

    def exchange(self, raw):
        """The answer to a message; None when the connection broke before it came."""
        try:
            if self.socket is None:
                self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=self.timeout)
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.sendall(b"\x0b" + raw + b"\x1c\r")
            answer = b""
            while not answer.endswith(b"\x1c\r"):
                piece = self.socket.recv(65536)
                if not piece:
                    raise OSError("closed")
                answer += piece
            return answer[1:-2].decode()
        except OSError:
            self.close()
            return None

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None


def code_of(answer, control_id):
    """MSA-1 of the answer to this message."""
    msa = next(s for s in answer.split("\r") if s.startswith("MSA")).split("|")
    assert msa[2] == control_id, f"the answer of {msa[2]} came for {control_id}"
    return msa[1]


class Ris(threading.Thread):
    """Sends messages at a rate; each again, byte for byte, until it is accepted. Some are sent once more after that."""

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
        link, due = Mllp(self.port), time.monotonic()
        for number in itertools.count():
            with self.queued:
                study = self.queue.pop(0) if self.queue else None
            if self.stop.is_set() and study is None:
                break
            control_id = f"{self.mark}{number:07}"
            if study:
                raw = message("ORM^O01^ORM_O01", control_id, study, self.random.choice("RA"))
            else:
                other = {"patient": f"OTHER{self.random.randrange(500):04}"}
                raw = message(self.random.choice(["ADT^A04^ADT_A01", "ADT^A08^ADT_A01"]), control_id, other)
            self.until_accepted(link, control_id, raw)
            if study:
                study["ordered"] = True
            if self.random.random() < 0.05 and link.exchange(raw) is not None:
                self.ledger.resent_messages += 1
            due = max(due + 1 / self.rate, time.monotonic() - 1)
            time.sleep(max(0, due - time.monotonic()))
        link.close()

    def until_accepted(self, link, control_id, raw):
        self.ledger.sent(control_id, raw)
        while True:
            began = time.monotonic()
            answer = link.exchange(raw)
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
        ae = AE(ae_title=self.ae_title)
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 15
        ae.add_requested_context(CT, EXPLICIT)
        association = ae.associate("127.0.0.1", self.port, ae_title="TOCSIN")
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
