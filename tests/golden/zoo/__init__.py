"""The zoo's models as PyTorch writes them, for parity tests: one file a family.

Each file has CASES: name -> (arguments of `--model-arg`, batch, builder of a module, input kind, shape of a sample,
classes). An input kind is "real" or a number of symbols; a module returns logits [rows, classes].
"""
from . import attention, fully_connected, images, recurrent

CASES = {**attention.CASES, **fully_connected.CASES, **images.CASES, **recurrent.CASES}
