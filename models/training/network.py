"""The network: a small U-Net over one slab with its neighbours, or over one image. Logits out; no preprocessing inside."""

from __future__ import annotations

import torch
from torch import nn


def block(inside: int, outside: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inside, outside):
        layers += [nn.Conv2d(channels, outside, 3, padding=1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """[N, channels, H, W] to [N, classes, H, W]; H and W multiples of 2^(levels - 1). From the level `mirror` on, what goes down
    also sees itself with left and right exchanged, so that the two sides of a head can be compared."""

    def __init__(self, channels: int, classes: int, widths: tuple[int, ...], mirror: int | None = None) -> None:
        super().__init__()
        self.mirror = len(widths) if mirror is None else mirror
        self.down = nn.ModuleList(
            block(a * (2 if i >= self.mirror else 1), b) for i, (a, b) in enumerate(zip((channels, *widths[:-1]), widths)))
        pairs = list(zip(widths[::-1], widths[-2::-1]))
        self.lift = nn.ModuleList(nn.Conv2d(a, b, 1, bias=False) for a, b in pairs)
        self.up = nn.ModuleList(block(2 * b, b) for _, b in pairs)
        self.head = nn.Conv2d(widths[0], classes, 1)
        nn.init.constant_(self.head.bias, -3.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = []
        for i, down in enumerate(self.down):
            x = x if i == 0 else nn.functional.max_pool2d(x, 2)
            x = torch.cat([x, x.flip(3)], dim=1) if i >= self.mirror else x
            x = down(x)
            kept.append(x)
        for lift, up, skip in zip(self.lift, self.up, kept[-2::-1]):
            x = nn.functional.interpolate(lift(x), scale_factor=2.0, mode="nearest")
            x = up(torch.cat([skip, x], dim=1))
        return self.head(x)
