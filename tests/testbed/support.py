"""What the testbed's tests share: a testbed of this process's own, and what may be left of one."""
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "launch" / "testbed.sh"
NAME = f"test{os.getpid()}"  # beside a testbed that someone uses, and those of other test runs
# Leaks: as in tests/support/mpirun.sh.
ENVIRONMENT = dict(os.environ, STERNA_TESTBED=NAME,
                   ASAN_OPTIONS=":".join(["detect_leaks=0", *filter(None, [os.environ.get("ASAN_OPTIONS")])]))


def testbed(*arguments, timeout=120, **options):
    return subprocess.run([SCRIPT, *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
                          env=ENVIRONMENT, **options)


def start(*arguments, **options):
    return subprocess.Popen([SCRIPT, *map(str, arguments)], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=ENVIRONMENT, **options)


def processes():
    """Command lines of the processes that belong to the testbed: its name is in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"STERNA_TESTBED={NAME}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            pass  # it has ended
    return sorted(found)


def traces():
    """What a testbed could leave on the machine. Namespaces and state of other testbeds come and go, so only this one's."""
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    namespaces = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return {
        "cards": sorted(line.split(":")[1].strip() for line in links.splitlines()),
        "namespaces": [line for line in namespaces.splitlines() if line.startswith(NAME)],
        "state": sorted(path.name for path in Path("/run").glob(f"{NAME}*")),
        "files of mpirun": sorted(str(p) for folder in ("/tmp", "/dev/shm") for p in Path(folder).glob("*.host[0-9]*")),
        "processes": processes(),
    }


class TestCase(unittest.TestCase):
    """Every test begins without a testbed and must leave nothing."""

    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="sterna-test-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        before = traces()
        self.addCleanup(lambda: self.assertEqual(traces(), before))
        self.addCleanup(testbed, "down")

    def up(self, hosts, rate):
        result = testbed("up", hosts, rate)
        self.assertEqual(result.returncode, 0, result.stderr)

    def assert_refused(self, result, *parts):
        self.assertEqual(result.returncode, 2, result.stderr)
        for part in parts:
            self.assertIn(part, result.stderr)


def require_root():
    """These tests do not skip: a machine without root or iproute2 has not shown that the testbed works."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        raise RuntimeError("needs root and iproute2: run as root, after launch/setup.sh --tests")
