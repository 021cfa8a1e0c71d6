#!/usr/bin/env python3
"""Writes log_mel.json: log mel energies of a made-up signal, for tests/data/log_mel_test.cc.

    log_mel.py                        needs NumPy; all in float64, the Fourier transform by its definition
"""
import json, os
import numpy as np

SAMPLES, FRAME, HOP, LENGTH, BANDS, RATE = 1148, 200, 80, 256, 40, 8000


def signal():
    """Noise of a linear congruential generator over a square wave, as 16-bit samples."""
    state, samples = 1, []
    for i in range(SAMPLES):
        state = (state * 1103515245 + 12345) % 2**31
        samples.append((state >> 8) % 10001 - 5000 + (8000 if i // 9 % 2 else -8000))
    return np.array(samples) / 32768


def log_mel(samples):
    frames = np.stack([samples[i:i + FRAME] for i in range(0, len(samples) - FRAME + 1, HOP)])
    window = np.sin(np.pi * np.arange(FRAME) / FRAME) ** 2  # Hann
    line = np.arange(LENGTH // 2 + 1)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(FRAME), line) / LENGTH)
    power = np.abs((frames * window) @ waves) ** 2
    top = np.log10(1 + RATE / 2 / 700)  # the factor 2595 cancels
    edges = 700 * (10 ** (top * np.arange(BANDS + 2) / (BANDS + 1)) - 1)
    weights = [np.interp(line * RATE / LENGTH, edges[b:b + 3], [0, 1, 0]) for b in range(BANDS)]
    return np.log(np.maximum(power @ np.array(weights).T, 1e-10))


if __name__ == "__main__":
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "log_mel.json")
    rows = ["[" + ", ".join(f"{x:.9g}" for x in row) + "]" for row in log_mel(signal())]
    with open(path, "w") as file:
        file.write('{"samples": %d,\n "features": [\n  %s\n ]}\n' % (SAMPLES, ",\n  ".join(rows)))
