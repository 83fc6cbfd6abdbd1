"""Trains the network on slabs of phantoms; writes a checkpoint after every epoch. Reads no held-out phantom."""

from __future__ import annotations

import argparse
import pathlib
import time

import torch
from torch.nn import functional as F

from dataset import Slabs
from model import UNet


def loss_of(logits: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Cross entropy, plus Dice over the whole batch so that slices without blood count too."""
    cross = F.binary_cross_entropy_with_logits(logits, share)
    p = logits.sigmoid()
    dice = 1 - (2 * (p * share).sum() + 50) / ((p * p).sum() + (share * share).sum() + 50)
    return 4 * cross + dice


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("slabs", type=pathlib.Path)
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=45)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--resume", type=pathlib.Path)
    parser.add_argument("--grow", type=int, default=10_000, help="look for new slabs until there are so many files")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    known = sorted(args.slabs.glob("*.npz"))
    data = Slabs(known, args.seed)
    net = UNet().to(memory_format=torch.channels_last)
    if args.resume:
        net.load_state_dict(torch.load(args.resume, weights_only=True))
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.rate, weight_decay=1e-4)
    average = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99), use_buffers=True)
    start, step, total = time.monotonic(), 0, 0.0
    while (done := (time.monotonic() - start) / 60 / args.minutes) < 1:
        rate = args.rate * min(1, (step + 1) / 50) * (1 - done) ** 0.9
        for group in optimizer.param_groups:
            group["lr"] = rate
        x, share = data.batch(args.batch)
        net.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits = net(x.contiguous(memory_format=torch.channels_last))
        loss = loss_of(logits.float(), share)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        average.update_parameters(net)
        step, total = step + 1, total + float(loss)
        if step % 50 == 0:
            minutes = (time.monotonic() - start) / 60
            print(f"step {step} loss {total / 50:.4f} minutes {minutes:.1f} volumes {len(known)}", flush=True)
            total = 0.0
            torch.save(average.module.state_dict(), args.checkpoint)
            if len(known) < args.grow:
                new = [f for f in sorted(args.slabs.glob("*.npz")) if f not in set(known)]
                data.add(new)
                known += new
    torch.save(average.module.state_dict(), args.checkpoint)


if __name__ == "__main__":
    main()
