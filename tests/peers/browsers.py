"""Browsers in front of the pages, as their scripts behave: one stream of /live each, the list asked for again after a touch, and
a page opened every few seconds. One thread, one connection for requests and one for the stream per browser; times of all.
"""
import asyncio
import gzip
import itertools
import json
import random
import re
import time
from collections import Counter, defaultdict

GATHER_SECONDS = (0.15, 0.75)  # worklist.js: each page has its own, so that not all ask at once
READS_SECONDS = (3, 9)  # Between two pages of one person.
FORM = "application/x-www-form-urlencoded"
REFRESH = {"X-Tocsin-Refresh": "1"}


class Connection:
    """HTTP/1.1 over one connection that is kept; opened again when the other side closed it."""

    def __init__(self, port, cookie=""):
        self.port, self.cookie, self.streams = port, cookie, None

    async def request(self, method, path, body=b"", headers=()):
        """Status, headers, body as it came."""
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        try:
            writer.write(self.head(method, path, body, headers) + body)
            status, found = await self.answer(reader)
            return status, found, await self.body(reader, found)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            self.close()
            raise

    def head(self, method, path, body, headers):
        said = {"Host": f"127.0.0.1:{self.port}", "Accept": "text/html", "Accept-Encoding": "gzip", "Cookie": self.cookie}
        said |= {**dict(headers), "Content-Length": len(body)}
        return "".join([f"{method} {path} HTTP/1.1\r\n", *(f"{k}: {v}\r\n" for k, v in said.items() if v != ""), "\r\n"]).encode()

    @staticmethod
    async def answer(reader):
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = dict((k.lower(), v.strip()) for k, v in (line.split(":", 1) for line in lines[1:] if line))
        return int(lines[0].split()[1]), headers

    @staticmethod
    async def body(reader, headers):
        if "content-length" in headers:
            return await reader.readexactly(int(headers["content-length"]))
        pieces = []
        while headers.get("transfer-encoding") == "chunked":
            size = int(await reader.readline(), 16)
            pieces.append((await reader.readexactly(size + 2))[:-2])
            if size == 0:
                break
        return b"".join(pieces)

    def close(self):
        if self.streams:
            self.streams[1].close()
        self.streams = None


class Seen:
    """What all browsers measured."""

    def __init__(self):
        self.began = time.time()
        self.seconds, self.errors, self.bytes = defaultdict(list), Counter(), defaultdict(list)
        #: Number of a change → when each browser heard of it.
        self.heard = defaultdict(list)
        self.open_streams = 0

    def reset(self):
        streams = self.open_streams
        self.__init__()
        self.open_streams = streams


async def sign_in(port, name, password):
    """The cookie of a session."""
    connection = Connection(port)
    body = f"name={name}&password={password}".encode()
    status, headers, _ = await connection.request("POST", "/sign-in", body, {"Content-Type": FORM})
    connection.close()
    assert status == 303, f"sign-in: {status}"
    return headers["set-cookie"].split(";")[0]


class Browser:
    def __init__(self, port, cookie, seen, seed):
        self.port, self.seen, self.random = port, seen, random.Random(seed)
        self.gather = self.random.uniform(*GATHER_SECONDS)
        self.pages, self.scripts, self.stream = (Connection(port, cookie) for _ in range(3))
        self.touched, self.studies = asyncio.Event(), []

    async def get(self, kind, connection, path, headers=()):
        """The body, unpacked; None where there was none."""
        began = time.perf_counter()
        try:
            status, found, body = await connection.request("GET", path, headers=headers)
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            self.seen.errors[f"{kind} {type(error).__name__}"] += 1
            return None
        self.seen.seconds[kind].append(time.perf_counter() - began)
        self.seen.bytes[kind].append(len(body))
        if status != 200:
            self.seen.errors[f"{kind} {status}"] += 1
            return None
        return gzip.decompress(body) if found.get("content-encoding") == "gzip" else body

    async def follow(self):
        """live-worker.js: the stream, opened again by itself."""
        last = ""
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                said = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
                writer.write(self.stream.head("GET", "/live", b"", said))
                status, _ = await Connection.answer(reader)
                assert status == 200, status
                self.seen.open_streams += 1
                last = await self.listen(reader, last)
            except (OSError, asyncio.IncompleteReadError, AssertionError) as error:
                self.seen.errors[f"live {type(error).__name__}"] += 1
            self.seen.open_streams -= 1
            await asyncio.sleep(2)

    async def listen(self, reader, last):
        while line := await reader.readline():
            if line.startswith(b"id: "):
                last = line[4:].decode().strip()
            elif line.startswith(b"event: touch"):
                self.seen.heard[int(last)].append(time.time())
                self.touched.set()
            elif line.startswith((b"event: begin", b"event: resync")):
                self.touched.set()
        return last

    async def refresh(self):
        """worklist.js: what came within the gathering time is asked for once, and once more if something came meanwhile."""
        while True:
            await self.touched.wait()
            await asyncio.sleep(self.gather)
            self.touched.clear()
            await self.get("rows", self.scripts, "/worklist/rows?", REFRESH)

    async def read(self):
        """Somebody at work: the list, a study of it, a picture of that."""
        await asyncio.sleep(self.random.uniform(0, READS_SECONDS[1]))
        for kind in itertools.cycle(["list", "study", "image"]):
            await getattr(self, kind)()
            await asyncio.sleep(self.random.uniform(*READS_SECONDS))

    async def list(self):
        html = await self.get("/", self.pages, "/")
        self.studies = re.findall(rb'href="/studies/([0-9a-f-]{36})" class="open"', html or b"")

    async def study(self):
        self.picture = None
        if self.studies:
            study = self.random.choice(self.studies).decode()
            html = await self.get("study page", self.pages, f"/studies/{study}")
            instances = re.findall(rb"instance_id&quot;:&quot;([0-9a-f-]{36})", html or b"")
            if instances:
                self.picture = f"/api/v1/studies/{study}/images/{self.random.choice(instances).decode()}/0?window=own"

    async def image(self):
        if self.picture:
            await self.get("image", self.pages, self.picture)

    def tasks(self):
        return [self.follow(), self.refresh(), self.read()]


def milliseconds(seconds):
    """What is said of many times."""
    values = sorted(1000 * value for value in seconds)
    if not values:
        return {"count": 0}
    at = lambda share: round(values[min(len(values) - 1, int(share * len(values)))], 1)
    return {"count": len(values), "p50": at(0.50), "p95": at(0.95), "p99": at(0.99), "max": round(values[-1], 1)}
