"""What the two models of the chest radiograph share: one set of phantoms for training, with either finding, both or none."""

from __future__ import annotations

from task import Phantoms, Values, Warp, between, pick, spread

#: Rows and columns; the network reads 512, so that larger ones are averaged first.
MATRICES = (512, 512, 512, 640, 768)


def mixed(_: int, seed: int) -> list[str]:
    """Two in five with a pneumothorax of 0.4 to 8 cm at the apex, two in five with a nodule of 5 to 45 mm, one in ten both."""
    kind = spread(seed, 0)
    options = ["--matrix", str(pick(seed, 1, MATRICES))]
    if kind < 0.45:
        apex = between(seed, 2, 0.4, 8)
        options += ["--ptx-cm", f"{apex:.2f}"]
        options += ["--tension"] if apex > 3 and spread(seed, 3) < 0.3 else []
    if 0.35 <= kind < 0.75:
        options += ["--nodule-mm", f"{between(seed, 4, 5, 45):.1f}"]
    return options


TRAINING = Phantoms(1_200_000, 3500, mixed)
VALIDATION = Phantoms(1_800_000, 300, mixed)
WARP = Warp(turn=4.0, shift=0.03, scale=(0.9, 1.1), flip=False)
#: Of values from 0 to 1.
VALUES = Values(gain=0.06, shift=0.03, noise=0.008, most_noise=0.03, blur=(-0.3, 0.6), gamma=(0.75, 1.35))
