#!/usr/bin/env python3
"""campaign_kill.py --kills N --database sqlite|postgres --seed S: kills the service under load and holds it to its word.

A RIS sends 20 messages a second, four scanners one association after another; at random moments that the seed decides the
whole process group is killed with -9 and started again at once. Everything that was acknowledged is noted outside. After
the last restart nothing acknowledged may be lost or changed, nothing may be there twice, no study may stand still, and no
page may be missing. Prints what it saw as JSON; exits with 1 on any violation.

--self-test removes one acknowledged object and one acknowledged message before the comparison; it passes (0) only if both
are missed, and so shows that the comparison can fail.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

import verdicts
from load import ONE_PERSON, Feed, Ledger, Scanner
from mailbox import Mailbox
from phantoms import Template, synth
from rows import Rows
from service import REPOSITORY, Service, binary

READY_LIMIT_SECONDS = 5.0
HEAL_LIMIT_SECONDS = 60.0
EXPECTED = {"bleed": "flagged", "clean": "not_flagged", "chest": "not_eligible"}
NOT_THE_HEAD = {"BodyPartExamined": "CHEST", "StudyDescription": "CT CHEST", "SeriesDescription": "CHEST AXIAL"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--messages-per-second", type=float, default=20)
    parser.add_argument("--images-per-second", type=float, default=8, help="of each of the four scanners")
    parser.add_argument("--head-every", type=float, default=8, help="seconds between head CTs, which a model reads")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--keep", type=Path, help="folder to work in and to leave behind")
    return parser.parse_args()


class Studies:
    """What the scanners send next: heads now and then, so that the model keeps up, else what no model reads."""

    def __init__(self, folder, templates, ledger, ris, rng, head_every):
        self.folder, self.templates, self.ledger, self.ris = folder, templates, ledger, ris
        self.random, self.head_every = rng, head_every
        self.lock, self.number, self.next_head = threading.Lock(), 0, 0.0

    def take(self):
        with self.lock:
            self.number += 1
            number, name = self.number, "chest"
            if time.monotonic() >= self.next_head:
                self.next_head = time.monotonic() + self.head_every
                name = self.random.choice(["bleed", "bleed", "clean"])
        return self.make(name, number)

    def make(self, name, number):
        changes = NOT_THE_HEAD if name == "chest" else {}
        study = self.templates[name].study(self.folder / f"{number:05}", number, **changes)
        with self.ledger.lock:
            self.ledger.studies.append(study)
        self.ris.order(study)
        return study


def templates(folder):
    small = ["--matrix", "128", "--slice-mm", "5", "--slices", "30"]
    clean = synth(folder / "clean", "--finding", "none", "--seed", "12", *small)
    return {
        "bleed": Template("bleed", synth(folder / "bleed", "--finding", "iph", "--volume-ml", "40", "--seed", "11", *small)),
        "clean": Template("clean", clean),
        "chest": Template("chest", clean[:12]),
    }


def create_database(server):
    name = f"kill_{uuid.uuid4().hex}"
    subprocess.run(["psql", server, "-X", "-q", "-c", f"CREATE DATABASE {name}"], check=True)
    return server.rsplit("/", 1)[0] + f"/{name}"


def unfinished(rows, under_load):
    """What still has to happen, in words; empty when all is done. Under load there is always a message to apply."""
    questions = {
        "messages to apply": "SELECT count(*) AS n FROM message WHERE direction = 'in' AND state = 'received'",
        "studies not settled": "SELECT count(*) AS n FROM study WHERE state <> 'settled'",
        "studies not decided": "SELECT count(*) AS n FROM study WHERE id NOT IN (SELECT study_id FROM analysis)",
        "analyses": "SELECT count(*) AS n FROM analysis WHERE state IN ('waiting', 'queued', 'running')",
        "pages": "SELECT count(*) AS n FROM notification WHERE state IN ('pending', 'sending', 'unknown', 'failed')",
        "jobs": (
            "SELECT count(*) AS n FROM job WHERE kind <> 'apply_message' "
            f"AND (state = 1 OR (state = 0 AND run_at < {int(time.time() * 1e6)}))"
        ),
    }
    if under_load:
        del questions["messages to apply"]
    counts = {what: rows.query(sql)[0]["n"] for what, sql in questions.items()}
    return {what: n for what, n in counts.items() if n}


def settle(rows, limit, under_load=False):
    """Waits until nothing is left to do for half a second; the seconds it took and what was left."""
    began, calm = time.monotonic(), 0
    while time.monotonic() - began < limit:
        left = unfinished(rows, under_load)
        calm = calm + 1 if not left else 0
        if calm == 2:
            return time.monotonic() - began, {}
        time.sleep(0.25)
    return time.monotonic() - began, unfinished(rows, under_load)


def control(service, studies, rows, ledger):
    """Without kills: each template says what it must. Shows that the service works at all."""
    stop = threading.Event()
    for number, name in enumerate(EXPECTED):
        study = studies.make(name, 90_000 + number)
        scanner = Scanner("CONTROL", service.dicom, ledger, 50, lambda s=study: (stop.set(), s)[1], stop, 0)
        scanner.start()
        scanner.join(120)
        stop.clear()
    seconds, left = settle(rows, 180, under_load=True)
    faults, outcomes = verdicts.studies(rows, ledger, EXPECTED)
    if left or faults:
        raise SystemExit(f"the service fails without kills: {left} {faults} {outcomes}; see {service.log}")
    return seconds


def kill_again_and_again(service, kills, rng):
    """Kills and restarts; the times of the kills, and for each restart the seconds until it was ready."""
    killed, ready = [], []
    for _ in range(kills):
        life = rng.uniform(0.05, 1.0) if rng.random() < 0.15 else rng.uniform(1.5, 6.0)
        began, seconds = time.monotonic(), None
        while time.monotonic() - began < life:
            if seconds is None and service.ready()[0]:
                seconds = time.monotonic() - began
            time.sleep(0.02)
        if not service.alive():
            raise SystemExit(f"tocsin ended by itself with {service.process.returncode}; see {service.log}")
        if seconds is not None:
            ready.append(seconds)
        service.kill()
        killed.append(time.time())
        service.launch()
    ready.append(service.wait_ready())
    return killed, ready


def damage(rows, ledger, blobs):
    """Removes an object and a message that were acknowledged; what must be missed."""
    uid, image = next(iter(ledger.instances.items()))
    (blobs / image["sha256"][:2] / f"{image['sha256']}.dcm").unlink()
    control_id = next(iter(ledger.messages))
    rows.execute(f"DELETE FROM message WHERE control_id = '{control_id}' AND direction = 'in'")
    return {f"lost blob {uid}", f"lost message {control_id}"}


def percentile(values, share):
    values = sorted(values)
    return round(values[min(len(values) - 1, int(share * len(values)))], 3) if values else None


def campaign(args, folder, database):
    rng = random.Random(args.seed)
    mailbox = Mailbox()
    sections = {"database": {"url": database}} if database else {}
    service = Service(folder / "service", alerts={**ONE_PERSON, **mailbox.channel()}, **sections)
    rows, ledger, stop = Rows(service.database), Ledger(), threading.Event()
    phantoms = templates(folder / "templates")
    try:
        service.start()
        ris = [Feed(service.hl7, ledger, args.messages_per_second / 2, rng.random(), stop, name) for name in "RQ"]
        studies = Studies(folder / "studies", phantoms, ledger, ris[0], rng, args.head_every)
        scanners = [
            Scanner(f"CT{n}", service.dicom, ledger, args.images_per_second, studies.take, stop, rng.random())
            for n in range(4)
        ]
        for sender in ris:
            sender.start()
        control_seconds = control(service, studies, rows, ledger)
        for scanner in scanners:
            scanner.start()
        began = time.monotonic()
        killed, ready = kill_again_and_again(service, args.kills, rng)
        lasted = time.monotonic() - began
        stop.set()
        for sender in [*scanners, *ris]:
            sender.join(180)
        senders_left = [sender.name for sender in [*scanners, *ris] if sender.is_alive()]
        model_seconds = model_time_left(rows)
        heal_limit = HEAL_LIMIT_SECONDS + model_seconds
        healed, left = settle(rows, heal_limit)
        exit_code, stop_seconds = service.terminate()
        missed = damage(rows, ledger, service.blobs) if args.self_test else set()
        audit = service.run("audit", "verify")
        return judge(locals())
    finally:
        service.end()
        mailbox.close()


def model_time_left(rows):
    """What the model still has to compute after the last restart, by the mean of what it took before."""
    done = rows.query("SELECT coalesce(avg(inference_ms), 5000) AS mean FROM analysis WHERE inference_ms > 0")
    open_ = rows.query("SELECT count(*) AS n FROM analysis WHERE state IN ('waiting', 'queued', 'running')")
    return 2 * float(done[0]["mean"]) / 1000 * open_[0]["n"]


def judge(seen):
    """Everything that was seen in a campaign, and whether it may be so."""
    args, rows, ledger = seen["args"], seen["rows"], seen["ledger"]
    faults = [
        *verdicts.messages(rows, ledger),
        *verdicts.instances(rows, ledger, seen["service"].blobs),
        *verdicts.duplicates(rows),
        *verdicts.jobs(rows),
    ]
    study_faults, outcomes = verdicts.studies(rows, ledger, EXPECTED)
    page_faults, repeats = verdicts.pages(rows, seen["mailbox"].mails, seen["killed"])
    faults += study_faults + page_faults
    ready, slowest = seen["ready"], max(seen["ready"])
    if slowest > READY_LIMIT_SECONDS:
        faults.append(f"ready only after {slowest:.1f} s")
    if seen["left"]:
        faults.append(f"not healed {seen['heal_limit']:.0f} s after the last restart: {seen['left']}")
    if seen["senders_left"]:
        faults.append(f"senders that never got their answers: {seen['senders_left']}")
    if seen["exit_code"] != 0 or seen["stop_seconds"] > 20:
        faults.append(f"SIGTERM: exit {seen['exit_code']} after {seen['stop_seconds']:.1f} s")
    if seen["audit"].returncode != 0:
        faults.append(f"audit verify: {seen['audit'].stdout}{seen['audit'].stderr}")
    return {
        "kills": len(seen["killed"]), "database": args.database, "seed": args.seed, "program": str(binary()),
        "seconds": round(seen["lasted"], 1),
        "acknowledged": {"messages": len(ledger.messages), "instances": len(ledger.instances)},
        "sent_again": {"messages": ledger.resent_messages, "instances": ledger.resent_instances},
        "refused": len(ledger.refused), "refusals": ledger.refused[:5],
        "studies": len(ledger.studies), "outcomes": outcomes,
        "pages": len(seen["mailbox"].mails), "pages_repeated_in_the_window": repeats,
        "ready_seconds": {"measured": len(ready), "p95": percentile(ready, 0.95), "max": round(slowest, 3)},
        "slowest_answer_to_a_message_seconds": round(max(ris.slowest for ris in seen["ris"]), 3),
        "healed_seconds_after_the_senders": round(seen["healed"], 1),
        "stop_seconds": round(seen["stop_seconds"], 2),
        "removed_on_purpose": sorted(seen["missed"]),
        "violations": faults,
    }


def main():
    args = arguments()
    server = os.environ.get("TOCSIN_TEST_POSTGRES_URL")
    if args.database == "postgres" and not server:
        os.execv(str(REPOSITORY / "scripts/with-postgres"), ["with-postgres", sys.executable, *sys.argv])
    database = create_database(server) if args.database == "postgres" else None
    with tempfile.TemporaryDirectory(prefix="tocsin-kill-") as temporary:
        folder = args.keep or Path(temporary)
        seen = campaign(args, folder, database)
    print(json.dumps(seen, indent=2))
    if args.self_test:
        missed = set(seen["removed_on_purpose"])
        sys.exit(0 if missed and missed <= set(seen["violations"]) else 1)
    sys.exit(1 if seen["violations"] else 0)


if __name__ == "__main__":
    main()
