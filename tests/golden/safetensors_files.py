#!/usr/bin/env python3
"""Writes safetensors/*.safetensors with the format's own library: what tests/record/safetensors_test.cc reads and writes.

    safetensors_files.py              needs PyTorch and PyPI's safetensors (written with 0.8.0)
Not named safetensors.py, which it would then import instead of the library.
"""
import os
import torch
from safetensors.torch import save_file

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "safetensors")
VALUES = [0.0, 1.0, -2.5, 0.333251953125, 65504.0, -6.103515625e-05]  # exact in float16

FILES = {
    # Names in no order; a single value, and a tensor without values.
    "float32": {"fc.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3) / 4 - 1, "scale": torch.tensor(0.1),
                "empty": torch.zeros(0, 4), "conv1.bias": torch.tensor([1e-40, -0.0, 3.4028234663852886e38])},
    # What a half-precision checkpoint of a model with batch normalisation holds.
    "mixed": {"bn.num_batches_tracked": torch.tensor(7), "half": torch.tensor(VALUES).half(),
              "brain": torch.tensor(VALUES).bfloat16(), "single": torch.tensor(VALUES)},
}

if __name__ == "__main__":
    for name, tensors in FILES.items():
        save_file(tensors, os.path.join(HERE, name + ".safetensors"), metadata={"format": "pt"})
