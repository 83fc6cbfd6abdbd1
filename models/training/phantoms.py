"""Makes the phantoms of a model's sets by calling `tocsin synth`. The seeds of its sets do not meet."""

from __future__ import annotations

import pathlib
import subprocess

from task import Phantoms, Task


def seeds(phantoms: Phantoms) -> range:
    return range(phantoms.first, phantoms.first + phantoms.count)


def make(program: str, task: Task, which: str, seed: int, out: pathlib.Path) -> None:
    """One phantom, as dump.py reads it."""
    phantoms = task.sets[which]
    options = phantoms.options(seed - phantoms.first, seed)
    subprocess.run(
        [program, "synth", task.synth, "--dump", "--out", str(out), "--seed", str(seed), *options],
        check=True, stdout=subprocess.DEVNULL)
