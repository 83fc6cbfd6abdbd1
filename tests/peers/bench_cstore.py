#!/usr/bin/env python3
"""bench_cstore.py [--images 300]: images a second from dcmtk's storescu as it comes (Nagle on), one and four associations.

The same files go to Tocsin, to dcmtk's storescp and to Orthanc (where installed) in one run, because a disk and a machine
are only like themselves: the ratios count. The machine's fdatasync is measured in the same run; syncs per instance are
counted by strace in a run of their own. MLLP messages a second beside it, as a share of one fdatasync per message.
"""
import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hl7
from load import ONE_PERSON
from mllp import Client, code_of
from neighbours import Orthanc, Storescp
from phantoms import Template, synth
from senders import dcmtk
from service import Service, binary


def fdatasync_ms(folder, count=200):
    """The mean of an append of 4 KiB and its fdatasync."""
    with open(folder / "probe", "wb", buffering=0) as file:
        began = time.perf_counter()
        for _ in range(count):
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
    (folder / "probe").unlink()
    return 1000 * (time.perf_counter() - began) / count


def rate(template, folder, port, images, associations):
    """Images a second; each association sends a study of its own."""
    parts = []
    for number in range(associations):
        whole = template.study(folder / f"send{number}", int(time.time() * 10) % 900_000 + number)
        parts.append([str(image["path"]) for image in whole["images"][: images // associations]])
    began = time.perf_counter()
    command = ["storescu", "-aec", "TOCSIN", "-R", "127.0.0.1", port]
    with ThreadPoolExecutor(associations) as pool:
        sent = list(pool.map(lambda files: dcmtk(*command, *files, timeout=None), parts))
    seconds = time.perf_counter() - began
    assert {one.returncode for one in sent} == {0}, [one.stderr for one in sent]
    for number in range(associations):
        shutil.rmtree(folder / f"send{number}")
    return sum(len(files) for files in parts) / seconds


def syncs_per_instance(template, folder, images, associations):
    """A service of its own under strace, which stops it at the counted calls alone (a seccomp filter), so that it keeps its pace."""
    if shutil.which("strace") is None:
        return None
    table = folder / f"syncs{associations}"
    count = ["strace", "-f", "--seccomp-bpf", "-c", "-o", str(table), "-e", "trace=fsync,fdatasync,syncfs"]
    service = Service(folder / f"counted{associations}", launcher=count, alerts=ONE_PERSON).start()
    pace = rate(template, folder, service.dicom, images, associations)
    traced = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text().split()
    os.kill(int(traced[0]), signal.SIGTERM)
    service.process.wait(30)
    calls = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(?:fsync|fdatasync|syncfs)$", table.read_text(), re.MULTILINE)
    return {"per_instance": round(sum(map(int, calls)) / images, 2), "images_per_second": round(pace, 1)}


def mllp_rate(service, connections, seconds=5):
    counts = [0] * connections

    def work(index):
        until = time.monotonic() + seconds
        with Client(service.hl7) as client:
            while time.monotonic() < until:
                control_id = f"B{connections}x{index}x{counts[index]}"
                assert code_of(client.send(hl7.visit(control_id, f"B{index}", "A08")), control_id) == "AA"
                counts[index] += 1

    threads = [threading.Thread(target=work, args=(index,)) for index in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=300)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tocsin-cstore-") as temporary:
        folder = Path(temporary)
        slices = ["--slice-mm", "0.5", "--slices", str(args.images)]
        template = Template("head", synth(folder / "phantom", "--finding", "none", "--seed", "8", *slices))
        service = Service(folder / "service", alerts=ONE_PERSON)
        try:
            service.start()
            probe = fdatasync_ms(folder)
            # "CHEST": no model reads it, so that receiving is all that is measured.
            for ds in template.slices:
                ds.BodyPartExamined, ds.StudyDescription, ds.SeriesDescription = "CHEST", "CT CHEST", "CHEST"
            rates = {}
            with contextlib.ExitStack() as stack:
                # Each as it comes: without the options and the short timeout of the tests.
                archives = {"storescp": Storescp(folder / "scp", options=())}
                stack.callback(archives["storescp"].stop)
                if shutil.which("Orthanc"):
                    archives["orthanc"] = Orthanc(folder / "orthanc", DicomScpTimeout=30)
                    stack.callback(archives["orthanc"].stop)
                ports = {"tocsin": service.dicom, **{name: archive.port for name, archive in archives.items()}}
                for associations in (1, 4):
                    for name, port in ports.items():
                        rates[f"{name}_{associations}"] = round(rate(template, folder, port, args.images, associations), 1)
            messages = {f"connections_{n}": round(mllp_rate(service, n), 1) for n in (1, 8)}
            syncs = {
                f"associations_{n}": syncs_per_instance(template, folder, args.images, n) for n in (1, 4)
            }
            probe_after = fdatasync_ms(folder)
        finally:
            service.end()
    ceiling = 1000 / ((probe + probe_after) / 2)
    print(
        json.dumps(
            {
                "program": str(binary()), "cores": os.cpu_count(), "load_1_min": round(os.getloadavg()[0], 2),
                "images": args.images, "fdatasync_ms": {"before": round(probe, 2), "after": round(probe_after, 2)},
                "images_per_second": rates,
                "tocsin_to_other": {
                    key: round(rates[f"tocsin_{key[-1]}"] / value, 2)
                    for key, value in rates.items() if not key.startswith("tocsin")
                },
                "images_per_second_times_fdatasync": {
                    key: round(value / ceiling, 2) for key, value in rates.items() if key.startswith("tocsin")
                },
                "syncs_per_instance": syncs,
                "messages_per_second": messages,
                "messages_per_second_times_fdatasync": {k: round(v / ceiling, 2) for k, v in messages.items()},
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
