import torch.nn as nn


def bn50_dnn():
    sizes = [440] + [1024] * 5
    layers = [m for i, o in zip(sizes, sizes[1:]) for m in (nn.Linear(i, o), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(1024, 5999))


CASES = {"bn50-dnn": ([], 8, bn50_dnn, "real", (440,), 5999)}
