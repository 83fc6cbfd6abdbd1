#!/usr/bin/env python3
"""two_processes.py: two services on one PostgreSQL and one folder of images. What is sent to one is read by either, stands on the list of
both, and is heard by the browsers of the other; a study is claimed once. Prints what was seen as JSON."""
import json
import os
import queue
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path

from campaign_kill import create_database
from objects import files_below
from phantoms import synth
from scu import CT, EXPLICIT, Association
from service import REPOSITORY, Service, until


def follow(service, heard):
    """The touches of the stream of /live, as they come."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{service.http}/live", headers={"Authorization": f"Bearer {service.token}", "Accept": "text/event-stream"}
    )
    with urllib.request.urlopen(request, timeout=120) as stream:
        for line in stream:
            if line.startswith(b"data: "):
                heard.put(line.decode())


def main():
    server = os.environ.get("TOCSIN_TEST_POSTGRES_URL")
    if not server:
        os.execv(str(REPOSITORY / "scripts/with-postgres"), ["with-postgres", sys.executable, *sys.argv])
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        shared = {"database": {"url": create_database(server)}, "storage": {"url": f"file://{folder / 'blobs'}"}}
        one, other = (Service(folder / name, **shared) for name in ("one", "other"))
        try:
            for service, who in [(one, "mia"), (other, "noah")]:
                service.start()
                made = service.run("token", "create", "--role", "radiologist", "--name", who)
                service.act_as(made.stdout.strip())
            print(json.dumps(seen(one, other, folder)))
        finally:
            one.end()
            other.end()


def seen(one, other, folder):
    heard = queue.Queue()
    threading.Thread(target=follow, args=(other, heard), daemon=True).start()
    heard.get(timeout=30)  # The stream is open.
    synth(folder / "head", "--finding", "iph", "--volume-ml", "30", "--seed", "5", "--matrix", "128")
    with Association(one.dicom, [(CT, [EXPLICIT])]) as association:
        files = files_below(folder / "head")
        answers = {association.store(CT, file.instance, file.data_set, 1).status for file in files}
        association.release()
    study = until("the study on the other's list", lambda: next(iter(other.every("/api/v1/worklist")), None))
    other.ai(study["study_uid"], ["flagged"])
    while study["study_id"] not in heard.get(timeout=60):  # Raises when nothing of it is heard in time.
        pass
    path = f"/api/v1/studies/{study['study_id']}/claim"
    claims = [other.post(path, raw=True)[0], one.post(path, raw=True)[0]]
    events = [entry["event"] for entry in one.get(f"/api/v1/studies/{study['study_id']}")["timeline"]]
    listed = [[item["study_uid"] for item in service.every("/api/v1/worklist")] for service in (one, other)]
    return {"answers": sorted(answers), "claims": claims, "listed": listed, "runs": events.count("inference_finished")}


if __name__ == "__main__":
    main()
