"""launch/testbed.sh: it joins hosts, keeps its rate, starts commands as a cluster would, and leaves nothing."""
import json
import os
import signal
import subprocess
import time
import unittest
from pathlib import Path

from support import ENVIRONMENT, NAME, SCRIPT, TestCase, processes, require_root, start, testbed

setUpModule = require_root

RECEIVE = """
import socket, time
server = socket.create_server(("", 5000))
print("ready", flush=True)
peer, _ = server.accept()
received = len(peer.recv(65536))
begin = time.monotonic()
while more := len(peer.recv(65536)):
    received += more
print(received, time.monotonic() - begin)
"""
SEND = """
import socket, sys
with socket.create_connection(("host1", 5000)) as peer:
    peer.sendall(bytes(int(sys.argv[1])))
"""


def sleepers():
    return [line for line in processes() if line.strip() == "sleep 61"]


class Life(TestCase):
    def wait_for_sleepers(self, count):
        for _ in range(200):
            if len(sleepers()) == count:
                return
            time.sleep(0.1)
        self.fail(f"no {count} processes: {processes()}")

    def test_comes_up_says_so_and_goes(self):
        self.assertEqual(testbed("status").returncode, 1)
        self.up(3, "1gbit")
        status = testbed("status")
        self.assertEqual(status.returncode, 0)
        self.assertIn("3 hosts, links 1gbit", status.stdout)
        self.assertIn("10.77.0.3", status.stdout)
        self.assert_refused(testbed("up", 2, "none"), "down")
        self.assertEqual(testbed("down").returncode, 0)
        self.assertEqual(testbed("down").returncode, 0)  # nothing is left to take away, and that is well
        self.assertEqual(testbed("status").returncode, 1)

    def test_goes_whole_when_up_was_killed_half_way(self):
        for seconds in (0.02, 0.1, 0.3):
            with self.subTest(seconds=seconds):
                up = start("up", 16, "10mbit", start_new_session=True)
                time.sleep(seconds)
                os.killpg(up.pid, signal.SIGKILL)
                up.communicate()
                self.assertEqual(testbed("down").returncode, 0)
                self.assertEqual(testbed("status").returncode, 1)
                self.up(2, "none")
                testbed("down")

    def test_takes_itself_back_when_up_is_interrupted(self):
        up = start("up", 32, "10mbit")
        time.sleep(0.3)
        up.send_signal(signal.SIGINT)
        up.communicate(timeout=60)
        self.assertEqual(up.returncode, 130)
        self.assertFalse(Path(f"/run/{NAME}-testbed").exists())

    def test_ends_every_process_when_run_is_interrupted(self):
        self.up(2, "none")
        for name, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(signal=name):
                run = start("run", "sleep", 61)
                self.wait_for_sleepers(2)
                run.send_signal(name)
                run.communicate(timeout=60)
                self.assertEqual(run.returncode, status)
                self.assertEqual(processes(), [])

    def test_refuses_a_second_run_beside_the_first(self):
        self.up(2, "none")
        run = start("run", "sleep", 61)
        self.wait_for_sleepers(2)
        self.assert_refused(testbed("run", "true"), "another run")
        self.wait_for_sleepers(2)
        self.assertEqual(testbed("down").returncode, 0)  # also while a run goes on
        run.communicate(timeout=60)
        self.assertNotEqual(run.returncode, 0)
        self.assertEqual(processes(), [])

    def test_the_next_run_ends_one_that_lost_its_shell(self):
        self.up(2, "none")
        run = start("run", "sleep", 61)
        self.wait_for_sleepers(2)
        run.kill()
        run.communicate()
        self.assertEqual(testbed("run", "true").returncode, 0)
        self.assertEqual(processes(), [])


