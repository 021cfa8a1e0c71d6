import torch
import torch.nn as nn


def in_order_of_execution(module, keys):
    """Has named_parameters() list them as Sterna's tables do: those that are used first come first."""
    parameters = dict(module.named_parameters())
    assert sorted(keys) == sorted(parameters)
    module.named_parameters = lambda: [(key, parameters[key]) for key in keys]
    return module


def pair(name):
    return [name + ".weight", name + ".bias"]


def attention(name):
    return [name + ".in_proj_weight", name + ".in_proj_bias", *pair(name + ".out_proj")]


class Gpt(nn.Module):
    def __init__(self, vocab=65, d=256, layers=4, heads=4, hidden=1024, t=128):
        super().__init__()
        self.embed, self.pos = nn.Embedding(vocab, d), nn.Parameter(torch.zeros(t, d))
        layer = nn.TransformerEncoderLayer(d, heads, hidden, 0.0, "gelu", batch_first=True, norm_first=True)
        self.blocks, self.head = nn.TransformerEncoder(layer, layers), nn.Linear(d, vocab)
        self.register_buffer("mask", torch.triu(torch.full((t, t), float("-inf")), 1))

    def forward(self, x):
        return self.head(self.blocks(self.embed(x) + self.pos, mask=self.mask)).flatten(0, 1)


def gpt(layers, **sizes):
    keys = ["embed.weight", "pos"]
    for i in range(layers):
        block = f"blocks.layers.{i}."
        keys += [*pair(block + "norm1"), *attention(block + "self_attn"), *pair(block + "norm2"),
                 *pair(block + "linear1"), *pair(block + "linear2")]
    return in_order_of_execution(Gpt(layers=layers, **sizes), keys + pair("head"))


CASES = {
    "gpt": (["positions=70", "d=64", "layers=2", "ffn=96"], 2, lambda: gpt(2, d=64, hidden=96, t=70), 65, (70,), 65),
}
