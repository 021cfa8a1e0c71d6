#!/usr/bin/env python3
"""Writes optimizers.json: what PyTorch's SGD, Adam and AdamW make of a few parameters in a few steps.

    python3 tests/golden/optimizers.py > tests/golden/optimizers.json     (written with PyTorch 1.13)

All settings are float32 numbers, so that both sides start from the same ones. Gradients and parameters are multiples
of 1/64, exact in JSON; gradients lie in +-[1/2, 2], so that no second moment comes near zero.
"""
import json

import numpy
import torch

STEPS = 6
ELEMENTS = 5


def exact(number):
    return float(numpy.float32(number))


CASES = [
    ("sgd", dict(momentum=0.0, weight_decay=0.0)),
    ("sgd", dict(momentum=0.9, weight_decay=0.0)),
    ("sgd", dict(momentum=0.9, weight_decay=0.01)),
    ("adam", dict(beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.0)),
    ("adam", dict(beta1=0.8, beta2=0.95, epsilon=1e-3, weight_decay=0.01)),
    ("adamw", dict(beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01)),
    ("adamw", dict(beta1=0.8, beta2=0.95, epsilon=1e-3, weight_decay=0.1)),
]


def make(name, parameters, rate, options):
    if name == "sgd":
        return torch.optim.SGD([parameters], lr=rate, **options)
    options = dict(options)
    betas = (options.pop("beta1"), options.pop("beta2"))
    kind = torch.optim.Adam if name == "adam" else torch.optim.AdamW
    return kind([parameters], lr=rate, betas=betas, eps=options.pop("epsilon"), **options)


def run(name, options, start, gradients, rates):
    options = {key: exact(value) for key, value in options.items()}
    parameters = torch.tensor(start, dtype=torch.float32, requires_grad=True)
    optimizer = make(name, parameters, rates[0], options)
    trace = []
    for gradient, rate in zip(gradients, rates):
        optimizer.param_groups[0]["lr"] = rate
        parameters.grad = torch.tensor(gradient, dtype=torch.float32)
        optimizer.step()
        trace.append([float(value) for value in parameters.detach()])
    return {"name": name, "options": options, "parameters": trace}


def main():
    random = numpy.random.default_rng(1)
    start = (random.integers(-64, 65, ELEMENTS) / 64).tolist()
    sizes = random.integers(32, 129, (STEPS, ELEMENTS)) / 64
    gradients = (sizes * random.choice([-1, 1], (STEPS, ELEMENTS))).tolist()
    rates = [exact(rate) for rate in (0.01, 0.02, 0.02, 0.02, 0.01, 0.005)]
    cases = [run(name, options, start, gradients, rates) for name, options in CASES]
    print(json.dumps({"start": start, "gradients": gradients, "learning_rates": rates, "cases": cases}, indent=1))


if __name__ == "__main__":
    main()
