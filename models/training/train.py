"""Trains the network of a task on slabs of its phantoms, which may still be in the making; keeps the mean of the weights of the
last steps. Reads neither validation nor held-out phantoms."""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import time

import torch
from torch.nn import functional as F

import preprocess as pp
from network import UNet
from sampler import Sampler
from task import Task, load

#: Shares of the loss.
CROSS, SMOOTH = 4.0, 50.0


def network_of(task: Task, recipe: pp.Recipe) -> UNet:
    return UNet(recipe.channels, len(recipe.classes), task.widths, task.mirror)


def loss_of(logits: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Cross entropy, plus Dice of each class over the whole batch so that slabs without it count too."""
    cross = F.binary_cross_entropy_with_logits(logits, share)
    p, over = logits.sigmoid(), (0, 2, 3)
    dice = 1 - (2 * (p * share).sum(over) + SMOOTH) / ((p * p).sum(over) + (share * share).sum(over) + SMOOTH)
    return CROSS * cross + dice.mean()


def train(task: Task, slabs: pathlib.Path, checkpoint: pathlib.Path, minutes: float, seed: int, resume: pathlib.Path | None) -> None:
    """Until the time is up; from the weights in `resume` where there are any, then with a lower rate."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    # Most CPUs compute slower with short numbers than with whole ones.
    short = device == "cuda" or torch.cpu._is_amx_tile_supported()
    torch.manual_seed(seed)
    torch.backends.cudnn.benchmark = True
    recipe = pp.Recipe.read(task.folder / "manifest.toml")
    data = Sampler(task, recipe, device, seed)
    net = network_of(task, recipe).to(device, memory_format=torch.channels_last)
    if resume:
        net.load_state_dict(torch.load(resume, weights_only=True, map_location=device))
    most_rate = 4e-3 if resume is None else 1.5e-3
    optimizer = torch.optim.AdamW(net.parameters(), lr=most_rate, weight_decay=1e-4)
    average = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99), use_buffers=True)
    start, step, total = time.monotonic(), 0, torch.zeros((), device=device)
    while (done := (time.monotonic() - start) / 60 / minutes) < 1:
        if step % 50 == 0:
            data.look(slabs)
        if not data.index["with"] or not data.index["without"]:
            time.sleep(0.5)
            continue
        for group in optimizer.param_groups:
            group["lr"] = most_rate * min(1, (step + 1) / 50) * (1 - done) ** 0.9
        x, share = data.batch(task.batch)
        net.train()
        with torch.autocast(device, torch.bfloat16, enabled=short):
            logits = net(x.contiguous(memory_format=torch.channels_last))
        loss = loss_of(logits.float(), share)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        average.update_parameters(net)
        step, total = step + 1, total + loss.detach()
        if step % 200 == 0:
            mean = float(total) / 200
            print(f"{task.name} step {step} loss {mean:.4f} minutes {done * minutes:.1f} phantoms {len(data.known)}", flush=True)
            total.zero_()
            save(average.module, checkpoint)
    save(average.module, checkpoint)
    print(f"{task.name} done: {step} steps, {len(data.known)} phantoms", flush=True)


def save(net: torch.nn.Module, checkpoint: pathlib.Path) -> None:
    part = checkpoint.with_suffix(".part")
    torch.save(net.state_dict(), part)
    part.rename(checkpoint)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task")
    parser.add_argument("slabs", type=pathlib.Path)
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, help="instead of the task's")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, help="instead of the task's")
    parser.add_argument("--resume", type=pathlib.Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    task = load(args.task)
    if args.batch:
        task = dataclasses.replace(task, batch=args.batch)
    train(task, args.slabs, args.checkpoint, args.minutes or task.minutes, args.seed, args.resume)
