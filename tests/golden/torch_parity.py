#!/usr/bin/env python3
"""Writes parity/<model>.json: loss and gradients of PyTorch's models, in float64, for inputs and weights of one formula.

    torch_parity.py [MODEL...]        all of zoo/ if none is named; needs PyTorch (Debian: python3-torch)
Nothing is random: tests/models/torch_parity_test.cc computes the same inputs, labels and weights from the same integer
hash, so that none of them is stored.
"""
import json, math, os, sys
import numpy as np
import torch
import torch.nn.functional as F
from zoo import CASES

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


def set_parameters(model):
    """Weights by their fan-in, as that of the last weight for its bias; scales of normalisation around 1."""
    fan_in = 1
    for index, (key, parameter) in enumerate(model.named_parameters()):
        values = uniform(STREAM_PARAMETERS + index, parameter.numel())
        if parameter.dim() > 1:
            fan_in = parameter[0].numel()
        is_scale = parameter.dim() == 1 and key.endswith("weight")
        parameter.data = rounded(1.0 + values / 2.0 if is_scale else values / math.sqrt(fan_in), parameter.shape)


def inputs_of(kind, shape):
    values = uniform(STREAM_INPUTS, math.prod(shape))
    if kind == "real":
        return rounded(values, shape)
    return torch.tensor(np.floor((values + 1.0) / 2.0 * kind).astype(np.int64).reshape(shape))


def case(name):
    arguments, batch, build, kind, sample, classes = CASES[name]
    model = build().double()
    set_parameters(model)
    logits = model(inputs_of(kind, (batch, *sample)))
    labels = torch.tensor([7 * row % classes for row in range(len(logits))])
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    gradients = []
    for index, (key, parameter) in enumerate(model.named_parameters()):
        gradient = parameter.grad.numpy().reshape(-1)
        gradients.append({
            "name": key, "shape": list(parameter.shape), "norm": float(np.linalg.norm(gradient)),
            "projection": float(gradient @ uniform(STREAM_PROJECTIONS + index, gradient.size))})
    return {"model": name, "arguments": arguments, "batch": batch, "loss": loss.item(), "gradients": gradients}


if __name__ == "__main__":
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "parity")
    for name in sys.argv[1:] or CASES:
        with open(os.path.join(here, name + ".json"), "w") as file:
            json.dump(case(name), file, indent=1)
            file.write("\n")
