"""Makes a golden case: a small phantom and what the exported model says of it, checked whenever the model is loaded."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import pathlib

import numpy as np
import onnxruntime as ort

import preprocess as pp
from dump import read_dump
from evaluate import volumes

#: The image is thinned by this factor in its plane and its values to multiples of 4 HU, so that the file stays small.
THIN, STEP = 3, 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("onnx", type=pathlib.Path)
    parser.add_argument("dump", type=pathlib.Path)
    parser.add_argument("seed", type=int)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--name", default="bleed")
    args = parser.parse_args()
    volume, _, offsets, spacing, truth = read_dump(args.dump, args.seed)
    small = np.ascontiguousarray((volume[:, ::THIN, ::THIN] // STEP * STEP).astype("<i2"))
    spacing = (spacing[0] * THIN, spacing[1] * THIN)
    session = ort.InferenceSession(str(args.onnx), providers=["CPUExecutionProvider"])
    found = sum(volumes(session, small, offsets, spacing, 0.0))
    raw = io.BytesIO()
    np.save(raw, small)
    path = args.out / f"{args.name}.npy.gz"
    path.write_bytes(gzip.compress(raw.getvalue(), 9, mtime=0))
    print(f"[[golden]]\nname = \"{args.name}\"\ninput = \"golden/{path.name}\"")
    print(f"sha256 = \"{hashlib.sha256(path.read_bytes()).hexdigest()}\"")
    print(f"spacing_mm = [{float(offsets[1] - offsets[0])}, {spacing[0]}, {spacing[1]}]")
    print(f"expect = [{{ output = \"output\", class = \"intracranial-hemorrhage\", figure = \"volume_ml\", "
          f"value = {found:.3f}, tolerance = {max(0.2, 0.03 * found):.3f} }}]")
    print(f"# {path.stat().st_size} bytes, {small.shape}, true finding {truth['finding']}")


if __name__ == "__main__":
    main()
