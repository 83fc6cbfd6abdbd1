"""Makes the models: phantoms, training, export, figures, manifest. `python run.py all pe` does everything for one of them."""

from __future__ import annotations

import argparse
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import threading

import manifest
import measure as measuring
import preprocess as pp
from dump import read_dump
from evaluate import Point, amount_error, choose, crossed, table, told
from figures import Model
from generate import dumps, generate, orders, slabs_of
from golden import golden
from task import NAMES, Task, load
from wilson import wilson

#: Phantoms of the held-out set from which on it speaks for itself.
ENOUGH = 60
HERE = pathlib.Path(__file__).resolve().parent


def trainer(task: Task, args: argparse.Namespace) -> list[str]:
    command = [sys.executable, str(HERE / "train.py"), task.name, str(slabs_of(args.work, task)), str(args.results / f"{task.name}.pt")]
    for option in ("minutes", "batch"):
        command += [f"--{option}", str(getattr(args, option))] if getattr(args, option) else []
    return command


def train(args: argparse.Namespace) -> None:
    """All at once where there is a GPU, else one after the other."""
    import torch

    if not torch.cuda.is_available():
        for task in args.tasks:
            subprocess.run(trainer(task, args), check=True)
        return
    running = [subprocess.Popen(trainer(task, args)) for task in args.tasks]
    if failed := [task.name for task, one in zip(args.tasks, running) if one.wait() != 0]:
        raise RuntimeError(f"training failed: {failed}")


def make(args: argparse.Namespace) -> None:
    """Phantoms and training side by side, then the network as ONNX."""
    wanted, enough = orders(args.tasks, args.sets, args.share), threading.Event()
    making = threading.Thread(target=generate, args=(args.work, args.tocsin, wanted, args.workers, enough))
    making.start()
    try:
        train(args)
    finally:
        if args.leave:
            enough.set()
    making.join()
    from export import export

    for task in args.tasks:
        path = args.results / f"{task.name}.onnx"
        print(task.name, export(task, args.results / f"{task.name}.pt", path), path.stat().st_size, "bytes", flush=True)


def measure(args: argparse.Namespace) -> None:
    for which in [which for which in args.sets if which != "training"]:
        for task in args.tasks:
            fresh = args.results / f"{task.name}.onnx"
            onnx = fresh if fresh.exists() else task.folder / "model.onnx"
            rows = measuring.measure(task, onnx, args.work, which, args.results / f"{task.name}.{which}.jsonl", args.workers)
            point = Point.of(manifest.read(task.folder))
            lines = table(task, rows, point) if which == "held-out" else crossed(task, rows, point)
            print(f"{task.name}, {which}, {len(rows)} phantoms\n{told(lines)}\n{amount_error(task, rows, point)}", flush=True)


def adopt(args: argparse.Namespace) -> None:
    """The network, its hash and the operating point that the validation set gives into the package."""
    for task in args.tasks:
        shutil.copy(args.results / f"{task.name}.onnx", task.folder / "model.onnx")
        path = task.folder / "manifest.toml"
        rows = measuring.read_rows(args.results / f"{task.name}.validation.jsonl")
        point = choose(task, rows, Point.of(manifest.read(task.folder)))
        digest = hashlib.sha256((task.folder / "model.onnx").read_bytes()).hexdigest()
        text = manifest.put(manifest.put_golden(path.read_text(), []), "sha256", f'"{digest}"')
        path.write_text(manifest.put_point(text, point))


def tell(args: argparse.Namespace) -> None:
    """Expected figures and golden cases into the package; the table for the card. Figures of a held-out set of which only a few
    were measured say less than those of the validation set, crosswise."""
    for task in args.tasks:
        path = task.folder / "manifest.toml"
        point = Point.of(manifest.read(task.folder))
        held, tried = (measuring.read_rows(args.results / f"{task.name}.{which}.jsonl") for which in ("held-out", "validation"))
        lines = table(task, held, point) if len(held) >= ENOUGH else crossed(task, tried, point)
        # The middle of the interval: of few phantoms without a mistake nobody expects that there will be none.
        shares = {name: sum(wilson(k, n)) / 2 for name, k, n in lines}
        text = manifest.put(path.read_text(), "expected_sensitivity", f"{shares[f'Sensitivity, {task.goal}']:.3f}")
        text = manifest.put(text, "expected_specificity", f"{shares['Specificity']:.3f}")
        path.write_text(manifest.put_golden(text, golden_cases(task, held, point, args)))
        print(f"{task.name}\n{told(lines)}\n{amount_error(task, held, point)}")


def golden_cases(task: Task, rows: list[dict], point: Point, args: argparse.Namespace) -> list[str]:
    """The first phantom that is rightly flagged, in the task's band, and the first that is rightly not."""
    model = Model(task.folder / "model.onnx", pp.Recipe.read(task.folder / "manifest.toml"), 2)
    ill = next(r for r in rows if task.bands[task.goal](r["true"], r["truth"]) and point.flags(r))
    clean = next(r for r in rows if r["true"] == 0 and not point.flags(r))
    folder = dumps(args.work, task, "held-out")
    return [golden(task, model, read_dump(folder, r["seed"]), name, task.folder) for r, name in ((ill, "with"), (clean, "without"))]


def everything(args: argparse.Namespace) -> None:
    args.sets = ["training", "validation", "held-out"]
    make(args)
    args.sets = ["validation"]
    measure(args)
    adopt(args)
    args.sets = ["held-out"]
    measure(args)
    tell(args)


def main() -> None:
    steps = {"make": make, "measure": measure, "adopt": adopt, "tell": tell, "all": everything,
             "generate": lambda args: generate(args.work, args.tocsin, orders(args.tasks, args.sets, args.share), args.workers)}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=steps)
    parser.add_argument("tasks", nargs="*", type=load, help=f"of {', '.join(NAMES)}; all but ich when left out")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("/tmp/tocsin-training"), help="phantoms and slabs")
    parser.add_argument("--results", type=pathlib.Path, help="checkpoints, networks and figures; in the work folder when left out")
    parser.add_argument("--tocsin", default="tocsin", help="the program")
    parser.add_argument("--sets", nargs="+", default=["training", "validation"], choices=["training", "validation", "held-out"])
    parser.add_argument("--share", type=float, default=1.0, help="of every set, for a trial")
    parser.add_argument("--minutes", type=float, help="of training, instead of the task's")
    parser.add_argument("--batch", type=int, help="slabs in a step, instead of the task's")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--leave", action="store_true", help="do not wait for phantoms once training has ended")
    args = parser.parse_args()
    args.tasks = args.tasks or [load(name) for name in NAMES if name != "ich"]
    args.results = args.results or args.work / "results"
    args.results.mkdir(parents=True, exist_ok=True)
    steps[args.step](args)


if __name__ == "__main__":
    main()
