"""Randomisation of batches, drawn anew for every sample: place and form, then values as other machines give them."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from task import Values, Warp


def warp(x: torch.Tensor, share: torch.Tensor, how: Warp, fill: float, rng: np.random.Generator):
    """Flips, turns, scales and shifts values and shares alike; from outside comes `fill`."""
    n = len(x)
    angle = np.deg2rad(rng.normal(0, how.turn, n))
    scale = rng.uniform(*how.scale, n)
    flip = rng.choice([-1.0, 1.0], n) if how.flip else np.ones(n)
    theta = np.zeros((n, 2, 3), np.float32)
    theta[:, 0, 0], theta[:, 0, 1] = flip * np.cos(angle) / scale, -np.sin(angle) / scale
    theta[:, 1, 0], theta[:, 1, 1] = flip * np.sin(angle) / scale, np.cos(angle) / scale
    theta[:, :, 2] = rng.normal(0, how.shift, (n, 2))
    grid = F.affine_grid(torch.from_numpy(theta).to(x.device), list(x.shape), align_corners=False)
    both = F.grid_sample(torch.cat([x - fill, share], 1), grid, align_corners=False)
    return both[:, : x.shape[1]] + fill, both[:, x.shape[1]:]


def revalue(x: torch.Tensor, how: Values, rng: np.random.Generator, dice: torch.Generator) -> torch.Tensor:
    """Gain, shift, gamma, sharpness and noise, the latter as fine as pixels or coarser."""
    n = len(x)

    def each(drawn: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(drawn.reshape(n, 1, 1, 1).astype(np.float32)).to(x.device)

    x = x * each(rng.normal(1.0, how.gain, n)) + each(rng.normal(0.0, how.shift, n))
    if how.gamma != (1.0, 1.0):
        x = x.clamp(0, 1) ** each(rng.uniform(*how.gamma, n))
    soft = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    x = torch.lerp(x, soft, each(rng.uniform(*how.blur, n) * (rng.random(n) < 0.3)))
    noise = torch.randn(x.shape, device=x.device, generator=dice)
    coarse = F.avg_pool2d(noise, 3, 1, 1) * 2.2
    noise = torch.lerp(noise, coarse, each(rng.random(n) < 0.5))
    return x + noise * each(rng.exponential(how.noise, n).clip(0, how.most_noise))


def channels_of(x: torch.Tensor, windows) -> torch.Tensor:
    """[N, neighbours, H, W] to [N, neighbours × windows, H, W], as preprocess.stack_windows and adjacent_slices."""
    if not windows:
        return x.clamp(0, 1)
    planes = [((x - (c - w / 2)) / w).clamp(0, 1) for c, w in windows]
    return torch.stack(planes, 2).flatten(1, 2)
