"""Runs the exported model on held-out phantoms exactly as the server does (preprocess.py) and prints the figures of the
card: sensitivity, specificity, volume error, with Wilson 95 % intervals. Trains nothing, changes nothing."""

from __future__ import annotations

import argparse
import json
import math
import pathlib

import numpy as np
import onnxruntime

import preprocess as pp
from dataset import read_dump


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Wilson score interval, 95 %."""
    if of == 0:
        return 0.0, 1.0
    z, p = 1.959964, hits / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return middle - half, middle + half


class Model:
    def __init__(self, file: pathlib.Path, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def probabilities(self, tensor: np.ndarray) -> np.ndarray:
        parts = [self.session.run(None, {"input": tensor[i:i + 8]})[0] for i in range(0, len(tensor), 8)]
        return 1 / (1 + np.exp(-np.concatenate(parts)[:, 0]))

    def mask(self, volume: np.ndarray, offsets, spacing) -> tuple[np.ndarray, float]:
        """Mask on the grid of the series, and the mean probability over the model's grid."""
        tensor, grid = pp.model_input(volume, offsets, spacing)
        p = self.probabilities(tensor)
        return pp.back_to_series(p, grid), float(p.mean())


def measure(model: Model, dump: pathlib.Path, seed: int) -> dict:
    volume, truth_mask, offsets, spacing, truth = read_dump(dump, seed)
    mask, _ = model.mask(volume, offsets, spacing)
    parts = pp.components_ml(mask, offsets, spacing)
    both = int((mask & truth_mask).sum())
    return {
        "seed": seed, "finding": truth["finding"], "location": truth["location"], "truth_ml": truth["volume_ml"],
        "total_ml": sum(parts), "largest_ml": parts[0] if parts else 0.0,
        "dice": 2 * both / max(1, int(mask.sum()) + int(truth_mask.sum())),
        "slices": len(offsets), "matrix": truth["geometry"]["rows"],
    }


def summary(rows: list[dict], total_ml: float, largest_ml: float) -> dict:
    flagged = [r["total_ml"] >= total_ml and r["largest_ml"] >= largest_ml for r in rows]
    out: dict = {"total_ml": total_ml, "largest_component_ml": largest_ml}

    def rate(name: str, chosen: list[bool]) -> None:
        low, high = wilson(sum(chosen), len(chosen))
        out[name] = {"hits": sum(chosen), "of": len(chosen), "low": round(low, 3), "high": round(high, 3)}

    rate("sensitivity_3_to_90_ml", [f for f, r in zip(flagged, rows) if r["truth_ml"] >= 3])
    rate("sensitivity_from_5_ml", [f for f, r in zip(flagged, rows) if r["truth_ml"] >= 5])
    for finding in ("intraparenchymal", "subdural", "epidural", "subarachnoid", "intraventricular"):
        rate(f"sensitivity_from_5_ml_{finding}",
             [f for f, r in zip(flagged, rows) if r["truth_ml"] >= 5 and r["finding"] == finding])
    rate("specificity", [not f for f, r in zip(flagged, rows) if r["truth_ml"] == 0])
    bleeds = [r for r in rows if r["truth_ml"] >= 3]
    errors = [abs(r["total_ml"] - r["truth_ml"]) / r["truth_ml"] for r in bleeds]
    if errors:
        quartiles = np.percentile(errors, [25, 50, 75])
        out["volume_error_median"] = round(float(quartiles[1]), 4)
        out["volume_error_quartiles"] = [round(float(quartiles[0]), 4), round(float(quartiles[2]), 4)]
        out["volume_bias_median"] = round(
            float(np.median([(r["total_ml"] - r["truth_ml"]) / r["truth_ml"] for r in bleeds])), 4)
        out["dice_median"] = round(float(np.median([r["dice"] for r in bleeds])), 4)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("dump", type=pathlib.Path, help="folder of dumped phantoms, never seen in training")
    parser.add_argument("--rows", type=pathlib.Path, required=True, help="one line of JSON per phantom; kept rows are not run again")
    parser.add_argument("--total-ml", type=float, default=1.0)
    parser.add_argument("--largest-ml", type=float, default=0.5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--remove", action="store_true", help="remove each dump once it is measured")
    args = parser.parse_args()
    rows = [json.loads(line) for line in args.rows.read_text().splitlines()] if args.rows.exists() else []
    model = Model(args.model, args.threads)
    with args.rows.open("a") as out:
        for file in sorted(args.dump.glob("*.json")):
            seed = int(file.stem)
            if any(r["seed"] == seed for r in rows):
                continue
            rows.append(measure(model, args.dump, seed))
            out.write(json.dumps(rows[-1]) + "\n")
            out.flush()
            if args.remove:
                for old in args.dump.glob(f"{file.stem}.*"):
                    old.unlink()
    print(json.dumps(summary(rows, args.total_ml, args.largest_ml), indent=1))


if __name__ == "__main__":
    main()
