"""Four learners end with the same parameters, bit for bit, on 1, 2 and 4 ranks, through every compressor there is."""
import json

from support import TestCase, main, rows, run

COMPRESSORS = [(item["name"],) for item in json.loads(run("list", "--json").out)["compressors"]]
COMPRESSORS += [(name, "--gather", "sparse-sum") for name in ("adacomp", "dryden", "ls", "strom", "topk")]
STEPS = 50
# bn50-dnn is large: with 100 classes of 5,999 it has half of the elements and as many layers, and in 20 steps each learner leads
# five times.
SMALLER_RUN = ("--model-arg", "classes=100", "--steps", 20, "--eval-every", 20)


class WorldSize(TestCase):
    def hash_after(self, model, compressor, ranks, arguments=()):
        logs = self.directory / "-".join(map(str, (model, compressor, ranks, *arguments[-1:])))
        result = run("train", "--model", model, "--data", "synthetic", "--learners", 4, "--batch", 2, "--steps", STEPS,
                     "--eval-every", STEPS, "--lr", 0.01, "--compressor", compressor, "--rate", 40,
                     "--log-dir", logs, "--progress", "off", *arguments, ranks=ranks, timeout=600)
        self.assertEqual(result.status, 0, result.err)
        return rows(logs / "epochs.jsonl")[-1]["parameter_hash"], [row["loss"] for row in rows(logs / "steps.jsonl")]

    def check(self, model, *model_arguments):
        hashes = set()
        for compressor, *flags in COMPRESSORS:
            arguments = (*model_arguments, *flags)
            with self.subTest(model=model, compressor=compressor, arguments=arguments):
                one, *more = (self.hash_after(model, compressor, ranks, arguments) for ranks in (1, 2, 4))
                self.assertEqual([one] * 2, more)
                hashes.add(one[0])
        self.assertEqual(len(hashes), len(COMPRESSORS))  # each compressor has a hand in what is learned

    def test_of_lenet(self):
        self.check("lenet")

    def test_of_bn50_dnn(self):
        self.check("bn50-dnn", *SMALLER_RUN)

    def test_of_controls(self):
        """Emptied residues, a leader that stays and rates of single layers are matters of learners and layers alone."""
        plain = self.hash_after("lenet", "scalecom", 1)
        for controls in (("--layer-rates", "conv=7,fc1=333", "--drop-residues-at", "20", "--leader", "first"),
                         ("--layer-rates", "flops", "--error-feedback", "off")):
            with self.subTest(controls=controls):
                one, *more = (self.hash_after("lenet", "scalecom", ranks, controls) for ranks in (1, 2, 4))
                self.assertEqual([one] * 2, more)
                self.assertNotEqual(one[0], plain[0])

    def test_of_dropout(self):
        """Masks are keyed by learner: the ranks agree, and without dropout something else is learned."""
        def losses(dropout, ranks):
            sizes = ("vocab=11", "positions=9", "d=24", "heads=3", "layers=2", "ffn=40", f"dropout={dropout}")
            return self.hash_after("gpt", "none", ranks, [flag for size in sizes for flag in ("--model-arg", size)])
        one = losses(0.3, 1)
        self.assertEqual(one, losses(0.3, 2))
        self.assertEqual(one, losses(0.3, 4))
        self.assertNotEqual(one, losses(0, 4))


if __name__ == "__main__":
    main()
