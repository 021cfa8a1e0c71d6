import torch
import torch.nn as nn


def in_order_of_execution(module, keys):
    """Has named_parameters() list them as Sterna's tables do: those that are used first come first."""
    parameters = dict(module.named_parameters())
    assert sorted(keys) == sorted(parameters)
    module.named_parameters = lambda **_: [(key, parameters[key]) for key in keys]
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
        self.register_buffer("mask", torch.triu(torch.full((t, t), float("-inf")), 1), persistent=False)

    def forward(self, x):
        return self.head(self.blocks(self.embed(x) + self.pos, mask=self.mask)).flatten(0, 1)


def gpt(layers, **sizes):
    keys = ["embed.weight", "pos"]
    for i in range(layers):
        block = f"blocks.layers.{i}."
        keys += [*pair(block + "norm1"), *attention(block + "self_attn"), *pair(block + "norm2"),
                 *pair(block + "linear1"), *pair(block + "linear2")]
    return in_order_of_execution(Gpt(layers=layers, **sizes), keys + pair("head"))


class Transformer(nn.Module):
    """Symbols are the source and then the target; 0 pads the source. Embeddings are scaled, positions are sines."""

    def __init__(self, vocab, d, heads, layers, hidden, source, target):
        super().__init__()
        self.source, self.d = source, d
        self.src_embed, self.tgt_embed = nn.Embedding(vocab, d), nn.Embedding(vocab, d)
        whole = nn.Transformer(d, heads, layers, layers, hidden, dropout=0.0, batch_first=True)
        self.encoder, self.decoder, self.head = whole.encoder, whole.decoder, nn.Linear(d, vocab)
        self.register_buffer("mask", torch.triu(torch.full((target, target), float("-inf")), 1), persistent=False)

    def with_positions(self, x):
        angles = torch.arange(x.shape[1])[:, None] / 10000 ** (torch.arange(0, self.d, 2, dtype=x.dtype) / self.d)
        sines = torch.stack((angles.sin(), angles.cos()), 2).flatten(1)
        return self.d ** 0.5 * x + sines

    def forward(self, x):
        source, target = x[:, :self.source], x[:, self.source:]
        padding = source == 0
        memory = self.encoder(self.with_positions(self.src_embed(source)), src_key_padding_mask=padding)
        output = self.decoder(self.with_positions(self.tgt_embed(target)), memory, tgt_mask=self.mask,
                              memory_key_padding_mask=padding)
        return self.head(output).flatten(0, 1)


def transformer(layers, **sizes):
    keys = ["src_embed.weight"]
    for i in range(layers):
        layer = f"encoder.layers.{i}."
        keys += [*attention(layer + "self_attn"), *pair(layer + "norm1"), *pair(layer + "linear1"),
                 *pair(layer + "linear2"), *pair(layer + "norm2")]
    keys += [*pair("encoder.norm"), "tgt_embed.weight"]
    for i in range(layers):
        layer = f"decoder.layers.{i}."
        keys += [*attention(layer + "self_attn"), *pair(layer + "norm1"), *attention(layer + "multihead_attn"),
                 *pair(layer + "norm2"), *pair(layer + "linear1"), *pair(layer + "linear2"), *pair(layer + "norm3")]
    return in_order_of_execution(Transformer(layers=layers, **sizes), [*keys, *pair("decoder.norm"), *pair("head")])


class Bert(nn.Module):
    def __init__(self, vocab, d, layers, heads, hidden, t):
        super().__init__()
        self.embed, self.pos, self.norm = nn.Embedding(vocab, d), nn.Parameter(torch.zeros(t, d)), nn.LayerNorm(d)
        layer = nn.TransformerEncoderLayer(d, heads, hidden, 0.0, "gelu", batch_first=True)
        self.blocks, self.head = nn.TransformerEncoder(layer, layers), nn.Module()
        self.head.dense, self.head.norm, self.head.symbols = nn.Linear(d, d), nn.LayerNorm(d), nn.Linear(d, vocab)

    def forward(self, x):
        y = self.blocks(self.norm(self.embed(x) + self.pos), src_key_padding_mask=x == 0)
        return self.head.symbols(self.head.norm(nn.functional.gelu(self.head.dense(y)))).flatten(0, 1)


def bert(layers, **sizes):
    keys = ["embed.weight", "pos", *pair("norm")]
    for i in range(layers):
        block = f"blocks.layers.{i}."
        keys += [*attention(block + "self_attn"), *pair(block + "norm1"), *pair(block + "linear1"),
                 *pair(block + "linear2"), *pair(block + "norm2")]
    keys += [*pair("head.dense"), *pair("head.norm"), *pair("head.symbols")]
    return in_order_of_execution(Bert(layers=layers, **sizes), keys)


class VitBlock(nn.Module):
    def __init__(self, d, heads, hidden):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(d, 1e-6), nn.LayerNorm(d, 1e-6)
        self.self_attention = nn.MultiheadAttention(d, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(d, hidden), nn.GELU(), nn.Dropout(0.0), nn.Linear(hidden, d))

    def forward(self, x):
        y = self.ln_1(x)
        x = x + self.self_attention(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class Vit(nn.Module):
    """torchvision's VisionTransformer, names included."""

    def __init__(self, image, patch, classes, d, heads, layers, hidden):
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, d))
        self.conv_proj = nn.Conv2d(3, d, patch, patch)
        self.encoder, self.heads = nn.Module(), nn.Module()
        self.encoder.pos_embedding = nn.Parameter(torch.zeros(1, 1 + (image // patch) ** 2, d))
        self.encoder.layers = nn.Module()
        for i in range(layers):
            self.encoder.layers.add_module(f"encoder_layer_{i}", VitBlock(d, heads, hidden))
        self.encoder.ln, self.heads.head = nn.LayerNorm(d, 1e-6), nn.Linear(d, classes)

    def forward(self, x):
        x = self.conv_proj(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.class_token.expand(len(x), -1, -1), x), 1) + self.encoder.pos_embedding
        for block in self.encoder.layers.children():
            x = block(x)
        return self.heads.head(self.encoder.ln(x)[:, 0])


def vit(layers, **sizes):
    keys = ["class_token", *pair("conv_proj"), "encoder.pos_embedding"]
    for i in range(layers):
        block = f"encoder.layers.encoder_layer_{i}."
        keys += [*pair(block + "ln_1"), *attention(block + "self_attention"), *pair(block + "ln_2"),
                 *pair(block + "mlp.0"), *pair(block + "mlp.3")]
    return in_order_of_execution(Vit(layers=layers, **sizes), [*keys, *pair("encoder.ln"), *pair("heads.head")])


CASES = {
    "bert": (["vocab=19", "positions=70", "d=32", "heads=4", "layers=2", "ffn=48", "dropout=0"], 2,
             lambda: bert(2, vocab=19, d=32, heads=4, hidden=48, t=70), 19, (70,), 19),
    "gpt": (["positions=70", "d=64", "layers=2", "ffn=96"], 2, lambda: gpt(2, d=64, hidden=96, t=70), 65, (70,), 65),
    "transformer": (["vocab=19", "source=70", "target=66", "d=32", "heads=4", "layers=2", "ffn=48", "dropout=0",
                     "smoothing=0"], 2,
                    lambda: transformer(2, vocab=19, d=32, heads=4, hidden=48, source=70, target=66), 19, (136,), 19),
    "vit": (["image=36", "patch=4", "classes=7", "d=32", "heads=4", "layers=2", "ffn=48"], 2,
            lambda: vit(2, image=36, patch=4, classes=7, d=32, heads=4, hidden=48), "real", (3, 36, 36), 7),
}
