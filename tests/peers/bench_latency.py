#!/usr/bin/env python3
"""bench_latency.py [--runs 20]: from the last C-STORE response to the changed worklist and to the page that SMTP took.

A head CT of 320 slices of 512² (`tocsin synth head-ct`, 0.5 mm) with a bleed is sent again and again, each time as another
study. The clock starts when the response to its last image arrives. `worklist` is when GET /api/v1/worklist first shows the
study flagged (asked every 50 ms), `page` when the mail server said 250. Of both the model's own time is taken off: the
milliseconds of ONNX Runtime in the study's timeline ("model N ms"); decoding, checking, resampling and measuring are not taken off.
"""
import argparse
import itertools
import json
import os
import re
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from load import ONE_PERSON, order
from mailbox import Mailbox
from mllp import Client, code_of
from phantoms import Template, synth
from senders import associate
from service import Service, binary

TARGET_SECONDS = 1.5
MEMORY_TARGET_MB = 400


def send(port, study):
    """One association; when the last response came."""
    association = associate(port, "CT1")
    began = time.time()
    for image in study["images"]:
        assert association.send_c_store(image["path"]).Status == 0
    last = time.time()
    association.release()
    return last, last - began


def flagged_at(service, uid, limit=300):
    until = time.time() + limit
    while time.time() < until:
        for item in service.get("/api/v1/worklist?limit=200")["items"]:
            if item["study_uid"] == uid and any(ai["state"] == "flagged" for ai in item["ai"]):
                return time.time(), item["study_id"]
        time.sleep(0.05)
    raise SystemExit(f"the study was not flagged within {limit} s; see {service.log}")


def page_at(mailbox, seen, limit=60):
    until = time.time() + limit
    while time.time() < until:
        if len(mailbox.mails) > seen:
            return mailbox.mails[seen]["at"]
        time.sleep(0.01)
    raise SystemExit("no page came")


def stages(timeline):
    """What the timeline says: the parts of the analysis, and the milliseconds between its events after the last image."""
    finished = next(e for e in timeline if e["event"] == "inference_finished")
    decoding, checking, resampling, model, measuring = map(int, re.findall(r"(\d+) ms", finished["detail"]))
    names = ["inference_started", "inference_finished", "ai_on_worklist", "page_queued", "page_accepted"]
    steps = {e["event"]: e["ms_since_previous"] for e in timeline if e["event"] in names}
    parts = {"decoding_ms": decoding, "checking_ms": checking, "resampling_ms": resampling}
    return {**parts, "model_ms": model, "measuring_ms": measuring, "steps_ms": steps}


def run(service, mailbox, template, folder, number):
    study = template.study(folder / "study", number)
    control_id = f"L{number:05}"
    with Client(service.hl7) as client:
        assert code_of(client.send(order(control_id, study)), control_id) == "AA"
    pages = len(mailbox.mails)
    last, sending = send(service.dicom, study)
    seen, study_id = flagged_at(service, study["uid"])
    paged = page_at(mailbox, pages)
    until = time.time() + 10
    timeline = []
    while time.time() < until and not any(e["event"] == "page_accepted" for e in timeline):
        timeline = service.get(f"/api/v1/studies/{study_id}")["timeline"]
    parts = stages(timeline)
    shutil.rmtree(folder / "study")
    model = parts["model_ms"] / 1000
    return {
        "load_1_min": round(os.getloadavg()[0], 2), "sending_s": round(sending, 2),
        "worklist_s": round(seen - last, 3), "page_s": round(paged - last, 3),
        "worklist_less_model_s": round(seen - last - model, 3), "page_less_model_s": round(paged - last - model, 3),
        **parts,
    }


def percentiles(runs, key):
    values = sorted(r[key] for r in runs)
    at = min(len(values) - 1, round(0.95 * (len(values) - 1)))
    return {"p50": statistics.median(values), "p95": values[at], "max": values[-1]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--slices", type=int, default=320)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tocsin-latency-") as temporary:
        folder, mailbox = Path(temporary), Mailbox()
        service = Service(folder / "service", alerts={**ONE_PERSON, **mailbox.channel()})
        files = synth(
            folder / "phantom", "--finding", "iph", "--volume-ml", "40", "--seed", "7", "--slice-mm", "0.5",
            "--slices", str(args.slices),
        )
        template = Template("bleed", files)
        try:
            service.start()
            while not service.logged("model ready"):
                time.sleep(0.2)
            runs = []
            for number in itertools.islice(itertools.count(1), args.runs + 1):
                runs.append(run(service, mailbox, template, folder, number))
                print(json.dumps(runs[-1]), flush=True)
            warm = runs[1:]
            keys = [
                "worklist_s", "page_s", "worklist_less_model_s", "page_less_model_s", "model_ms", "decoding_ms", "resampling_ms",
                "measuring_ms",
            ]
            memory = service.peak_memory_mb()
            summary = {
                "program": str(binary()), "cores": os.cpu_count(), "load_1_min": round(os.getloadavg()[0], 2),
                "slices": args.slices, "runs": len(warm), "first_run_left_out": True,
                **{key: percentiles(warm, key) for key in keys},
                "service_peak_memory_mb": round(memory), "memory_within_target": memory <= MEMORY_TARGET_MB,
                "latency_within_target": all(
                    percentiles(warm, k)["p95"] <= TARGET_SECONDS for k in ("worklist_less_model_s", "page_less_model_s")
                ),
            }
            print(json.dumps(summary, indent=2))
        finally:
            service.end()
            mailbox.close()


if __name__ == "__main__":
    main()
