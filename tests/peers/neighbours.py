"""The other systems of a hospital, real ones: dcmtk's storescp, Orthanc, and a mail server."""
import email
import json
import shutil
import socket
import subprocess
import urllib.request
from email import policy
from pathlib import Path

from aiosmtpd.controller import Controller

from scu import echoes
from tocsin import until


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Program:
    """A process of ours that receives by DICOM."""

    def __init__(self, folder, title, command, port):
        self.folder, self.title, self.port = Path(folder), title, port
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder.parent / f"{title}.log").open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        until(f"{title} answers", self.answers)

    def answers(self):
        assert self.process.poll() is None, f"{self.title} ended: {self.process.returncode}"
        try:
            return echoes(self.port, called=self.title)
        except OSError:
            return False

    def peer(self):
        return {"ae_title": self.title, "host": "127.0.0.1", "port": self.port, "role": "archive"}

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Storescp(Program):
    """dcmtk's receiver: one process per association, every transfer syntax, bytes as received."""

    def __init__(self, folder):
        port = free_port()
        command = ["storescp", "--fork", "+xa", "-aet", "DCMTK", "-od", str(folder), "+B", str(port)]
        Path(folder).mkdir(parents=True, exist_ok=True)
        super().__init__(folder, "DCMTK", command, port)

    def files(self):
        return [path for path in self.folder.iterdir() if path.is_file()]


class Orthanc(Program):
    """Debian's Orthanc, in memory of a folder of ours, without its plugins."""

    def __init__(self, folder):
        self.http, port = free_port(), free_port()
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "Name": "PEER",
            "StorageDirectory": str(folder),
            "IndexDirectory": str(folder),
            "Plugins": [],
            "HttpPort": self.http,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomAet": "ORTHANC",
            "DicomPort": port,
            "DicomAlwaysAllowStore": True,
            "UnknownSopClassAccepted": True,
            "OverwriteInstances": True,
            # It says nothing to some malformed objects, and ends the association when this has passed.
            "DicomScpTimeout": 2,
        }
        path = folder / "orthanc.json"
        path.write_text(json.dumps(settings))
        super().__init__(folder, "ORTHANC", [orthanc(), str(path)], port)

    def get(self, path, raw=False):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=30) as answer:
            body = answer.read()
        return body if raw else json.loads(body)

    def find(self, sop_uid):
        """Its own id of an instance, or None."""
        url = f"http://127.0.0.1:{self.http}/tools/lookup"
        with urllib.request.urlopen(url, data=sop_uid.encode(), timeout=30) as answer:
            found = [entry["ID"] for entry in json.loads(answer.read()) if entry["Type"] == "Instance"]
        return found[0] if found else None


def orthanc():
    return shutil.which("Orthanc") or "/usr/sbin/Orthanc"


class Mail:
    """Takes mail and keeps it; refuses it for the time being while `refuse` is set."""

    def __init__(self, port=None):
        self.received, self.refuse = [], False
        self.port = port or free_port()
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self.controller.start()

    async def handle_DATA(self, server, session, envelope):
        if self.refuse:
            return "451 4.3.0 come back later"
        self.received.append((envelope.rcpt_tos, envelope.content))
        return "250 OK"

    def messages(self):
        return [email.message_from_bytes(content, policy=policy.default) for _, content in self.received]

    def close(self):
        self.controller.stop()
