"""The other systems of a hospital: real archives (dcmtk's storescp, Orthanc), and a RIS that answers as it is told to."""
import json
import random
import shutil
import socket
import socketserver
import subprocess
import threading
import urllib.request
from pathlib import Path

from mllp import END, START, segments
from scu import echoes
from service import until


# Below what the kernel hands out by itself: whoever asks for any port gets none of ours between our look and our neighbour's start.
PORTS = range(20_000, 32_000)


def free_ports(count):
    """Ports that nobody has now. Held open together, so that no two are the same."""
    sockets = []
    while len(sockets) < count:
        probe = socket.socket()
        try:
            probe.bind(("127.0.0.1", random.choice(PORTS)))
            sockets.append(probe)
        except OSError:
            probe.close()
    ports = [probe.getsockname()[1] for probe in sockets]
    for probe in sockets:
        probe.close()
    return ports


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
    """dcmtk's receiver: one process per association; with these options every transfer syntax, and bytes as received."""

    def __init__(self, folder, options=("+xa", "+B"), echo=None):
        self.echo = echo
        (port,) = free_ports(1)
        command = ["storescp", "--fork", *options, "-aet", "DCMTK", "-od", str(folder), str(port)]
        Path(folder).mkdir(parents=True, exist_ok=True)
        super().__init__(folder, "DCMTK", command, port)

    def answers(self):
        return self.echo(self.port) if self.echo else super().answers()

    def files(self):
        return [path for path in self.folder.iterdir() if path.is_file()]


class Orthanc(Program):
    """Debian's Orthanc, in memory of a folder of ours, without its plugins."""

    def __init__(self, folder, port=None, **changed):
        http, free = free_ports(2)
        self.http, port = changed.get("HttpPort", http), port or free
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
            **changed,
        }
        path = folder / "orthanc.json"
        path.write_text(json.dumps(settings))
        super().__init__(folder, "ORTHANC", [orthanc(), str(path)], port)

    def get(self, path, raw=False):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=30) as answer:
            body = answer.read()
        return body if raw else json.loads(body)

    def post(self, path, document):
        url = f"http://127.0.0.1:{self.http}{path}"
        with urllib.request.urlopen(url, data=json.dumps(document).encode(), timeout=60) as answer:
            return json.loads(answer.read())

    def find(self, sop_uid):
        """Its own id of an instance, or None."""
        url = f"http://127.0.0.1:{self.http}/tools/lookup"
        with urllib.request.urlopen(url, data=sop_uid.encode(), timeout=30) as answer:
            found = [entry["ID"] for entry in json.loads(answer.read()) if entry["Type"] == "Instance"]
        return found[0] if found else None


def orthanc():
    return shutil.which("Orthanc") or "/usr/sbin/Orthanc"


class Dcmqrscp(Program):
    """dcmtk's archive: it serves C-FIND, C-GET and C-MOVE over a folder of its own."""

    def __init__(self, folder, movers=()):
        (port,) = free_ports(1)
        folder = Path(folder)
        (folder / "DCMQR").mkdir(parents=True, exist_ok=True)
        hosts = "\n".join(f"h{n} = ({title}, localhost, {at})" for n, (title, at) in enumerate(movers))
        config = folder / "dcmqrscp.cfg"
        config.write_text(
            f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n"
            f"HostTable BEGIN\n{hosts}\nHostTable END\nVendorTable BEGIN\nVendorTable END\n"
            f"AETable BEGIN\nDCMQR {folder / 'DCMQR'} RW (200, 1024mb) ANY\nAETable END\n"
        )
        super().__init__(folder, "DCMQR", ["dcmqrscp", "-c", str(config)], port)


class Ris:
    """Keeps what it receives, in order, and answers each with `code`, until it is told otherwise. `tls` is a server's context."""

    def __init__(self, port=0, tls=None):
        self.received, self.code, self.text = [], "AA", ""
        ris = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                buffer = b""
                while piece := self.request.recv(65536):
                    buffer += piece
                    while END in buffer:
                        frame, buffer = buffer.split(END, 1)
                        self.request.sendall(START + ris.take(frame[1:]) + END)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address, daemon_threads = True, True

            def get_request(self):
                connection, address = super().get_request()
                return (tls.wrap_socket(connection, server_side=True) if tls else connection), address

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def take(self, message):
        code, text = self.code, self.text
        self.received.append((message, code))
        msh = segments(message)["MSH"]
        head = f"MSH|^~\\&|{msh[4]}|{msh[5]}|{msh[2]}|{msh[3]}|20260101000000||ACK|A{msh[9]}|P|{msh[11]}"
        return f"{head}\rMSA|{code}|{msh[9]}|{text}\r".encode()

    def of_type(self, kind, accession):
        """The messages of this type about this accession number that were accepted."""
        return [
            m for m, code in self.received if code == "AA" and accession.encode() in m and kind in segments(m)["MSH"][8]
        ]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
