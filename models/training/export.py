"""Writes a checkpoint as one ONNX file: float32 [N, 9, 192, 192] in, logits [N, 1, 192, 192] out, N free, no external data."""

from __future__ import annotations

import argparse
import hashlib
import pathlib

import onnx
import torch

import preprocess as pp
from model import UNet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("onnx", type=pathlib.Path)
    args = parser.parse_args()
    net = UNet()
    net.load_state_dict(torch.load(args.checkpoint, weights_only=True))
    net.eval()
    example = torch.zeros(2, pp.CHANNELS, pp.SIZE, pp.SIZE)
    torch.onnx.export(
        net, (example,), args.onnx, opset_version=18, dynamo=False, input_names=["input"], output_names=["output"],
        dynamic_axes={"input": {0: "n"}, "output": {0: "n"}})
    onnx.checker.check_model(onnx.load(args.onnx), full_check=True)
    data = args.onnx.read_bytes()
    print(hashlib.sha256(data).hexdigest(), len(data), "bytes")


if __name__ == "__main__":
    main()