class Run(TestCase):
    def test_starts_one_rank_a_host(self):
        self.up(3, "none")
        result = testbed("run", "sh", "-c", "echo $(hostname) $OMPI_COMM_WORLD_RANK $OMP_NUM_THREADS")
        self.assertEqual(sorted(result.stdout.splitlines()), ["host0 0 1", "host1 1 1", "host2 2 1"], result.stderr)

    def test_places_consecutive_ranks_on_a_host(self):
        self.up(2, "none")
        result = testbed("run", "-np", 4, "sh", "-c", "echo $OMPI_COMM_WORLD_RANK $(hostname)")
        self.assertEqual(sorted(result.stdout.splitlines()), ["0 host0", "1 host0", "2 host1", "3 host1"], result.stderr)

    def test_hands_words_on_as_they_are_with_and_without_ssh(self):
        self.up(2, "none")
        words = ["a b", "it's", '"', "$HOME", "*", "\\", ";", "", "-np"]
        for flags in ([], ["--ssh"]):
            with self.subTest(flags=flags):
                result = testbed("run", *flags, "-np", 1, "printf", "<%s>", *words)
                self.assertEqual(result.stdout, "".join(f"<{word}>" for word in words), result.stderr)

    def test_ssh_reaches_every_host_and_leaves_the_machines_own_alone(self):
        self.up(2, "none")
        kept = [Path("/etc/ssh"), Path.home() / ".ssh"]
        before = [[(p.name, p.stat().st_mtime_ns) for p in sorted(f.glob("*"))] for f in kept]
        result = testbed("run", "--ssh", "sh", "-c", "hostname; echo ${SSH_CONNECTION:+ssh}")
        self.assertEqual(sorted(result.stdout.split()), ["host0", "host1", "ssh"], result.stderr)  # host0 is mpirun's own
        self.assertEqual([[(p.name, p.stat().st_mtime_ns) for p in sorted(f.glob("*"))] for f in kept], before)
        self.assertEqual(processes(), [])

    def test_passes_the_commands_status_on_and_tidies_up(self):
        self.up(2, "none")
        self.assertEqual(testbed("run", "sh", "-c", "exit 7").returncode, 7)
        self.assertEqual(processes(), [])
        self.assertEqual(testbed("run", "true").returncode, 0)
        self.assertEqual(testbed("exec", "host1", "sh", "-c", "exit 9").returncode, 9)

    def test_thirty_two_ranks_on_eight_hosts_train_as_one_rank_does(self):
        self.up(8, "1gbit")
        hashes = []
        for name, launcher in (("many", ["run", "-np", 32]), ("one", ["exec", "host0"])):
            logs = self.directory / name
            result = testbed(*launcher, os.environ["STERNA"], "train", "--data", "synthetic", "--batch", 1, "--learners", 32,
                             "--steps", 2, "--progress", "off", "--log-dir", logs, timeout=300)
            self.assertEqual(result.returncode, 0, result.stderr)
            hashes.append(json.loads((logs / "epochs.jsonl").read_text())["parameter_hash"])
        self.assertEqual(hashes[0], hashes[1])


class Rate(TestCase):
    SENT = 12_500_000

    def seconds(self):
        receiver = start("exec", "host1", "python3", "-c", RECEIVE)
        self.assertEqual(receiver.stdout.readline(), "ready\n")
        self.assertEqual(testbed("exec", "host0", "python3", "-c", SEND, self.SENT).returncode, 0)
        received, seconds = receiver.communicate(timeout=60)[0].split()
        self.assertEqual(int(received), self.SENT)
        return float(seconds)

    def test_of_100_mbit_is_what_it_says(self):
        # Frames of 1514 bytes carry 1448: 1500, less 20 of IP and 32 of TCP with time stamps.
        expected = self.SENT * 1514 / 1448 * 8 / 100e6
        self.up(2, "100mbit")
        measured = []
        # A link may never be faster than it says. A busy machine can make one slower: the best of five counts.
        while len(measured) < 5 and not (measured and min(measured) < 1.05 * expected):
            measured.append(self.seconds())
        print(f"\n{self.SENT} bytes at 100 Mbit/s: {measured} s, expected {expected:.3f}")
        self.assertGreater(min(measured), 0.95 * expected)
        self.assertLess(min(measured), 1.05 * expected)


class BadInput(TestCase):
    def test_numbers_of_hosts(self):
        for hosts in ("0", "1", "65", "two", "-3", "2.5", ""):
            with self.subTest(hosts=hosts):
                self.assert_refused(testbed("up", hosts, "1gbit"), "hosts", "[2, 64]")

    def test_rates(self):
        for rate in ("9mbit", "11gbit", "10001mbit", "100", "100kbit", "fast", "0mbit", "", "99999999999999999999gbit"):
            with self.subTest(rate=rate):
                self.assert_refused(testbed("up", 2, rate), "rate", "10mbit to 10gbit")

    def test_commands_that_are_none(self):
        for arguments in ((), ("uq",), ("up",), ("up", 2), ("run",), ("exec",), ("down", "now")):
            with self.subTest(arguments=arguments):
                self.assertEqual(testbed(*arguments).returncode, 2)

    def test_run_without_a_testbed(self):
        self.assert_refused(testbed("run", "true"), "not up")

    def test_options_of_run(self):
        self.assert_refused(testbed("run", "-np", "many", "true"), "-np many")
        self.assert_refused(testbed("run", "--shh", "true"), "--shh")

    def test_a_host_that_is_not_there(self):
        self.up(2, "none")
        for host in ("host2", "host01", "switch"):
            self.assert_refused(testbed("exec", host, "true"), "host0 to host1")

    def test_a_name_that_is_no_part_of_a_path(self):
        environment = dict(ENVIRONMENT, STERNA_TESTBED="../x")
        result = subprocess.run([SCRIPT, "down"], capture_output=True, text=True, env=environment, check=False)
        self.assert_refused(result, "STERNA_TESTBED")

    def test_a_user_who_is_not_root(self):
        # From its folder: the script reads openmpi.sh beside it.
        result = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "bash"], cwd=SCRIPT.parent, input=SCRIPT.read_text().replace(
            "command=${1:-}", "set -- up 2 none; command=up", 1), capture_output=True, text=True, check=False)
        self.assert_refused(result, "needs root")


if __name__ == "__main__":
    unittest.main()
