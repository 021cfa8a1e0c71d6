"""A user's mistakes: one clear line, exit status 2, and no half-written file."""
import gzip
import json
import os
import shutil
import stat
import subprocess

from support import STERNA, TestCase, idx, main, run, run_apart, write_idx_data

SHORT = ("train", "--model", "lenet", "--data", "synthetic", "--steps", 2, "--batch", 2, "--progress", "off")


class CommandLine(TestCase):
    def test_an_unknown_subcommand(self):
        self.assert_refused(run("trian"), 'subcommand = "trian"', "train, replay, project, list, bench")

    def test_no_subcommand(self):
        self.assert_refused(run(), "must be one of")

    def test_an_unknown_flag(self):
        self.assert_refused(run("train", "--epochz", 3), "--epochz", "sterna train --help")

    def test_an_unknown_flag_on_two_ranks_is_said_once(self):
        self.assert_refused(run("train", "--epochz", 3, ranks=2), "--epochz")

    def test_a_value_that_is_no_number(self):
        self.assert_refused(run("train", "--batch", "many"), "--batch", "many")

    def test_choices_that_cannot_be_made_again(self):
        automatic = (*SHORT, "--compressor", "auto")
        choices = self.directory / "choices.jsonl"
        self.assert_refused(run(*automatic, "--auto-choices", choices), f"auto-choices = {choices}: cannot read it")
        choices.write_text('{"step":0,"methods":"none none"}\n')
        for ranks in (None, 2):
            self.assert_refused(run(*automatic, "--auto-choices", choices, ranks=ranks),
                                "methods of 2 parameters: this model has 8")
        self.assert_refused(run(*SHORT, "--auto-choices", choices), "goes with --compressor auto alone")
        self.assert_refused(run(*automatic, "--auto-compressor", "fp16"), "auto-compressor", "beside none and fp16")
        self.assert_refused(run(*automatic, "--auto-compressor", "gzip"), "gzip", "scalecom")

    def test_an_unknown_key_in_a_config(self):
        config = self.directory / "c.toml"
        config.write_text('model = "lenet"\nlearning-rate = 0.1\n')
        self.assert_refused(run("train", "--config", config),
                            f"config = {config}, line 2: there is no setting learning-rate; they are layer-rates, rate")

    def test_a_config_that_is_no_toml(self):
        config = self.directory / "c.toml"
        for text in ('steps = 1\nmodel = "lenet\n', "steps = 1\nmodel = lenet\n", "steps = 1\nsteps = 2\n"):
            config.write_text(text)
            self.assert_refused(run("train", "--config", config), f"config = {config}, line 2: ")

    def test_a_config_with_a_table_or_a_date(self):
        config = self.directory / "c.toml"
        config.write_text("[train]\nsteps = 1\n")
        self.assert_refused(run("train", "--config", config), "line 1: [train] is a table")
        config.write_text("steps = 1979-05-27\n")
        self.assert_refused(run("train", "--config", config), "line 1: steps must be a string, a number")

    def test_a_config_with_numbers_lists_and_truths(self):
        config = self.directory / "c.toml"
        log = self.directory / "log"
        config.write_text('data = "synthetic"\nmodel-arg = []\nbatch = 2\nsteps = 1\nlr = 1e-3\ncsv = true\n'
                          f'log-dir = "{log}"\n')
        self.assertEqual(run("train", "--config", config).status, 0)
        settings = json.loads((log / "run.json").read_text())["settings"]
        self.assertEqual((settings["lr"], settings["csv"], settings["model-arg"]), (0.001, True, []))

    def test_a_config_that_is_not_there(self):
        self.assert_refused(run("train", "--config", self.directory / "none.toml"), "none.toml")

    def test_the_command_line_wins_over_the_config(self):
        config = self.directory / "c.toml"
        config.write_text('model = "no-such-model"\ndata = "synthetic"\nbatch = 2\n')
        self.assert_refused(run("train", "--config", config, "--steps", 1), "no-such-model")
        self.assertEqual(run("train", "--config", config, "--steps", 1, "--model", "lenet").status, 0)

    def test_values_out_of_range(self):
        for flag, value in (("--batch", 0), ("--lr", 0), ("--lr", -1), ("--threads", 0), ("--momentum", 1.5),
                            ("--beta", 0), ("--beta", 1.5), ("--rate", 0.5), ("--bin-conv", 0),
                            ("--bin-fc", 16385), ("--threshold", 0), ("--threshold", 1e-60), ("--weight-decay", -1), ("--timeout-seconds", 0)):
            compressor = {"--beta": "scalecom", "--rate": "topk", "--threshold": "strom"}.get(flag, "adacomp")
            with self.subTest(flag=flag, value=value):
                self.assert_refused(run(*SHORT, "--compressor", compressor, f"{flag}={value}"), flag.strip("-"), "must be")

    def test_names_that_are_not_there(self):
        for flag in ("--model", "--data", "--compressor", "--optimizer", "--schedule", "--sum-order", "--transport",
                     "--device", "--selection", "--progress", "--gather", "--partition"):
            with self.subTest(flag=flag):
                self.assert_refused(run(*SHORT, flag, "nonesuch"), "nonesuch")

    def test_neither_steps_nor_epochs_and_both(self):
        self.assert_refused(run("train", "--data", "synthetic"), "epochs", "steps")
        self.assert_refused(run("train", "--data", "synthetic", "--steps", 1, "--epochs", 1), "exactly one")

    def test_a_negative_count(self):
        self.assert_refused(run("train", "--data", "synthetic", "--steps=-1"), "steps", "-1", "negative")
        self.assert_refused(run(*SHORT, "--seed=-1"), "seed", "-1", "negative")

    def test_a_learning_rate_that_is_zero_in_float32(self):
        self.assert_refused(run(*SHORT, "--lr", 1e-60), "lr", "must be")

    def test_a_sparse_sum_of_what_chooses_no_elements(self):
        for compressor in ("none", "fp16", "randomk", "scalecom"):
            with self.subTest(compressor=compressor):
                self.assert_refused(run(*SHORT, "--compressor", compressor, "--gather", "sparse-sum"),
                                    f"gather = sparse-sum with compressor = {compressor}", "adacomp or dryden or ls or strom or topk")

    def test_a_pattern_that_is_none(self):
        self.assert_refused(run(*SHORT, "--dense-layers", "(("), "dense-layers", "regular expression")
        deep = "(" * 30000 + ")" * 30000
        for pattern in (("--dense-layers", deep), ("--layer-rates", f"{deep}=50", "--compressor", "topk")):
            self.assert_refused(run(*SHORT, *pattern), "not a regular expression of at most 1000 characters")

    def test_a_pattern_that_is_for_nothing(self):
        self.assert_refused(run(*SHORT, "--compressor", "topk", "--dense-layers", "con1|bais"),
                            'dense-layers = "con1|bais": is found in the name of no parameter', "conv1.weight")

    def test_compression_that_would_begin_after_the_end(self):
        for compressor in ("topk", "auto"):
            self.assert_refused(run(*SHORT, "--compressor", compressor, "--compress-after-epochs", 1),
                                "compress-after-epochs = 1: must be below the run's 0.00", "nothing is compressed")

    def test_text_that_is_not_utf8(self):
        for flag in ("--log-dir", "--model"):
            with self.subTest(flag=flag):
                name = os.fsdecode(bytes(self.directory / "r") + b"\xff")
                self.assert_refused(run(*SHORT, flag, name), f"{flag.strip('-')} = ", "is not UTF-8")
        self.assertEqual(list(self.directory.iterdir()), [])

    def test_one_class(self):
        self.assert_refused(run(*SHORT, "--model", "bert", "--model-arg", "classes=1"), "classes = 1: must be 2 or more")

    def test_numbers_with_zeros_in_front_are_decimal(self):
        log = self.directory / "log"
        self.assertEqual(run(*SHORT, "--steps", "0010", "--batch", "08", "--seed", "0x10", "--log-dir", log).status, 0)
        settings = json.loads((log / "run.json").read_text())["settings"]
        self.assertEqual((settings["steps"], settings["batch"], settings["seed"]), (10, 8, 16))
        self.assertEqual(json.loads(run("bench", "step", "--steps", "5", "--batch", "010", "--json").out)["batch"], 10)

    def test_srun_without_mpi(self):
        tasks = {"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "1"}
        self.assert_refused(run(*SHORT, environment=tasks), "srun: has started 4 tasks without MPI", "--mpi=pmix")
        self.assertEqual(run(*SHORT, environment=tasks, ranks=1).status, 0)
        self.assertEqual(run(*SHORT, environment={"SLURM_STEP_NUM_TASKS": "1"}).status, 0)

    def test_learners_that_ranks_do_not_divide(self):
        self.assert_refused(run(*SHORT, "--learners", 3, ranks=2), "learners = 3 on 2 ranks", "try learners = 4")

    def test_learners_that_break_the_order_of_sums(self):
        self.assert_refused(run(*SHORT, "--learners", 6, ranks=2), "learners = 6 on 2 ranks", "sum-order = any")

    def test_more_samples_a_step_than_there_are(self):
        write_idx_data(self.directory / "data", train=10)
        self.assert_refused(run("train", "--data", "mnist", "--data-dir", self.directory / "data", "--steps", 1,
                                "--batch", 11), "11", "10")


    def test_values_that_are_no_numbers(self):
        self.assert_refused(run(*SHORT, "--lr", "abc"), "--lr", '"abc" is no number')
        self.assert_refused(run(*SHORT, "--batch", "2.5"), "--batch", '"2.5" is no number: must be a whole one')
        self.assert_refused(run(*SHORT, "--eval-every", 10 ** 20), "--eval-every", "is too large: must be at most 18446744073709551615")


class Ranks(TestCase):
    def test_with_different_settings(self):
        first = (STERNA, (*SHORT, "--seed", 1))
        second = (STERNA, (*SHORT, "--seed", 2))
        self.assert_refused(run_apart(first, second), "seed = 1 on rank 0, 2 on rank 1")

    def test_with_different_builds(self):
        other = self.directory / "sterna"
        shutil.copy(STERNA, other)
        with other.open("ab") as file:
            file.write(b"x")
        other.chmod(other.stat().st_mode | stat.S_IXUSR)
        self.assert_refused(run_apart((STERNA, SHORT), (other, SHORT)), "program build", "on rank 1")

    def test_of_which_one_has_an_unknown_flag(self):
        self.assert_refused(run_apart((STERNA, SHORT), (STERNA, (*SHORT, "--oops"))), "--oops", "on rank 1")

    def test_of_which_one_lacks_the_data(self):
        write_idx_data(self.directory / "data")
        arguments = ("train", "--data", "mnist", "--steps", 1, "--batch", 2, "--data-dir")
        logs = ("--log-dir", self.directory / "logs")
        result = run_apart((STERNA, (*arguments, self.directory / "data", *logs)),
                           (STERNA, (*arguments, self.directory / "elsewhere", *logs)))
        self.assert_refused(result, "elsewhere", "on rank 1")
        self.assertFalse((self.directory / "logs").exists())

    def test_of_which_one_has_other_data(self):
        """As many samples, of other labels; and text as long, of another alphabet."""
        for name, labels in (("a", [0, 1] * 32), ("b", [0, 1] * 31 + [1, 1])):
            write_idx_data(self.directory / name)
            (self.directory / name / "train-labels-idx1-ubyte").write_bytes(idx(labels, (64,)))
        for name, letters in (("c", "abcdefgh"), ("d", "qqrrsstt")):
            (self.directory / name).mkdir()
            (self.directory / name / "input.txt").write_text(letters * 500)
        small = ("--model", "char-lstm", "--model-arg", "symbols=8", "--model-arg", "hidden=4", "--model-arg", "positions=5")
        for flags, first, second in ((("--model", "lenet", "--data", "mnist"), "a", "b"), ((*small, "--data", "text"), "c", "d")):
            with self.subTest(data=flags[-1]):
                arguments = ("train", *flags, "--steps", 1, "--batch", 2, "--data-dir")
                result = run_apart((STERNA, (*arguments, self.directory / first)), (STERNA, (*arguments, self.directory / second)))
                self.assert_refused(result, f"data = {flags[-1]}: rank 1 has ", "must be equal on all ranks")

    def test_of_which_one_records_gradients(self):
        recording = (*SHORT, "--record-gradients", self.directory / "g")
        self.assert_refused(run_apart((STERNA, recording), (STERNA, SHORT)), "record-gradients is given")
        self.assertFalse((self.directory / "g").exists())

    def test_of_which_one_stops(self):
        """A rank that stands still is given up at the time limit, in either order of sums."""
        stopping = self.directory / "stopping"
        for order in ("tree", "any"):
            # Not before the first step is logged: a rank that stops while MPI starts is not ours to notice.
            logs = self.directory / order
            stopping.write_text(f"#!/bin/sh\n(until [ -s {logs}/steps.jsonl ]; do sleep 0.1; done\n"
                                f"kill -STOP $$; sleep 20; kill -KILL $$) &\nexec {STERNA} \"$@\"\n")
            stopping.chmod(0o755)
            arguments = (*SHORT[:5], "--steps", 100000, "--batch", 2, "--progress", "off", "--timeout-seconds", 2,
                         "--log-dir", logs, "--sum-order", order)
            with self.subTest(order=order):
                result = run_apart((STERNA, arguments), (stopping, arguments))
                self.assertNotEqual(result.status, 0)
                self.assertIn("after 2000 ms still awaited", result.err)
                # With the vendor's sum, too, some of what is awaited goes from rank to rank: the losses.
                self.assertRegex(result.err, "rank 1;" if order == "tree" else "rank 1;|over all ranks")


class Files(TestCase):
    def train(self, *arguments):
        return run("train", "--data", "mnist", "--data-dir", self.directory / "data", "--steps", 1, "--batch", 2,
                   "--log-dir", self.directory / "logs", *arguments)

    def assert_refused_without_logs(self, result, *parts):
        self.assert_refused(result, *parts)
        self.assertFalse((self.directory / "logs").exists())

    def test_data_that_is_not_there(self):
        self.assert_refused_without_logs(self.train(), "train-images-idx3-ubyte")

    def test_a_model_that_the_data_does_not_fit(self):
        write_idx_data(self.directory / "data")
        self.assert_refused_without_logs(self.train("--model", "bn50-dnn"), "440", "28")

    def test_a_link_that_leads_round_in_circles(self):
        for split in ("train", "val"):
            (self.directory / split).mkdir()
        (self.directory / "train" / "a").symlink_to("a")
        self.assert_refused(run("train", "--data", "image-folder", "--data-dir", self.directory, "--steps", 1), "symbolic links")

    def test_a_file_cut_short(self):
        write_idx_data(self.directory / "data")
        path = self.directory / "data" / "train-images-idx3-ubyte"
        path.write_bytes(path.read_bytes()[:-1])
        self.assert_refused_without_logs(self.train(), str(path))

    def test_a_file_of_another_kind(self):
        write_idx_data(self.directory / "data")
        path = self.directory / "data" / "t10k-labels-idx1-ubyte"
        path.write_bytes(b"\x89PNG" + bytes(100))
        self.assert_refused_without_logs(self.train(), str(path))

    def test_a_corrupt_gzip_file(self):
        write_idx_data(self.directory / "data")
        plain = self.directory / "data" / "train-images-idx3-ubyte"
        packed = bytearray(gzip.compress(plain.read_bytes()))
        packed[len(packed) // 2] ^= 0xFF
        plain.unlink()
        path = plain.with_name(plain.name + ".gz")
        path.write_bytes(packed)
        self.assert_refused_without_logs(self.train(), str(path))

    def test_a_label_out_of_range(self):
        write_idx_data(self.directory / "data")
        path = self.directory / "data" / "train-labels-idx1-ubyte"
        path.write_bytes(idx([0] * 63 + [10], (64,)))
        self.assert_refused_without_logs(self.train(), str(path), "10")

    def test_a_log_directory_that_cannot_be_made(self):
        (self.directory / "file").write_text("x")
        self.assert_refused(run(*SHORT, "--log-dir", self.directory / "file" / "logs"), "log-dir", "cannot make it")

    def test_a_log_directory_of_another_run(self):
        logs = self.directory / "logs"
        self.assertEqual(run(*SHORT, "--log-dir", logs).status, 0)
        before = (logs / "steps.jsonl").read_bytes()
        self.assert_refused(run(*SHORT, "--log-dir", logs), "another run", "--overwrite")
        self.assertEqual((logs / "steps.jsonl").read_bytes(), before)
        self.assertEqual(run(*SHORT, "--log-dir", logs, "--overwrite").status, 0)

    def test_gradients_of_another_run(self):
        recorded = self.directory / "g"
        self.assertEqual(run(*SHORT, "--record-gradients", recorded).status, 0)
        before = {path.name: path.read_bytes() for path in recorded.iterdir()}
        self.assert_refused(run(*SHORT, "--seed", 2, "--record-gradients", recorded), "record-gradients = ", "another run", "--overwrite")
        self.assertEqual({path.name: path.read_bytes() for path in recorded.iterdir()}, before)
        self.assertEqual(run(*SHORT, "--seed", 2, "--record-gradients", recorded, "--overwrite").status, 0)

    def test_logs_without_a_place(self):
        for flags in (("--csv",), ("--log-layers", 2)):
            self.assert_refused(run(*SHORT, *flags), flags[0].strip("-"), "--log-dir")

    def test_an_output_that_is_full(self):
        with open("/dev/full", "w") as full:
            ended = subprocess.run([STERNA, "list"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(ended.returncode, 1)
        self.assertIn("standard output: cannot be written", ended.stderr)


class Divergence(TestCase):
    def test_stops_with_step_layer_and_learner(self):
        for ranks in (None, 2):
            with self.subTest(ranks=ranks):
                result = run("train", "--data", "synthetic", "--steps", 200, "--batch", 4, "--lr", 1e5, ranks=ranks)
                self.assertEqual(result.status, 3, result.err)
                # The gradient is looked at before the loss: the layer is known.
                self.assertRegex(result.lines[0], r"step \d+, layer \S+, learner \d: the gradient holds NaN or infinity")
                self.assertIn("--lr", result.lines[0])

    def test_keeps_the_gradients_recorded_so_far(self):
        recorded = self.directory / "g"
        result = run("train", "--data", "synthetic", "--steps", 200, "--batch", 4, "--lr", 1e5,
                     "--record-gradients", recorded)
        self.assertEqual(result.status, 3, result.err)
        self.assertEqual(len(list(recorded.glob("*.npy"))), 8)
        self.assertEqual(list(recorded.glob("*.part")), [])


if __name__ == "__main__":
    main()
