#!/usr/bin/env python3
"""Writes torch_parity.json: loss and gradients of PyTorch's models, in float64, for inputs and weights of one formula.

    torch_parity.py --models DIRECTORY_OF_torch_models.py [--output torch_parity.json]
torch_models.py has make(name, batch) -> (module, input, target). Nothing is random: tests/models/torch_parity_test.cc
computes the same inputs, labels and weights from the same integer hash, so that none of them is stored.
"""
import argparse, json, math, os, sys
import numpy as np
import torch
import torch.nn.functional as F

BATCH = 8
STREAM_INPUTS, STREAM_PROJECTIONS, STREAM_PARAMETERS = 1, 1000, 2000


def uniform(stream, elements):
    """Multiples of 2^-23 in [-1, 1), float64; exact in float32 too."""
    x = np.arange(elements, dtype=np.uint64) * 2654435761 + stream * 40503 + 12345 & 0xFFFFFFFF
    for _ in range(2):
        x = (x ^ x >> 16) * 0x45D9F3B & 0xFFFFFFFF
    x ^= x >> 16
    return (x >> 8).astype(np.float64) * 2.0**-23 - 1.0


def rounded(values, shape):
    return torch.tensor(values.astype(np.float32).astype(np.float64).reshape(shape))


def case(name):
    model, x, _ = make(name, BATCH)
    model.double()
    classes = list(model.parameters())[-1].numel()
    fan_in = 1
    for index, parameter in enumerate(model.parameters()):  # a weight, then its bias
        if parameter.dim() > 1:
            fan_in = parameter[0].numel()
        values = uniform(STREAM_PARAMETERS + index, parameter.numel()) / math.sqrt(fan_in)
        parameter.data = rounded(values, parameter.shape)
    inputs = rounded(uniform(STREAM_INPUTS, x.numel()), x.shape)
    labels = torch.tensor([7 * sample % classes for sample in range(BATCH)])
    loss = F.cross_entropy(model(inputs), labels)
    loss.backward()
    gradients = []
    for index, (key, parameter) in enumerate(model.named_parameters()):
        gradient = parameter.grad.numpy().reshape(-1)
        gradients.append({
            "name": key, "shape": list(parameter.shape), "norm": float(np.linalg.norm(gradient)),
            "projection": float(gradient @ uniform(STREAM_PROJECTIONS + index, gradient.size))})
    return {"model": name, "batch": BATCH, "loss": loss.item(), "gradients": gradients}


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--models", required=True)
    ap.add_argument("--output", default=os.path.join(os.path.dirname(__file__), "torch_parity.json"))
    args = ap.parse_args()
    sys.path.insert(0, args.models)
    from torch_models import make
    with open(args.output, "w") as file:
        json.dump([case(name) for name in ("bn50-dnn", "lenet")], file, indent=1)
        file.write("\n")
