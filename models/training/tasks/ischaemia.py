"""Early ischaemic change in one middle cerebral artery's territory on the non-contrast head CT."""

from __future__ import annotations

from task import Phantoms, Task, Values, Warp, bits, marked, pick

DEGREES = ("subtle", "subtle", "moderate", "moderate", "frank")


def training(_: int, seed: int) -> list[str]:
    """Half with early change of 1 to 10 regions; old infarcts and dark white matter each in one of eight."""
    finding = pick(seed, 0, ("early",) * 4 + ("none", "none", "old-infarct", "leukoaraiosis"))
    options = ["--finding", finding, "--slice-mm", pick(seed, 1, ("5", "2.5", "2.5", "1.25")), "--matrix", "256"]
    if finding == "early":
        options += ["--degree", pick(seed, 2, DEGREES), "--regions", str(pick(seed, 3, (1, 2, 2, 3, 3, 4, 5, 6, 8, 10)))]
    return options


def held_out(place: int, seed: int) -> list[str]:
    """Odd: early change, degree and regions as the phantom draws them; even: three of five nothing, one an old infarct, one dark
    white matter. Slices of 0.625 to 5 mm, as the phantom draws them."""
    others = ("none", "none", "none", "old-infarct", "leukoaraiosis")
    return ["--finding", "early" if place % 2 else others[place // 2 % 5], "--matrix", "256"]


def degree(*names: str, least_ml: float = 0.0):
    return lambda amount, truth: amount > least_ml and truth["degree"] in names


TASK = Task(
    name="ischaemia",
    synth="ischaemia",
    sets={
        "training": Phantoms(1_500_000, 400, training),
        "validation": Phantoms(1_840_000, 100, training),
        "held-out": Phantoms(1_941_000, 200, held_out),
    },
    target=bits(1),
    widths=(24, 32, 48, 64, 96),
    mirror=1,
    warp=Warp(turn=5.0, shift=0.02, scale=(0.9, 1.1)),
    values=Values(gain=0.02, shift=2.0, noise=0.7, most_noise=3.0),
    draw={"with": 0.55, "beside": 0.05, "without": 0.4},
    evenly="volume",
    batch=32,
    minutes=180,
    unit="ml",
    truth=marked(1),
    bands={
        "10 mL or more": lambda amount, truth: amount >= 10,
        "under 10 mL": lambda amount, truth: 0 < amount < 10,
        "10 to 50 mL": lambda amount, truth: 10 <= amount < 50,
        "50 mL or more": lambda amount, truth: amount >= 50,
        "subtle, 2 to 4 HU": degree("subtle"),
        "moderate, 4 to 8 HU": degree("moderate"),
        "frank, 8 to 12 HU": degree("frank"),
    },
    goal="10 mL or more",
)
