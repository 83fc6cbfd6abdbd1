"""The network: a small U-Net over one slab with its two neighbours. Logits out; no preprocessing inside."""

from __future__ import annotations

import torch
from torch import nn

from preprocess import CHANNELS


def block(inside: int, outside: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inside, outside):
        layers += [nn.Conv2d(channels, outside, 3, padding=1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """[N, 9, H, W] to [N, 1, H, W]; H and W multiples of 16."""

    def __init__(self, widths: tuple[int, ...] = (12, 24, 32, 48, 64)) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            block(a, b) for a, b in zip((CHANNELS, *widths[:-1]), widths)
        )
        pairs = list(zip(widths[::-1], widths[-2::-1]))
        self.lift = nn.ModuleList(nn.Conv2d(a, b, 1, bias=False) for a, b in pairs)
        self.up = nn.ModuleList(block(2 * b, b) for _, b in pairs)
        self.head = nn.Conv2d(widths[0], 1, 1)
        nn.init.constant_(self.head.bias, -3.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = []
        for i, down in enumerate(self.down):
            x = down(x if i == 0 else nn.functional.max_pool2d(x, 2))
            kept.append(x)
        for lift, up, skip in zip(self.lift, self.up, kept[-2::-1]):
            x = nn.functional.interpolate(lift(x), scale_factor=2.0, mode="nearest")
            x = up(torch.cat([skip, x], dim=1))
        return self.head(x)
