"""Writes a checkpoint as one ONNX file without external data, and checks that ONNX Runtime gives PyTorch's numbers."""

from __future__ import annotations

import argparse
import hashlib
import pathlib

import numpy as np
import onnx
import onnxruntime
import torch

from model import UNet
from preprocess import CHANNELS, SIZE

OPSET = 17
LIMIT = 10_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path)
    args = parser.parse_args()
    net = UNet().eval()
    net.load_state_dict(torch.load(args.checkpoint, weights_only=True))
    example = torch.rand(2, CHANNELS, SIZE, SIZE)
    torch.onnx.export(
        net, (example,), args.model, opset_version=OPSET, dynamo=False, input_names=["input"], output_names=["output"],
        dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}})
    onnx.checker.check_model(onnx.load(args.model, load_external_data=False), full_check=True)
    size = args.model.stat().st_size
    if size >= LIMIT:
        raise SystemExit(f"{args.model} has {size} bytes, at most {LIMIT} are allowed")
    session = onnxruntime.InferenceSession(str(args.model), providers=["CPUExecutionProvider"])
    for batch in (1, 3):
        x = torch.rand(batch, CHANNELS, SIZE, SIZE)
        with torch.no_grad():
            expected = net(x).numpy()
        np.testing.assert_allclose(session.run(None, {"input": x.numpy()})[0], expected, atol=1e-3)
    print(hashlib.sha256(args.model.read_bytes()).hexdigest(), size)


if __name__ == "__main__":
    main()
