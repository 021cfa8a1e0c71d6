import torch.nn as nn


class CharLstm(nn.Module):
    def __init__(self, symbols, hidden, layers):
        super().__init__()
        self.embed, self.lstm = nn.Embedding(symbols, hidden), nn.LSTM(hidden, hidden, layers, batch_first=True)
        self.head = nn.Linear(hidden, symbols)

    def forward(self, x):
        return self.head(self.lstm(self.embed(x))[0]).flatten(0, 1)


class SpeechBilstm(nn.Module):
    def __init__(self, features, hidden, layers, bottleneck, states):
        super().__init__()
        self.lstm = nn.LSTM(features, hidden, layers, batch_first=True, bidirectional=True)
        self.bottleneck, self.head = nn.Linear(2 * hidden, bottleneck), nn.Linear(bottleneck, states)

    def forward(self, x):
        return self.head(self.bottleneck(self.lstm(x)[0])).flatten(0, 1)


class FsddBilstm(nn.Module):
    def __init__(self, features, hidden, layers):
        super().__init__()
        self.lstm = nn.LSTM(features, hidden, layers, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden, 10)

    def forward(self, x):
        return self.head(self.lstm(x)[0].mean(1))


CASES = {
    "char-lstm": (["positions=12", "symbols=31", "hidden=40", "layers=3"], 5,
                  lambda: CharLstm(31, 40, 3), 31, (12,), 31),
    "fsdd-bilstm": (["frames=16"], 4, lambda: FsddBilstm(40, 128, 2), "real", (16, 40), 10),
    "speech-bilstm": (["frames=7", "features=13", "hidden=24", "bottleneck=11", "states=50"], 5,
                      lambda: SpeechBilstm(13, 24, 4, 11, 50), "real", (7, 13), 50),
}
