"""Makes the phantoms of the training set and of the held-out set by calling `tocsin synth`. Their seeds do not meet:
training 100000 to 100419, held-out 900000 to 900199 (even: no blood, odd: blood of 3 to 90 mL, evenly on a log scale)."""

from __future__ import annotations

import argparse
import math
import pathlib
import subprocess

TRAIN = range(100_000, 100_420)
HELD_OUT = 900_000
HELD_OUT_COUNT = 200
SLICES = (5.0, 5.0, 5.0, 5.0, 5.0, 4.0, 3.0, 2.5, 2.5, 1.25)


def training(seed: int) -> list[str]:
    """Half without blood; volumes of 0.8 to 110 mL and slices of 1.25 to 5 mm, spread by a hash of the seed."""
    mixed = ((seed * 0x9E3779B97F4A7C15) & (2**64 - 1)) >> 40
    share = (mixed // 10 % 1000) / 1000
    volume = math.exp(math.log(0.8) + share * (math.log(110) - math.log(0.8)))
    finding = "none" if seed % 2 == 0 else "any"
    return ["--finding", finding, "--volume-ml", repr(volume), "--slice-mm", repr(SLICES[mixed % 10])]


def held_out(seed: int, first: int) -> list[str]:
    """Slices of 0.625 to 5 mm, by the seed; volumes of 3 to 90 mL, by the place after `first`."""
    if seed % 2 == 0:
        return ["--finding", "none"]
    step = (seed - first) // 2
    return ["--finding", "any", "--volume-ml", f"{3 * 30 ** (step / 99):.2f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("which", choices=["training", "held-out"])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--tocsin", default="tocsin", help="the program")
    parser.add_argument("--matrix", type=int, default=256)
    parser.add_argument("--first", type=int, default=HELD_OUT, help="first seed of a held-out set, even")
    args = parser.parse_args()
    if args.which == "training":
        wanted = {seed: training(seed) for seed in TRAIN}
    else:
        wanted = {seed: held_out(seed, args.first) for seed in range(args.first, args.first + HELD_OUT_COUNT)}
    for seed, options in wanted.items():
        subprocess.run(
            [args.tocsin, "synth", "head-ct", "--dump", "--out", str(args.out), "--seed", str(seed),
             "--matrix", str(args.matrix), *options], check=True)


if __name__ == "__main__":
    main()
