"""The built program as a process: started with a configuration of its own on free ports, watched, stopped or killed.

Everything it writes lies in one folder. The binary is `TOCSIN_PROGRAM`, else the newest of target/release and target/debug.
"""
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

CONFIG = """\
[site]
name = "Campaign Hospital"
time_zone = "Europe/Berlin"
[database]
url = "{database}"
[storage]
url = "file://{blobs}"
min_free_mb = {min_free_mb}
[http]
listen = "127.0.0.1:{http}"
[dicom]
listen = "127.0.0.1:{dicom}"
ae_title = "TOCSIN"
accept = "loopback"
[hl7]
listen = "127.0.0.1:{hl7}"
accept = "loopback"
default_authority = "SYN"
[alerts]
from = "tocsin@localhost"
{channel}
[[alerts.people]]
id = "roy"
name = "Dr Roy"
email = "roy@localhost"
roles = ["stroke"]
[[alerts.policies]]
name = "default"
steps = [{{ to = ["stroke"], wait_minutes = 600 }}]
last_resort = "roy"
repeat_minutes = 600
[[alerts.policies]]
name = "stroke"
steps = [{{ to = ["stroke"], wait_minutes = 600 }}]
last_resort = "roy"
repeat_minutes = 600
[log]
level = "info"
"""

SMTP = """\
[alerts.smtp]
host = "127.0.0.1"
port = {port}
tls = "none"
"""


def binary():
    named = os.environ.get("TOCSIN_PROGRAM")
    if named:
        return Path(named).resolve()
    built = [ROOT / "target" / profile / "tocsin" for profile in ("release", "debug")]
    built = [path for path in built if path.exists()]
    if not built:
        raise SystemExit("no tocsin in target/: cargo build --bin tocsin")
    return max(built, key=lambda path: path.stat().st_mtime)


def free_ports(count):
    """Ports that nobody has now. Held open together, so that no two are the same."""
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Service:
    """One configuration, started as often as one likes."""

    def __init__(self, folder, database=None, smtp_port=None, data=None, min_free_mb=16, program=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = Path(data) if data else self.folder / "data"
        self.blobs = self.data / "blobs"
        self.database = database or f"sqlite://{self.data}/tocsin.db"
        self.http, self.dicom, self.hl7 = free_ports(3)
        channel = f'capture_dir = "{self.folder}/mail"' if smtp_port is None else SMTP.format(port=smtp_port)
        self.config = self.folder / "tocsin.toml"
        self.config.write_text(
            CONFIG.format(
                database=self.database, blobs=self.blobs, http=self.http, dicom=self.dicom, hl7=self.hl7,
                channel=channel, min_free_mb=min_free_mb,
            )
        )
        self.program = [str(binary())] if program is None else program
        self.log = self.folder / "service.log"
        self.process = None
        self._token = None

    def start(self):
        """Starts it in a process group of its own, which its child processes share."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.program, "serve", "--config", str(self.config)],
                stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
            )
        return self

    def kill(self):
        """kill -9 of the whole group."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, limit=25):
        """SIGTERM; the exit code and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(limit), time.monotonic() - began
        except subprocess.TimeoutExpired:
            self.kill()
            return None, time.monotonic() - began

    def end(self):
        if self.process and self.process.poll() is None:
            self.kill()

    def get(self, path, timeout=5, token=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.read()

    def ready(self):
        """What /readyz says: (is it ready, the document or None)."""
        try:
            return True, json.loads(self.get("/readyz", timeout=2))
        except urllib.error.HTTPError as error:
            return False, json.loads(error.read())
        except (OSError, ValueError):
            return False, None

    def wait_ready(self, limit=60):
        """Seconds until /readyz says yes."""
        began = time.monotonic()
        while time.monotonic() - began < limit:
            if self.ready()[0]:
                return time.monotonic() - began
            if self.process.poll() is not None:
                raise RuntimeError(f"tocsin ended with {self.process.returncode}; see {self.log}")
            time.sleep(0.02)
        raise RuntimeError(f"not ready within {limit} s; see {self.log}")

    def run(self, *arguments):
        command = [*self.program, *arguments, "--config", str(self.config)]
        return subprocess.run(command, capture_output=True, text=True, cwd=self.folder)

    def token(self):
        if self._token is None:
            made = self.run("token", "create", "--role", "admin")
            if made.returncode != 0:
                raise RuntimeError(made.stderr)
            self._token = made.stdout.strip()
        return self._token

    def api(self, path):
        return json.loads(self.get(f"/api/v1{path}", token=self.token(), timeout=15))

    def metric(self, name):
        """The value of one line of /metrics, labels and all; None when it is not there."""
        for line in self.get("/metrics").decode().splitlines():
            if line.rsplit(" ", 1)[0] == name:
                return float(line.rsplit(" ", 1)[1])
        return None

    def peak_memory_mb(self):
        """VmHWM of the service process itself; its children have their own."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) / 1024
