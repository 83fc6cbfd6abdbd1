#!/usr/bin/env python3
"""bench_inference.py [--slices 320] [--runs 7]: where the time of an analysis goes, as ratios of what is measured in one run.

A head CT of so many slices of 512² (`tocsin synth head-ct`, uncompressed) lies in files that the machine has read before.

  findings_over_raw   from files to findings and the stored mask, over ONNX Runtime alone on the same tensors made before (the
                      benchmark `speed` of tocsin-inference: the same code as in the child process, the session's own settings)
  python_over_ours    from files to the model's tensors, inference left out: pydicom and NumPy by models/training/preprocess.py
                      over ours; both once the files are in memory, the median of several rounds
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pydicom

from phantoms import synth
from service import REPOSITORY

TARGETS = {"findings_over_raw": 1.25, "python_over_ours": 5.0}
MANIFEST = REPOSITORY / "models" / "ich" / "manifest.toml"


def ours(folder, runs):
    """The line of JSON that the benchmark prints."""
    command = ["cargo", "bench", "-q", "-p", "tocsin-inference", "--bench", "speed", "--"]
    command += ["--package", REPOSITORY / "models" / "ich", "--folder", folder, "--runs", str(runs)]
    # As the child process has it, see src/inference/worker.rs.
    environment = {**os.environ, "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=REPOSITORY, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))


def preprocessing():
    """The training code's own way to the tensor, whichever of its two forms it has."""
    sys.path.insert(0, str(REPOSITORY / "models" / "training"))
    import preprocess

    if hasattr(preprocess, "Recipe"):
        recipe = preprocess.Recipe.read(MANIFEST)
        return lambda *series: preprocess.model_input(*series, recipe)
    return preprocess.model_input


def tensors(files, model_input):
    """From files to the tensor, as one would write it in Python: each file read, rescaled, sorted along the normal."""
    slices = [pydicom.dcmread(path) for path in files]
    normal = np.cross(*np.reshape(np.array(slices[0].ImageOrientationPatient, float), (2, 3)))
    slices.sort(key=lambda one: np.dot(normal, np.array(one.ImagePositionPatient, float)))
    offsets = np.array([np.dot(normal, np.array(one.ImagePositionPatient, float)) for one in slices])
    scaled = [one.pixel_array * float(one.RescaleSlope) + float(one.RescaleIntercept) for one in slices]
    volume = np.clip(np.rint(np.stack(scaled)), -1024, 3071).astype(np.int16)
    return model_input(volume, offsets, tuple(map(float, slices[0].PixelSpacing)))[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=320)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="files of one series instead of a phantom")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        files = sorted(args.folder.iterdir()) if args.folder else series(Path(scratch), args.slices)
        model_input = preprocessing()
        tensors(files, model_input)
        took = []
        for _ in range(max(2, args.runs // 3)):
            began = time.perf_counter()
            made = tensors(files, model_input)
            took.append(1000 * (time.perf_counter() - began))
        report = ours(files[0].parent, args.runs)
    assert made.size == report["tensor_values"], (made.shape, report["tensor_values"])
    report["python_files_to_tensors_ms"] = statistics.median(took)
    report["python_over_ours"] = report["python_files_to_tensors_ms"] / report["files_to_tensors_ms"]
    report |= {"slices": len(files), "cores": os.cpu_count(), "load_1_min": round(os.getloadavg()[0], 2)}
    report = {key: round(value, 3) if isinstance(value, float) else value for key, value in report.items()}
    print(json.dumps(report, indent=2))
    print(f"findings over raw {report['findings_over_raw']:.2f} (at most {TARGETS['findings_over_raw']}), "
          f"Python over ours {report['python_over_ours']:.1f} (at least {TARGETS['python_over_ours']})")


def series(scratch, slices):
    """The objects of a phantom by themselves."""
    made = synth(scratch / "phantom", "--finding", "iph", "--volume-ml", "30", "--seed", "5", "--slices", str(slices), "--slice-mm", "0.5")
    only = scratch / "series"
    only.mkdir()
    return [path.rename(only / path.name) for path in made]


if __name__ == "__main__":
    main()
