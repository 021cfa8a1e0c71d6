"""Completions and the man page, against the flags that the program shows and the values that it takes."""
import re
import shlex
import subprocess

from support import TestCase, main, run

COMMANDS = (("train",), ("replay",), ("list",), ("bench", "step"), ("bench", "codec"), ("bench", "collective"),
            ("project",), ("doctor",), ("experiment",), ("report",))


def flags_of(command):
    """The long flags that `sterna COMMAND --help` shows, each at the start of a line."""
    return set(re.findall(r"^  (?:-\w,)?(--[a-z-]+)", run(*command, "--help").out, re.M))


def shell(*command, cwd=None):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60, cwd=cwd)
    return result.stdout, result.stderr, result.returncode


class Shells(TestCase):
    def setUp(self):
        super().setUp()
        self.scripts = {}
        for name in ("bash", "zsh", "fish"):
            self.scripts[name] = self.directory / ("_sterna" if name == "zsh" else f"sterna.{name}")
            self.scripts[name].write_text(run("completion", name).out)

    def bash(self, *words):
        """What bash offers for the last word, after `complete` has been told of the function."""
        script = (f"source {self.scripts['bash']}; complete -p sterna >&2 || exit 1; COMP_WORDS=({shlex.join(words)}); "
                  "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _sterna; printf '%s\\n' \"${COMPREPLY[@]}\"")
        out, err, status = shell("bash", "--norc", "-euo", "pipefail", "-c", script, cwd=self.directory)
        self.assertEqual((status, err), (0, "complete -F _sterna sterna\n"))
        return set(out.split("\n")) - {""}

    def fish(self, line):
        script = f"source {self.scripts['fish']}; complete -C {shlex.quote(line)}"
        out, err, status = shell("fish", "--no-config", "-c", script, cwd=self.directory)
        self.assertEqual((status, err), (0, ""))
        return {row.split("\t")[0] for row in out.splitlines()}

    def zsh(self, *words):
        """The specifications that zsh's _arguments and _describe are handed: they need a terminal, these do not."""
        script = ("_arguments() { print -rl -- \"$@\" }; _describe() { print -rl -- \"${(@P)2}\" }; "
                  f"words=({shlex.join(words)}); CURRENT=$#words; source {self.scripts['zsh']}")
        out, err, status = shell("zsh", "-f", "-c", script)
        self.assertEqual((status, err), (0, ""))
        return out.splitlines()

    def test_bash_offers_every_flag_of_every_command(self):
        for command in COMMANDS:
            self.assertGreater(len(flags_of(command)), 1)
            self.assertEqual(self.bash("sterna", *command, "--"), flags_of(command), command)

    def test_fish_offers_every_flag_of_every_command(self):
        for command in COMMANDS:
            self.assertEqual(self.fish(" ".join(("sterna", *command, "--"))), flags_of(command), command)

    def test_zsh_offers_every_flag_of_every_command(self):
        for command in COMMANDS:
            specifications = self.zsh("sterna", *command, "--")
            flags = [line for line in specifications if line.startswith("*-")]
            self.assertEqual({re.match(r"\*(--[a-z-]+)=?\[", line)[1] for line in flags}, flags_of(command))

    def test_commands(self):
        self.assertEqual(self.bash("sterna", ""), {"train", "replay", "project", "list", "bench", "doctor", "experiment", "report", "--help", "--version"})
        self.assertEqual(self.bash("sterna", "tr"), {"train"})
        self.assertEqual(self.bash("sterna", "bench", ""), {"step", "codec", "collective", "--help"})
        self.assertEqual(self.fish("sterna "), {"train", "replay", "project", "list", "bench", "doctor", "experiment", "report"})
        self.assertEqual(self.fish("sterna bench c"), {"codec", "collective"})
        self.assertEqual([line.split(":")[0] for line in self.zsh("sterna", "")], ["train", "replay", "project", "list", "bench", "doctor", "experiment", "report"])
        self.assertEqual([line.split(":")[0] for line in self.zsh("sterna", "bench", "")], ["step", "codec", "collective"])

    def test_names_of_the_registry(self):
        """What is behind a flag is what `sterna list` shows."""
        sections = {}
        for line in run("list").out.splitlines():
            if line.startswith(" "):
                sections[section].add(line.split()[0])
            else:
                section = line
                sections[section] = set()
        for flag, section, more in (("--model", "models", set()), ("--data", "data", set()),
                                    ("--optimizer", "optimizers", set()), ("--schedule", "schedules", set()),
                                    ("--compressor", "compressors", {"auto"})):
            self.assertEqual(self.bash("sterna", "train", flag, ""), sections[section] | more)
            self.assertEqual(self.fish(f"sterna train {flag} "), sections[section] | more)
            specification = next(line for line in self.zsh("sterna", "train", "") if line.startswith(f"*{flag}="))
            self.assertEqual(set(re.search(r":value:\((.*)\)$", specification)[1].split()), sections[section] | more)
        self.assertEqual(self.bash("sterna", "replay", "--compressor", ""), sections["compressors"])

    def test_a_value_behind_an_equals_sign(self):
        # bash makes three words of it.
        self.assertEqual(self.bash("sterna", "train", "--compressor", "=", "ada"), {"adacomp"})
        self.assertEqual(self.bash("sterna", "train", "--gather", "="), {"all", "sparse-sum"})
        self.assertEqual(self.fish("sterna train --compressor=ada"), {"--compressor=adacomp"})

    def test_files_behind_flags_that_want_one_and_nothing_behind_numbers(self):
        (self.directory / "a run.toml").touch()
        self.assertEqual(self.bash("sterna", "train", "--config", "a"), {"a run.toml"})
        self.assertEqual(self.bash("sterna", "train", "--lr", ""), set())
        self.assertEqual(self.fish("sterna train --config a"), {"a run.toml"})
        self.assertEqual(self.fish("sterna train --lr "), set())

    def test_files_where_a_command_takes_a_path(self):
        (self.directory / "my results").mkdir()
        self.assertEqual(self.bash("sterna", "report", "my"), {"my results"})
        self.assertEqual(self.bash("sterna", "report", "my results", "--mark"), {"--markdown"})
        self.assertIn("*:directory:_files", self.zsh("sterna", "report", ""))
        self.assertIn(f"{self.directory}/my results/", self.fish(f"sterna report {self.directory}/my"))
        self.assertEqual(self.bash("sterna", "doctor", "my"), set())

    def test_every_value_offered_is_legal_and_none_is_missing(self):
        """The program names the legal values where it refuses another one."""
        checked = 0
        for command, others in ((("train",), ("--steps", 1)), (("bench", "codec"), ("--elements", 8)),
                                (("bench", "collective"), ()), (("project",), ("--run", "none"))):
            for flag in sorted(flags_of(command) - {"--help"}):
                offered = self.bash("sterna", *command, flag, "") - {path.name for path in self.directory.iterdir()}
                is_switch = "--help" in offered
                if not offered or is_switch or flag in ("--model", "--data", "--optimizer", "--schedule"):
                    continue  # nothing, files, the next flag, or the registry's names
                automatic = ("--compressor", "auto") if flag == "--auto-compressor" else ()
                refused = run(*command, *others, *automatic, flag, "nonsense")
                self.assertEqual(refused.status, 2, f"{flag}: {refused.err}")
                legal = re.search(r"(?:must be |has |not in \{)([^;}]*)", refused.lines[0])[1]
                legal = set(re.split(r", | or |,", legal.split(" (")[0]))
                if flag == "--compressor" and command == ("train",):
                    legal |= {"auto"}
                if flag == "--auto-compressor":
                    legal -= {"none", "fp16"}
                self.assertEqual(offered, legal, f"{command} {flag}: {refused.lines[0]}")
                checked += 1
        self.assertGreaterEqual(checked, 17)

    def test_another_shell_is_refused(self):
        self.assert_refused(run("completion", "tcsh"), "bash", "zsh", "fish")

    def test_are_not_in_the_list_of_commands(self):
        self.assertNotIn("completion", run("--help").out)
        self.assertNotIn("manual", run("--help").out)


class ManPage(TestCase):
    def setUp(self):
        super().setUp()
        self.page = self.directory / "sterna.1"
        self.page.write_text(run("manual", "2026-01-31").out)

    def test_shows_every_flag_of_every_command(self):
        out, _, status = shell("mandoc", "-T", "ascii", self.page)
        self.assertEqual(status, 0)
        text = re.sub(r".\x08", "", out)  # bold and underlined are overstruck
        for command in COMMANDS:
            section = text.split(f"   sterna {' '.join(command)}\n")[1]
            for flag in flags_of(command):
                self.assertRegex(section, rf"(?m)^ +{flag}( |$)", command)
        for name in ("adacomp", "lenet", "sparse-sum", "EXIT STATUS"):
            self.assertIn(name, text)
        self.assertIn("2026-01-31", text)

    def test_is_clean_to_mandoc_and_groff(self):
        out, err, status = shell("mandoc", "-T", "lint", "-W", "warning", self.page)
        self.assertEqual((out, err, status), ("", "", 0))
        _, err, status = shell("groff", "-man", "-ww", "-z", "-Tutf8", self.page)
        self.assertEqual((err, status), ("", 0))


if __name__ == "__main__":
    main()
