#!/usr/bin/env python3
"""Writes parity/<model>.json: loss and gradients of PyTorch's models, in float64, for inputs and weights of one formula.

    torch_parity.py [MODEL...]        all of zoo/ if none is named; needs PyTorch (Debian: python3-torch)
Nothing is random: tests/models/torch_parity_test.cc computes the same inputs, labels and weights from the same integer
hash, so that none of them is stored.

Where the input of a ReLU lies within rounding of 0, float32 and float64 may take it for different sides, and gradients
are apart by that element's whole share. PyTorch's own float32 does so in resnet20 with 8 samples of stream 1, by 3.2e-3
of a norm: one of 1.5 million inputs, in the first ReLU of block 7. So inputs are those of the first stream
without such an element. Each run prints how far PyTorch's float32 is from what it wrote.
"""
import contextlib, json, math, os, sys
import numpy as np
import torch
import torch.nn.functional as F
from zoo import CASES

STREAM_FIRST_INPUTS, STREAM_PROJECTIONS, STREAM_PARAMETERS = 1, 1000, 2000
MOST_STREAMS = 200
RELU_MARGIN = 4  # standard deviations of float32 rounding errors


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


def inputs_of(kind, shape, stream):
    values = uniform(stream, math.prod(shape))
    if kind == "real":
        return rounded(values, shape)
    return torch.tensor(np.floor((values + 1.0) / 2.0 * kind).astype(np.int64).reshape(shape))


@contextlib.contextmanager
def inputs_of_relus():
    """A list of what each ReLU is given, of those that run inside; float64."""
    relu, seen = torch.relu, []

    def observed(x):
        seen.append(x.detach().double())
        return relu(x)

    torch.relu = observed  # torch.nn.functional.relu calls it too
    try:
        yield seen
    finally:
        torch.relu = relu


def is_clear(model, inputs):
    """Whether each input of a ReLU is further from 0 than RELU_MARGIN times the rms error of that ReLU's inputs."""
    exact, rounded_off = [], []
    for dtype, seen in ((torch.float64, exact), (torch.float32, rounded_off)):
        with torch.no_grad(), inputs_of_relus() as given:
            model.to(dtype)(inputs.to(dtype) if inputs.is_floating_point() else inputs)
        seen += given
    model.to(torch.float64)
    return all(a.abs().min() > RELU_MARGIN * (a - b).square().mean().sqrt() for a, b in zip(exact, rounded_off))


def clear_stream(model, kind, shape):
    for stream in range(STREAM_FIRST_INPUTS, STREAM_FIRST_INPUTS + MOST_STREAMS):
        if is_clear(model, inputs_of(kind, shape, stream)):
            return stream
    sys.exit(f"each of {MOST_STREAMS} streams has an input of a ReLU within rounding of 0: take fewer samples")


def loss_and_gradients(name, stream, dtype):
    _, batch, build, kind, sample, classes = CASES[name]
    model = build().double()
    set_parameters(model)
    model = model.to(dtype)
    inputs = inputs_of(kind, (batch, *sample), stream)
    logits = model(inputs.to(dtype) if inputs.is_floating_point() else inputs)
    loss = F.cross_entropy(logits, torch.tensor([7 * row % classes for row in range(len(logits))]))
    loss.backward()
    gradients = []
    for index, (key, parameter) in enumerate(model.named_parameters()):
        gradient = parameter.grad.numpy().astype(np.float64).reshape(-1)
        gradients.append({
            "name": key, "shape": list(parameter.shape), "norm": float(np.linalg.norm(gradient)),
            "projection": float(gradient @ uniform(STREAM_PROJECTIONS + index, gradient.size))})
    return {"loss": loss.item(), "gradients": gradients}


def scales(gradients):
    """What deviations are measured against: a gradient's norm; where it is 0 but for rounding, as that of a bias that
    a later normalisation takes out again, the norm of the one before it."""
    norms = [gradient["norm"] for gradient in gradients]
    return [before if norm < 1e-9 * before else norm for before, norm in zip([0.0, *norms], norms)]


def apart(a, b):
    """The largest deviation that the test bounds."""
    pairs = list(zip(a["gradients"], b["gradients"], scales(b["gradients"])))
    return max(abs(a["loss"] / b["loss"] - 1), *(abs(x[key] - y[key]) / scale for x, y, scale in pairs
                                                 for key in ("norm", "projection")))


def case(name):
    arguments, batch, build, kind, sample, _ = CASES[name]
    model = build().double()
    set_parameters(model)
    stream = clear_stream(model, kind, (batch, *sample))
    exact = loss_and_gradients(name, stream, torch.float64)
    deviation = apart(loss_and_gradients(name, stream, torch.float32), exact)
    print(f"{name}: stream {stream}, float32 within {deviation:.1e}", flush=True)
    return {"model": name, "arguments": arguments, "batch": batch, "input_stream": stream,
            "float32_deviation": deviation, **exact}


if __name__ == "__main__":
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "parity")
    for name in sys.argv[1:] or CASES:
        with open(os.path.join(here, name + ".json"), "w") as file:
            json.dump(case(name), file, indent=1)
            file.write("\n")
