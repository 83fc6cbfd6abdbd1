"""From dumped phantoms to slabs on the model's grid, and from slabs to randomised training batches."""

from __future__ import annotations

import pathlib

import numpy as np
import torch

import preprocess as pp
from dump import read_dump


def to_slabs(folder: pathlib.Path, seed: int, out: pathlib.Path) -> None:
    """Writes NNNNNN.npz with the slabs (HU, int16) and the share of blood in them (0..255)."""
    volume, mask, offsets, spacing, _ = read_dump(folder, seed)
    grid = pp.make_grid(volume, offsets, spacing)
    hu = np.rint(pp.to_grid(volume, grid)).astype(np.int16)
    share = np.rint(pp.to_grid(mask * 255.0, grid, fill=0.0)).astype(np.uint8)
    np.savez(out / f"{seed:06d}.npz", hu=hu, share=share)


class Slabs:
    """All slabs in memory, sampled with randomisation."""

    def __init__(self, files: list[pathlib.Path], seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.hu, self.share = [], []
        self.add(files)

    def add(self, files: list[pathlib.Path]) -> None:
        for file in files:
            with np.load(file) as data:
                self.hu.append(data["hu"])
                self.share.append(data["share"])
        self.index = {"blood": [], "beside": [], "none": []}
        for v, share in enumerate(self.share):
            red = (share > 127).reshape(len(share), -1).sum(1)
            for k, n in enumerate(red):
                self.index["blood" if n > 3 else "beside" if red.any() else "none"].append((v, k))

    def draw(self, kind: str):
        v, k = self.index[kind][self.rng.integers(len(self.index[kind]))]
        n = len(self.hu[v])
        around = np.clip([k - 1, k, k + 1], 0, n - 1)
        return self.hu[v][around].astype(np.float32), self.share[v][k].astype(np.float32) / 255.0

    def batch(self, size: int):
        """Float32 [size, 9, H, W] and [size, 1, H, W]."""
        kinds = self.rng.choice(["blood", "beside", "none"], size, p=[0.5, 0.12, 0.38])
        drawn = [self.draw(kind) for kind in kinds]
        hu = np.stack([h for h, _ in drawn])
        for i, kind in enumerate(kinds):
            if kind == "none" and self.rng.random() < 0.12:
                hu[i] = self.hollow(hu[i])
        share = np.stack([s for _, s in drawn])[:, None]
        hu, share = self.warp(torch.from_numpy(hu), torch.from_numpy(share))
        hu = self.densities(hu)
        return windows(hu), share

    def warp(self, hu: torch.Tensor, share: torch.Tensor):
        """Flip, turn, scale, shift."""
        rng, n = self.rng, len(hu)
        angle = np.deg2rad(rng.normal(0, 7, n))
        scale = rng.uniform(0.88, 1.1, n)
        flip = rng.choice([-1.0, 1.0], n)
        theta = np.zeros((n, 2, 3), np.float32)
        theta[:, 0, 0], theta[:, 0, 1] = flip * np.cos(angle) / scale, -np.sin(angle) / scale
        theta[:, 1, 0], theta[:, 1, 1] = flip * np.sin(angle) / scale, np.cos(angle) / scale
        theta[:, :, 2] = rng.normal(0, 0.05, (n, 2))
        grid = torch.nn.functional.affine_grid(torch.from_numpy(theta), list(hu.shape), align_corners=False)
        both = torch.cat([hu + 1000.0, share], 1)
        both = torch.nn.functional.grid_sample(both, grid, align_corners=False)
        return both[:, :3] - 1000.0, both[:, 3:]

    def densities(self, hu: torch.Tensor) -> torch.Tensor:
        """Calibration, blur and noise of other scanners; drawn anew for every sample."""
        rng, n = self.rng, len(hu)
        gain = torch.from_numpy(rng.normal(1.0, 0.03, (n, 1, 1, 1)).astype(np.float32))
        shift = torch.from_numpy(rng.normal(0.0, 2.5, (n, 1, 1, 1)).astype(np.float32))
        hu = hu * gain + shift
        if rng.random() < 0.3:
            soft = torch.nn.functional.avg_pool2d(hu, 3, 1, 1, count_include_pad=False)
            hu = torch.lerp(hu, soft, float(rng.uniform(-0.4, 0.8)))
        noise = torch.from_numpy(rng.standard_normal(hu.shape, dtype=np.float32))
        if rng.random() < 0.5:
            noise = torch.nn.functional.avg_pool2d(noise, 3, 1, 1) * 2.2
        sigma = torch.from_numpy((rng.exponential(1.5, (n, 1, 1, 1))).clip(0, 6).astype(np.float32))
        return hu + noise * sigma

    def hollow(self, hu: np.ndarray) -> np.ndarray:
        """A plastic skull: air, water or one plastic instead of brain, with a few solid shapes in it."""
        rng = self.rng
        size = hu.shape[-1]
        filling = rng.choice([-1000.0, -1000.0, 0.0, rng.uniform(-100, 130)])
        soft = (hu > -150) & (hu < 110)
        hu = np.where(soft, filling + rng.normal(0, 4, hu.shape), hu).astype(np.float32)
        y, x = np.mgrid[:size, :size]
        for _ in range(rng.integers(0, 6)):
            cy, cx = rng.normal(size / 2, 28, 2)
            ry, rx = rng.uniform(2, 22, 2)
            inside = ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1 if rng.random() < 0.5 else (
                (abs(y - cy) < ry) & (abs(x - cx) < rx))
            which = slice(None) if rng.random() < 0.7 else slice(1, 3)
            hu[which, inside] = rng.uniform(60, 200) + rng.normal(0, 4)
        return hu


def windows(hu: torch.Tensor) -> torch.Tensor:
    """[N, 3, H, W] HU of three neighbours to [N, 9, H, W], as preprocess.stack_windows and adjacent_slices."""
    planes = [((hu - (c - w / 2)) / w).clamp(0, 1) for c, w in pp.WINDOWS]
    return torch.stack(planes, 2).flatten(1, 2)


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description="Turns dumped phantoms into slabs on the model's grid.")
    parser.add_argument("dump", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--remove", action="store_true", help="remove each dump once it is converted")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for truth in sorted(args.dump.glob("*.json")):
        to_slabs(args.dump, int(truth.stem), args.out)
        if args.remove:
            for file in args.dump.glob(f"{truth.stem}.*"):
                file.unlink()
