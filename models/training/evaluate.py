"""From rows of figures to an operating point, and to sensitivity and specificity at it with Wilson 95 % intervals. Pure."""

from __future__ import annotations

import dataclasses

import numpy as np

from task import Task
from wilson import wilson

#: Nothing smaller is an amount (design values).
SMALLEST = {"ml": 0.01, "mm2": 10.0}


@dataclasses.dataclass(frozen=True)
class Point:
    """Flagged when the components of at least `least` add up to `total` and the largest reaches `largest`; mL, of images mm²."""

    total: float
    largest: float
    least: float

    @classmethod
    def of(cls, manifest: dict) -> Point:
        finding = manifest["findings"][0]
        if "total_mm2" in finding:
            return cls(finding["total_mm2"], 0.0, 0.0)
        least = manifest["quantification"]["min_component_ml"]
        return cls(finding["total_ml"], finding["largest_component_ml"], least)

    def total_of(self, row: dict) -> float:
        return sum(size for size in row["found"] if size >= self.least)

    def flags(self, row: dict) -> bool:
        total = self.total_of(row)
        return 0 < total >= self.total and row["found"][0] >= self.largest


def choose(task: Task, rows: list[dict], point: Point) -> Point:
    """The amount at which sensitivity in the task's band and specificity add up to the most, in the middle of the widest such gap
    between two phantoms on a logarithmic scale; total and largest component in the ratio that `point` has."""
    ratio = point.largest / point.total
    floor = max(point.least, SMALLEST[task.unit])
    clean = np.array([max(amount(row, point, ratio), floor) for row in rows if row["true"] == 0])
    ill = np.array([max(amount(row, point, ratio), floor) for row in rows if task.bands[task.goal](row["true"], row["truth"])])
    edges = np.unique(np.concatenate([[floor], clean, ill]))
    middles = np.sqrt(edges[1:] * edges[:-1])
    worth = np.array([(ill >= m).mean() + (clean < m).mean() for m in middles])
    best = np.where(worth > worth.max() - 1e-9, edges[1:] / edges[:-1], 0).argmax()
    return dataclasses.replace(point, total=float(middles[best]), largest=float(ratio * middles[best]))


def amount(row: dict, point: Point, ratio: float) -> float:
    """The highest total at which the row would still be flagged."""
    if not row["found"]:
        return 0.0
    total = point.total_of(row)
    return min(total, row["found"][0] / ratio) if ratio else total


def crossed(task: Task, rows: list[dict], point: Point) -> list[tuple[str, int, int]]:
    """As `table`, but each half of the rows is held against the operating point that the other half gives: what a set that chose its
    own operating point can say of it."""
    halves = rows[::2], rows[1::2]
    parts = [table(task, half, choose(task, other, point)) for half, other in zip(halves, halves[::-1])]
    return [(name, k + l, n + m) for (name, k, n), (_, l, m) in zip(*parts)]


def table(task: Task, rows: list[dict], point: Point) -> list[tuple[str, int, int]]:
    """Name, flagged rightly, of how many: each band, then specificity."""
    ill = {name: [r for r in rows if band(r["true"], r["truth"])] for name, band in task.bands.items()}
    lines = [(f"Sensitivity, {name}", sum(map(point.flags, group)), len(group)) for name, group in ill.items()]
    clean = [row for row in rows if row["true"] == 0]
    return [*lines, ("Specificity", sum(not point.flags(row) for row in clean), len(clean))]


def told(lines: list[tuple[str, int, int]]) -> str:
    """A table as it stands in a card."""
    rows = []
    for name, k, n in lines:
        low, high = wilson(k, n)
        rows.append(f"| {name} | {k} of {n} = {k / max(1, n):.3f} | {low:.3f} to {high:.3f} |")
    return "\n".join(["| | | Wilson 95 % |", "|---|---|---|", *rows])


def amount_error(task: Task, rows: list[dict], point: Point) -> str:
    """How far the amount that is found lies from the true one, in the task's band."""
    goal = [r for r in rows if task.bands[task.goal](r["true"], r["truth"])]
    errors = [abs(point.total_of(r) - r["true"]) / r["true"] for r in goal] or [1.0]
    unit = {"ml": "volume", "mm2": "area"}[task.unit]
    middle, most = np.median(errors) * 100, np.quantile(errors, 0.9) * 100
    return f"| Median error of the {unit}, {task.goal} | {middle:.1f} % (90th percentile {most:.1f} %) | |"
