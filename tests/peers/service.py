"""The built program as a service: started with a configuration of its own, watched, stopped or killed; its API, log and rows.

Everything it writes lies in one folder. The binary is `TOCSIN_PROGRAM`, else the newest of target/release and target/debug.
Whatever the API does not show yet is read from the database here, so that there is one place to change.
"""
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from configuration import configuration, toml
from rows import Rows

REPOSITORY = Path(__file__).resolve().parents[2]
STOP_SECONDS = 20


def binary():
    named = os.environ.get("TOCSIN_PROGRAM")
    built = [REPOSITORY / "target" / profile / "tocsin" for profile in ("release", "debug")]
    found = [path for path in ([Path(named).resolve()] if named else built) if path.exists()]
    if not found:
        raise SystemExit(f"{named or built[-1]} is not built: cargo build --bin tocsin")
    return max(found, key=lambda path: path.stat().st_mtime)


def run(*arguments, timeout=120, **options):
    """A command of the program, to its end."""
    return subprocess.run(
        [binary(), *map(str, arguments)], capture_output=True, text=True, timeout=timeout, **options
    )


def until(what, condition, seconds=60, every=0.05):
    """The first true answer of `condition`; an assertion that says what was waited for when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(every)


class Service:
    """One configuration in a folder of its own, started as often as one likes; `launcher` is a command that starts it."""

    def __init__(self, folder, launcher=(), **sections):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.launcher, self.sections = launcher, configuration(**sections)
        self.config = self.folder / "tocsin.toml"
        self.config.write_text(toml(self.sections))
        url = self.sections["database"]["url"]
        path = url.removeprefix("sqlite://")
        self.database = url if path == url else f"sqlite://{self.folder / path}"
        self.blobs = self.folder / self.sections["storage"]["url"].removeprefix("file://")
        self.log = self.folder / "log.jsonl"
        self.process = self.http = self.dicom = self.hl7 = self._token = None

    def start(self):
        self.launch()
        try:
            self.wait_ready()
        except BaseException:
            # Being in a group of its own, it would outlive us.
            self.end()
            raise
        return self

    def launch(self):
        """Starts it in a process group of its own, which its child processes share; ready it is later."""
        # No environment of ours may leak into its configuration.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN__")}
        command = [*self.launcher, binary(), "serve", "--config", self.config]
        with self.log.open("ab") as log:
            # Beside the models and the rules, for a program that lies elsewhere.
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, cwd=REPOSITORY, start_new_session=True
            )

    def wait_ready(self, seconds=60):
        """The seconds until /readyz says yes."""
        began = time.monotonic()
        if self.http is None:
            self._keep_ports(until("the line that says where it listens", self._up, seconds, every=0.02))
        until("/readyz", self._is_ready, seconds, every=0.02)
        return time.monotonic() - began

    def _up(self):
        self._must_run()
        lines = map(parsed, self.logged("tocsin is up"))
        return next((line for line in lines if line.get("message") == "tocsin is up"), None)

    def _keep_ports(self, line):
        """It chose its ports; they stay the same from now on, because its senders outlive it."""
        for name in ("http", "dicom", "hl7"):
            setattr(self, name, int(line[name].rsplit(":", 1)[1]))
            self.sections[name]["listen"] = line[name]
        self.config.write_text(toml(self.sections))

    def _is_ready(self):
        self._must_run()
        return self.ready()[0]

    def _must_run(self):
        assert self.alive(), f"tocsin ended with {self.process.returncode}: {self.log.read_text()[-4000:]}"

    def ready(self):
        """What /readyz says: (is it ready, the document or None)."""
        status, text = self.get("/readyz", token=False, raw=True, timeout=2)
        try:
            return status == 200, json.loads(text)
        except ValueError:
            return False, None

    def alive(self):
        return self.process.poll() is None

    def kill(self):
        """kill -9 of the whole group."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def terminate(self, seconds=STOP_SECONDS + 5):
        """SIGTERM; the exit code and the seconds it took. None is the code of one that had to be killed."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds), time.monotonic() - began
        except subprocess.TimeoutExpired:
            self.kill()
            return None, time.monotonic() - began

    def stop(self):
        """SIGTERM; it must end by itself, soon and well."""
        if self.process is None:
            return
        code, seconds = self.terminate(STOP_SECONDS)
        self.process = None
        assert code is not None, f"did not stop within {STOP_SECONDS} s of SIGTERM"
        assert code == 0, f"exit code {code}: {self.log.read_text()[-2000:]}"

    def end(self):
        """Whatever became of the test, nothing of it is left running."""
        if self.process and self.alive():
            self.kill()

    def run(self, *arguments):
        """A command of the program about this service."""
        return run(*arguments, "--config", self.config)

    def logged(self, text, since=0):
        """The lines from number `since` on that hold `text` anywhere."""
        lines = self.log.read_text(errors="replace").splitlines()[since:]
        return [line for line in lines if text in line]

    def lines(self):
        return len(self.log.read_bytes().splitlines())

    def peak_memory_mb(self):
        """The most that the service itself has held, its children apart."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(l for l in status.splitlines() if l.startswith("VmHWM")).split()[1]) / 1024

    @property
    def token(self):
        if self._token is None:
            made = self.run("token", "create", "--role", "admin")
            assert made.returncode == 0, made.stderr
            self._token = made.stdout.strip()
        return self._token

    def act_as(self, token):
        """From now on with the rights of this token."""
        self._token = token

    def request(self, method, path, body=None, token=True, raw=False, headers=None, timeout=30):
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {self.token}"
        url = path if path.startswith("http") else f"http://127.0.0.1:{self.http}{path}"
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        except OSError as error:
            if raw:
                return 0, str(error)
            raise
        if raw:
            return status, text
        assert status == 200, f"{method} {path}: {status} {text}"
        return json.loads(text)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body=b"", **options):
        return self.request("POST", path, body=body, **options)

    def every(self, path, **query):
        """All items of a list, page by page."""
        cursor = None
        while True:
            asked = {"limit": 200, **query, **({"cursor": cursor} if cursor else {})}
            page = self.get(f"{path}?{urllib.parse.urlencode(asked)}")
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def study(self, study_uid):
        """The study as the worklist shows it, or None."""
        return next((s for s in self.every("/api/v1/worklist") if s["study_uid"] == study_uid), None)

    def ai(self, study_uid, states, model="ich", seconds=120):
        """What the model says of the study, once it is in one of these states."""

        def now():
            study = self.study(study_uid)
            said = [ai for ai in study["ai"] if ai["model"] == model] if study else []
            return said[0] if said and said[0]["state"] in states else None

        return until(f"{model} is {' or '.join(states)} for {study_uid}", now, seconds)

    def deliveries(self, study_id):
        """By kind and destination."""
        listed = self.get(f"/api/v1/studies/{study_id}")["deliveries"]
        return {(d["kind"], d["destination"]): d for d in listed}

    # What the API does not list yet.

    def rows(self, statement, *values):
        return Rows(self.database).query(statement, *values)

    def instances(self, sop_uid):
        return self.rows("select * from instance where sop_uid = ?", sop_uid)

    def quarantine(self, sop_uid):
        return self.rows("select * from quarantine where sop_uid = ?", sop_uid)

    def blob(self, sha256):
        return (self.blobs / sha256[:2] / f"{sha256}.dcm").read_bytes()


def parsed(line):
    try:
        return json.loads(line)
    except ValueError:
        return {}
