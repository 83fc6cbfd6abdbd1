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
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from phantoms import Template, synth
from senders import Mllp, code_of, message
from service import Service, binary, free_ports


def fdatasync_ms(folder, count=200):
    """The mean of an append of 4 KiB and its fdatasync."""
    with open(folder / "probe", "wb", buffering=0) as file:
        began = time.perf_counter()
        for _ in range(count):
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
    (folder / "probe").unlink()
    return 1000 * (time.perf_counter() - began) / count


def wait_port(port, process):
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert process.poll() is None, process.args
        time.sleep(0.05)
    raise SystemExit(f"nothing listens: {process.args}")


@contextlib.contextmanager
def storescp(folder):
    (folder / "scp").mkdir()
    (port,) = free_ports(1)
    command = ["storescp", "--fork", "-od", str(folder / "scp"), "-aet", "SCP", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_port(port, process)
    try:
        yield port
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def orthanc(folder):
    (folder / "orthanc").mkdir()
    dicom, http = free_ports(2)
    config = folder / "orthanc.json"
    settings = {
        "StorageDirectory": str(folder / "orthanc"), "IndexDirectory": str(folder / "orthanc"), "DicomPort": dicom,
        "HttpPort": http, "DicomAet": "SCP", "DicomCheckCalledAet": False, "DicomAlwaysAllowStore": True, "Plugins": [],
    }
    config.write_text(json.dumps(settings))
    process = subprocess.Popen(["Orthanc", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_port(dicom, process)
    try:
        yield dicom
    finally:
        process.kill()
        process.wait()


def rate(template, folder, port, images, associations):
    """Images a second; each association sends a study of its own."""
    parts = []
    for number in range(associations):
        whole = template.study(folder / f"send{number}", int(time.time() * 10) % 900_000 + number)
        parts.append([str(image["path"]) for image in whole["images"][: images // associations]])
    began = time.perf_counter()
    senders = [
        subprocess.Popen(["storescu", "-aec", "TOCSIN", "-R", "127.0.0.1", str(port), *files]) for files in parts
    ]
    codes = [sender.wait() for sender in senders]
    seconds = time.perf_counter() - began
    assert set(codes) == {0}, codes
    for number in range(associations):
        shutil.rmtree(folder / f"send{number}")
    return sum(len(files) for files in parts) / seconds


def syncs_per_instance(service, template, folder, images, associations):
    if shutil.which("strace") is None:
        return None
    command = ["strace", "-f", "-c", "-e", "trace=fsync,fdatasync,syncfs", "-p", str(service.process.pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    rate(template, folder, service.dicom, images, associations)
    tracer.send_signal(signal.SIGINT)
    table = tracer.communicate(timeout=30)[1]
    calls = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(?:fsync|fdatasync|syncfs)$", table, re.MULTILINE)
    return round(sum(map(int, calls)) / images, 2) if calls else None


def mllp_rate(service, connections, seconds=5):
    counts = [0] * connections

    def work(index):
        link, until = Mllp(service.hl7), time.monotonic() + seconds
        while time.monotonic() < until:
            control_id = f"B{connections}x{index}x{counts[index]}"
            raw = message("ADT^A08^ADT_A01", control_id, {"patient": f"B{index}"})
            assert code_of(link.exchange(raw), control_id) == "AA"
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
        service = Service(folder / "service").start()
        try:
            service.wait_ready()
            probe = fdatasync_ms(folder)
            # "CHEST": no model reads it, so that receiving is all that is measured.
            for ds in template.slices:
                ds.BodyPartExamined, ds.StudyDescription, ds.SeriesDescription = "CHEST", "CT CHEST", "CHEST"
            rates = {}
            with contextlib.ExitStack() as stack:
                ports = {"tocsin": service.dicom, "storescp": stack.enter_context(storescp(folder))}
                if shutil.which("Orthanc"):
                    ports["orthanc"] = stack.enter_context(orthanc(folder))
                for associations in (1, 4):
                    for name, port in ports.items():
                        rates[f"{name}_{associations}"] = round(rate(template, folder, port, args.images, associations), 1)
            messages = {f"connections_{n}": round(mllp_rate(service, n), 1) for n in (1, 8)}
            syncs = {
                f"associations_{n}": syncs_per_instance(service, template, folder, args.images, n) for n in (1, 4)
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
