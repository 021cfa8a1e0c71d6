"""Training on sentences with their translations: what is translated, its BLEU, and the vocabulary beside the logs."""
from support import TestCase, main, rows, run

NOUNS = {"dog": "Hund", "man": "Mann", "bird": "Vogel", "tree": "Baum"}
VERBS = {"sees": "sieht", "likes": "mag", "draws": "malt"}


def pairs():
    """36 sentences of which each word has one translation; the object's article is another than the subject's."""
    return [(f"A {a} {v} the {b}.", f"Ein {NOUNS[a]} {VERBS[v]} den {NOUNS[b]}.")
            for a in NOUNS for v in VERBS for b in NOUNS if a != b]


class Translation(TestCase):
    def setUp(self):
        super().setUp()
        self.data = self.directory / "data"
        self.data.mkdir()
        for name, chosen in (("train", pairs() * 4), ("test_2016_flickr", pairs()[::3])):
            for language, side in (("en", 0), ("de", 1)):
                text = "".join(pair[side] + "\n" for pair in chosen)
                (self.data / f"{name}.{language}").write_text(text, encoding="utf-8")

    def train(self, name, *arguments, ranks=None, steps=150):
        logs = self.directory / name
        sizes = ("vocab=320", "source=12", "target=12", "d=32", "heads=4", "layers=1", "ffn=64", "dropout=0")
        result = run("train", "--model", "transformer", "--data", "multi30k", "--data-dir", self.data,
                     "--vocabulary-size", 320, "--learners", 2, "--batch", 16, "--steps", steps, "--eval-every", steps,
                     "--optimizer", "adam", "--lr", 0.003, "--log-dir", logs, *arguments,
                     *[flag for size in sizes for flag in ("--model-arg", size)], ranks=ranks, timeout=300)
        self.assertEqual(result.status, 0, result.err)
        return logs

    def test_learns_to_translate_with_the_same_bits_on_any_number_of_ranks(self):
        one = self.train("one")
        two = self.train("two", ranks=2)
        expected = [pair[1] for pair in pairs()[::3]]
        self.assertEqual((one / "translations.txt").read_text(encoding="utf-8").splitlines(), expected)
        self.assertAlmostEqual(rows(one / "epochs.jsonl")[-1]["test_bleu"], 100.0, places=9)
        for file in ("translations.txt", "vocabulary.txt"):
            self.assertEqual((one / file).read_bytes(), (two / file).read_bytes())
        hashes = [rows(logs / "epochs.jsonl")[-1]["parameter_hash"] for logs in (one, two)]
        self.assertEqual(hashes[0], hashes[1])

    def test_searches_with_a_beam_with_the_same_bits_on_any_number_of_ranks(self):
        # So early that translations are still wrong, and the searches find different ones.
        greedy = self.train("greedy", steps=15)
        one = self.train("one", "--beam", 3, steps=15)
        two = self.train("two", "--beam", 3, ranks=2, steps=15)
        self.assertEqual((one / "translations.txt").read_bytes(), (two / "translations.txt").read_bytes())
        self.assertNotEqual((one / "translations.txt").read_bytes(), (greedy / "translations.txt").read_bytes())
        bleu = [rows(logs / "epochs.jsonl")[-1]["test_bleu"] for logs in (one, two)]
        self.assertEqual(bleu[0], bleu[1])
        self.assertLess(bleu[0], 100)

    def test_takes_the_vocabulary_that_a_run_has_left(self):
        first = self.train("first", steps=2)
        second = self.train("second", "--vocabulary", first / "vocabulary.txt", steps=2)
        hashes = [rows(logs / "epochs.jsonl")[-1]["parameter_hash"] for logs in (first, second)]
        self.assertEqual(hashes[0], hashes[1])

    def test_refuses_what_is_no_search(self):
        self.assert_refused(run("train", "--steps", 1, "--beam", 0), "beam = 0: must be in [1, 64]")
        self.assert_refused(run("train", "--steps", 1, "--length-exponent", -1), "length-exponent = -1")


if __name__ == "__main__":
    main()
