#!/usr/bin/env python3
"""Writes bleu.json: tokens and corpus BLEU as sacreBLEU has them, for tests/evaluation/bleu_test.cc.

    bleu.py                           needs PyPI's sacrebleu (written with 2.6.0)
"""
import json, os
from sacrebleu.metrics import BLEU
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

LINES = [
    "", "   ", "A man in a blue shirt is standing on a ladder, cleaning a window.", "It cost $3,000.50 (or 2.5%) - in 1999-2000!",
    "\"Quoted\" &quot;twice&quot; &amp; &lt;tag&gt; <skipped>end", "don't stop... now, ok?", "co-operate 3-4 a-3 -5",
    "Ein Mann f\u00fchrt \u00fcber die Stra\u00dfe.", "Voil\u00e0\u00a0: d\u00e9j\u00e0 vu\u2009!", "\u65e5\u672c\u8a9e.\u3000\u6587",
    "tabs\tand\u2003em", "a.b,c 1.2,3 .5 5. ,x", "{a}[b]^_`~|\\ :;<=>?@/ (+*)", "e-mail: a@b.org", "x\u0085y \u2026 z",
    "&amp;quot; && &", "1.,2 ,. ..1", "\u20ac5,00",
]
LONG = "the quick brown fox jumps over the lazy dog near the old river bank , and then it sleeps .".split()
CASES = [
    ("equal", [" ".join(LONG)], [" ".join(LONG)]),
    ("short", [" ".join(LONG[:9])], [" ".join(LONG)]),
    ("long", [" ".join(LONG) + " very well indeed ."], [" ".join(LONG)]),
    ("repeated words are counted once", ["the the the the the the the"], ["the cat is on the mat , there"]),
    ("no run of three matches", ["a b x c d y e"], ["a b z c d w e"]),
    ("no match", ["a b c d e"], ["v w x y z"]),
    ("too short for four", ["a b c"], ["a b c"]),
    ("empty hypotheses", ["", ""], ["a b c d e", "f"]),
    ("nothing", [""], [""]),
    ("several segments", ["A dog runs through the tall grass.", "Two men, one in red, play chess (outside).",
                          "Il est l\u00e0, \u00e0 l'\u00e9cole.", "Price: 3,000.50 dollars - not 3-4."],
     ["A dog is running through tall grass.", "Two men, one dressed in red, are playing chess outside.",
      "Il est l\u00e0, \u00e0 l'\u00e9cole\u00a0!", "The price: 3,000.50 dollars - not 3-5."]),
]


def case(name, hypotheses, references, tokenize):
    bleu = BLEU(tokenize=tokenize, force=True).corpus_score(hypotheses, [references])
    return {"name": name, "tokenize": tokenize, "hypotheses": hypotheses, "references": references, "score": bleu.score,
            "precisions": bleu.precisions, "brevity_penalty": bleu.bp, "matches": bleu.counts, "runs": bleu.totals,
            "hypothesis_words": bleu.sys_len, "reference_words": bleu.ref_len}


if __name__ == "__main__":
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bleu.json")
    tokens = [{"text": line, "none": line.split(), "13a": Tokenizer13a()(line).split()} for line in LINES]
    scores = [case(*c, tokenize) for c in CASES for tokenize in ("none", "13a")]
    with open(path, "w") as file:
        json.dump({"tokens": tokens, "scores": scores}, file, indent=1)
        file.write("\n")
