"""`sterna train --log-diagnostics`: its lines, worked out a second time in NumPy from recorded gradients."""
import numpy as np

from support import TestCase, main, rows, run, write_idx_data

LEARNERS, STEPS = 3, 5
TRAIN = ("train", "--model", "lenet", "--data", "synthetic", "--batch", 2, "--steps", STEPS, "--lr", 0.01, "--rate", 50,
         "--progress", "off")
PERCENTS = [1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9]
ALWAYS = ["step", "layer", "kind", "elements", "elements_sent", "gradient_p95", "residue_p95", "union_elements",
          "local_top_k_union", "hamming_distance", "contraction", "top_k_contraction", "residue_quantiles",
          "mean_residue_quantiles"]


def largest(values, k):
    return set(np.argsort(-np.abs(values), kind="stable")[:k])


def square(values):
    return float(np.sum(np.square(values, dtype=np.float64)))


class Diagnostics(TestCase):
    def train(self, name, *arguments):
        logs = self.directory / name
        result = run(*TRAIN, "--learners", LEARNERS, "--log-dir", logs, *arguments)
        self.assertEqual(result.status, 0, result.err)
        return logs

    def replayed(self, compressor, layer, gradients):
        """Residues after the last but one step, and the mean of the last: the same code, without training."""
        out = {}
        for name, steps in (("before", gradients[:-1]), ("all", gradients)):
            np.save(self.directory / "g.npy", steps)
            kind = "conv" if layer.startswith("conv") else "fc"
            files = [self.directory / f"{name}-{what}.npy" for what in ("mean", "residue", "bytes")]
            result = run("replay", "--compressor", compressor, "--rate", 50, "--layer", kind, "--gradients",
                         self.directory / "g.npy", "--mean", files[0], "--residue", files[1], "--bytes", files[2])
            self.assertEqual(result.status, 0, result.err)
            out[name] = [np.load(file) for file in files[:2]]
        return out["before"][1], out["all"][0][-1]

    def check_row(self, row, compressor, gradients):
        residues, mean_sent = self.replayed(compressor, row["layer"], gradients)
        m, g = residues.astype(np.float64), gradients[-1].astype(np.float64)
        y, k = (m + g).mean(axis=0), row["elements_sent"]
        near = lambda key, value: self.assertAlmostEqual(row[key], value, delta=1e-5 * abs(value) + 1e-12, msg=key)
        near("gradient_p95", np.percentile(np.abs(g[0]), 95))
        near("residue_p95", np.percentile(np.abs(m[0]), 95))
        np.testing.assert_allclose(row["residue_quantiles"], np.percentile(np.abs(m[0]), PERCENTS), 1e-5, 1e-12)
        np.testing.assert_allclose(row["mean_residue_quantiles"], np.percentile(np.abs(m.mean(axis=0)), PERCENTS),
                                   1e-5, 1e-12)
        cosines = [m[i] @ m[j] / np.sqrt(square(m[i]) * square(m[j])) for i in range(LEARNERS) for j in range(i)]
        near("cosine_distance", 1 - np.mean(cosines))
        near("contraction", square(y - mean_sent) / square(y))
        kept = np.zeros_like(y)
        best = largest(y, k)
        kept[list(best)] = y[list(best)]
        near("top_k_contraction", square(y - kept) / square(y))
        own = [largest(residues[i] + gradients[-1][i], k) for i in range(LEARNERS)]
        self.assertEqual(row["local_top_k_union"], len(set().union(*own)))
        if compressor == "topk":
            self.assertEqual(row["union_elements"], row["local_top_k_union"])
            near("hamming_distance", 1 - len(own[0] & best) / k)
        if compressor == "scalecom":
            sent = set(np.flatnonzero(mean_sent))
            self.assertEqual(row["union_elements"], len(sent))
            near("hamming_distance", 1 - len(sent & best) / k)
            near("contraction_bound", row["hamming_distance"] + (1 - row["hamming_distance"]) * row["top_k_contraction"])

    def test_says_what_numpy_says(self):
        for compressor in ("scalecom", "topk", "adacomp", "ls"):
            with self.subTest(compressor=compressor):
                recorded = self.directory / f"{compressor}-gradients"
                logs = self.train(compressor, "--compressor", compressor, "--log-diagnostics", 4, "--log-layers", 1,
                                  "--record-gradients", recorded)
                lines = rows(logs / "diagnostics.jsonl")
                self.assertEqual([(row["step"], row["layer"]) for row in lines],
                                 [(step, f"{layer}.weight") for step in (0, 4) for layer in ("conv2", "fc1", "fc2")])
                sent = {(row["step"], row["layer"]): row["elements_sent"] for row in rows(logs / "layers.jsonl")}
                extra = {"scalecom": ["contraction_bound"], "topk": []}.get(compressor, ["elements_per_bin"])
                for row in lines:
                    self.assertEqual(row["elements_sent"], sent[row["step"], row["layer"]])
                    later = ["cosine_distance"] if row["step"] else []  # at first, residues are zero
                    self.assertEqual(sorted(row), sorted(ALWAYS + extra + later))
                for row in lines[3:]:
                    self.check_row(row, compressor, np.load(recorded / f"{row['layer']}.npy"))

    def test_changes_no_bit(self):
        for flags in (("--compressor", "scalecom"), ("--compressor", "randomk"),
                      ("--compressor", "strom", "--threshold", 0.001), ("--compressor", "dryden"),
                      ("--compressor", "topk", "--gather", "sparse-sum", "--error-feedback", "off")):
            with self.subTest(flags=flags):
                hashes = set()
                for every in (0, 1):
                    logs = self.train(f"{flags[1]}-{every}", *flags, "--log-diagnostics", every, "--csv")
                    hashes.add(rows(logs / "epochs.jsonl")[-1]["parameter_hash"])
                    self.assertEqual((logs / "diagnostics.jsonl").exists(), every == 1)
                self.assertEqual(len(hashes), 1)
                self.assertEqual(len(rows(logs / "diagnostics.jsonl")), 3 * STEPS)

    def test_says_nothing_of_dense_layers(self):
        logs = self.train("fp16", "--compressor", "fp16", "--log-diagnostics", 1)
        self.assertEqual(rows(logs / "diagnostics.jsonl"), [])

    def test_begins_with_compression(self):
        write_idx_data(self.directory / "data", train=32)  # 5 steps an epoch
        logs = self.train("late", "--data", "mnist", "--data-dir", self.directory / "data", "--compressor", "topk",
                          "--compress-after-epochs", 1, "--steps", 7, "--log-diagnostics", 1)
        self.assertEqual({row["step"] for row in rows(logs / "diagnostics.jsonl")}, {5, 6})

    def test_wants_all_learners_on_one_rank_and_a_place_to_write(self):
        flags = (*TRAIN, "--compressor", "topk", "--log-diagnostics", 2)
        logs = self.directory / "refused"
        self.assert_refused(run(*flags, "--learners", 2, "--log-dir", logs, ranks=2), "log-diagnostics = 2 on 2 ranks",
                            "one rank can host them all", "--learners 2")
        self.assertFalse(logs.exists())
        self.assert_refused(run(*flags), "log-diagnostics = 2 without a log directory", "--log-dir")


if __name__ == "__main__":
    main()
