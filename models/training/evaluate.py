"""Measures an exported model on phantoms that training never saw: sensitivity and specificity with Wilson 95 % intervals,
and the error of the volume. Uses the same operations as the server, and the operating point of the manifest beside the network."""

from __future__ import annotations

import argparse
import json
import math
import pathlib
import tomllib

import numpy as np
import onnxruntime as ort

import preprocess as pp
from dump import read_dump


def wilson(k: int, n: int) -> tuple[float, float]:
    if n == 0:
        return 0.0, 1.0
    z, p = 1.959964, k / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def volumes(session, volume, offsets, spacing, min_component_ml: float) -> list[float]:
    """Components at or above the minimum, mL, largest first."""
    x, grid = pp.model_input(volume, offsets, spacing)
    logits = np.concatenate([session.run(None, {"input": x[k:k + 8]})[0] for k in range(0, len(x), 8)])[:, 0]
    mask = pp.back_to_series(1 / (1 + np.exp(-logits)), grid)
    return [v for v in pp.components_ml(mask, offsets, spacing) if v >= min_component_ml]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("onnx", type=pathlib.Path)
    parser.add_argument("dump", type=pathlib.Path)
    parser.add_argument("--total-ml", type=float, help="instead of the manifest's")
    parser.add_argument("--largest-ml", type=float, help="instead of the manifest's")
    args = parser.parse_args()
    manifest = tomllib.loads(args.onnx.with_name("manifest.toml").read_text())
    finding, quantification = manifest["findings"][0], manifest["quantification"]
    total_ml = finding["total_ml"] if args.total_ml is None else args.total_ml
    largest_ml = finding["largest_component_ml"] if args.largest_ml is None else args.largest_ml
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    session = ort.InferenceSession(str(args.onnx), options, providers=["CPUExecutionProvider"])
    rows = []
    for path in sorted(args.dump.glob("*.json")):
        volume, mask, offsets, spacing, truth = read_dump(args.dump, int(path.stem))
        found = volumes(session, volume, offsets, spacing, quantification["min_component_ml"])
        true_ml = float((mask.reshape(len(mask), -1).sum(axis=1) * pp.slice_volume_ml(offsets, spacing)).sum())
        rows.append((path.stem, true_ml, sum(found), found[0] if found else 0.0))
        print(json.dumps({"seed": path.stem, "true_ml": round(true_ml, 2), "found_ml": round(sum(found), 2),
                          "largest_ml": round(rows[-1][3], 2), "type": str(truth.get("finding"))}), flush=True)
    flagged = lambda row: row[2] >= total_ml and row[3] >= largest_ml
    big = [r for r in rows if r[1] >= 5]
    small = [r for r in rows if 0 < r[1] < 5]
    none = [r for r in rows if r[1] == 0]
    for name, group, wanted in (("sensitivity >= 5 mL", big, True), ("sensitivity < 5 mL", small, True), ("specificity", none, False)):
        k = sum(flagged(r) == wanted for r in group)
        low, high = wilson(k, len(group))
        print(f"{name}: {k}/{len(group)} = {k / max(1, len(group)):.3f} ({low:.3f}-{high:.3f})")
    errors = [abs(r[2] - r[1]) / r[1] for r in rows if r[1] > 0]
    if errors:
        print(f"median volume error: {np.median(errors) * 100:.1f} %, 90th percentile {np.quantile(errors, 0.9) * 100:.1f} %")


if __name__ == "__main__":
    main()
