"""The built program, started and stopped like a service: configuration, readiness, API, log and database.

Whatever the API does not show yet is read from the database here, so that there is one place to change.
"""
import json
import os
import signal
import sqlite3
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import closing
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("TOCSIN_PROGRAM", REPOSITORY / "target" / "debug" / "tocsin"))
STOP_SECONDS = 20

SMALLEST = {
    "site": {"name": "General Hospital", "time_zone": "Europe/Berlin"},
    "database": {"url": "sqlite://data/tocsin.db"},
    "storage": {"url": "file://data/blobs", "min_free_mb": 64},
    "http": {"listen": "127.0.0.1:0"},
    "dicom": {"listen": "127.0.0.1:0", "ae_title": "TOCSIN", "accept": "loopback"},
    "hl7": {"listen": "127.0.0.1:0", "accept": "loopback", "default_authority": "GH"},
    "alerts": {"capture_dir": "data/mail"},
}


def until(what, condition, seconds=60):
    """The first true answer of `condition`; an assertion that says what was waited for when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def toml(config):
    """A configuration as text; lists of tables and tables one level down are enough here."""
    lines = []

    def table(name, values):
        lines.append(f"[{name}]")
        nested = []
        for key, value in values.items():
            listed = isinstance(value, list) and value and isinstance(value[0], dict)
            if isinstance(value, dict) or listed and key in ("peers", "people", "policies"):
                nested.append((key, value))
            else:
                lines.append(f"{key} = {inline(value)}")
        for key, value in nested:
            if isinstance(value, dict):
                table(f"{name}.{key}", value)
            for entry in value if isinstance(value, list) else []:
                lines.append(f"[[{name}.{key}]]")
                lines.extend(f"{k} = {inline(v)}" for k, v in entry.items())

    for section, values in config.items():
        table(section, values)
    return "\n".join(lines) + "\n"


def inline(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {inline(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value if not isinstance(value, Path) else str(value))


def configuration(**sections):
    """The smallest configuration, with these keys on top."""
    config = {name: dict(values) for name, values in SMALLEST.items()}
    for name, values in sections.items():
        config.setdefault(name, {}).update(values)
        config[name] = {k: v for k, v in config[name].items() if v is not None}
    return config


def run(*arguments, timeout=120, **options):
    """A command of the program, to its end."""
    return subprocess.run(
        [PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=timeout, **options
    )


class Tocsin:
    """One running service in a folder of its own."""

    def __init__(self, folder, **sections):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config = self.folder / "tocsin.toml"
        self.config.write_text(toml(configuration(**sections)))
        self.log_file = self.folder / "log.jsonl"
        self.process = None
        self.token = None

    def start(self):
        with self.log_file.open("ab") as log:
            # No environment of ours may leak into its configuration.
            environment = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN__")}
            command = [PROGRAM, "serve", "--config", self.config]
            mark = log.tell()
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        line = until("the line that says where it listens", lambda: self._up(mark))
        self.http, self.dicom, self.hl7 = (self._port(line[key]) for key in ("http", "dicom", "hl7"))
        until("/readyz", lambda: self.get("/readyz", raw=True)[0] == 200)
        if self.token is None:
            made = run("token", "create", "--role", "admin", "--config", self.config)
            assert made.returncode == 0, made.stderr
            self.token = made.stdout.strip()
        return self

    def _up(self, mark):
        assert self.process.poll() is None, self.log_file.read_text()[-4000:]
        with self.log_file.open("rb") as log:
            log.seek(mark)
            return next((l for l in map(parsed, log.read().splitlines()) if l.get("message") == "tocsin is up"), None)

    @staticmethod
    def _port(address):
        return int(address.rsplit(":", 1)[1])

    def stop(self):
        """SIGTERM; it must end by itself, soon and well."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"did not stop within {STOP_SECONDS} s of SIGTERM") from None
        assert code == 0, f"exit code {code}: {self.log_file.read_text()[-2000:]}"

    def alive(self):
        return self.process.poll() is None

    def log(self):
        return [parsed(line) for line in self.log_file.read_bytes().splitlines()]

    def logged(self, text, since=0):
        """The lines from number `since` on that hold `text` anywhere."""
        lines = self.log_file.read_text(errors="replace").splitlines()[since:]
        return [line for line in lines if text in line]

    def lines(self):
        return len(self.log_file.read_bytes().splitlines())

    def peak_memory_mb(self):
        """The most that the service itself has held, its children apart."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(l for l in status.splitlines() if l.startswith("VmHWM")).split()[1]) / 1024

    def request(self, method, path, body=None, token=True, raw=False, headers=None):
        headers = dict(headers or {})
        if token and self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        url = path if path.startswith("http") else f"http://127.0.0.1:{self.http}{path}"
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
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

    def rows(self, statement, *values):
        uri = f"file:{self.folder}/data/tocsin.db?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=10)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(statement, values)]

    # What the API does not list yet.

    def instances(self, sop_uid):
        return self.rows("select * from instance where sop_uid = ?", sop_uid)

    def quarantine(self, sop_uid):
        return self.rows("select * from quarantine where sop_uid = ?", sop_uid)

    def deliveries(self, study_id):
        """By kind and destination."""
        listed = self.get(f"/api/v1/studies/{study_id}")["deliveries"]
        return {(d["kind"], d["destination"]): d for d in listed}

    def message_bytes(self, message_id):
        return bytes(self.rows("select raw from message where id = ?", message_id)[0]["raw"])

    def blob(self, sha256):
        return (self.folder / "data" / "blobs" / sha256[:2] / f"{sha256}.dcm").read_bytes()

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


def parsed(line):
    try:
        return json.loads(line)
    except ValueError:
        return {"message": line.decode(errors="replace")}
