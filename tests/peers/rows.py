"""Reads the database of a service, SQLite or PostgreSQL, as lists of dicts. Writes only where a test or a measurement needs rows that nobody sent."""
import hashlib
import json
import sqlite3
import subprocess
from contextlib import closing


class Rows:
    def __init__(self, url):
        self.url = url
        self.sqlite = url.startswith("sqlite://")

    def query(self, sql, *values):
        """`values` stand for the question marks."""
        if self.sqlite:
            path = self.url.removeprefix("sqlite://")
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
                db.row_factory = sqlite3.Row
                db.create_function("sha256_hex", 1, lambda raw: hashlib.sha256(raw).hexdigest())
                return [dict(row) for row in db.execute(sql, values)]
        for value in values:
            sql = sql.replace("?", self.literal(value), 1)
        sql = sql.replace("sha256_hex(raw)", "encode(sha256(raw), 'hex')")
        text = self._psql(f"SELECT coalesce(json_agg(t), '[]') FROM ({sql}) t")
        return json.loads(text)

    def execute(self, sql):
        if self.sqlite:
            with sqlite3.connect(self.url.removeprefix("sqlite://")) as db:
                db.execute(sql)
        else:
            self._psql(sql)

    def literal(self, value):
        """A value as SQL."""
        if value is None:
            return "NULL"
        if isinstance(value, bool):
            return str(value).upper()
        return str(value) if isinstance(value, (int, float)) else "'" + value.replace("'", "''") + "'"

    def _psql(self, sql):
        command = ["psql", self.url, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        done = subprocess.run(command, input=sql, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout
