"""launch/fetch_data.sh, from a shelf of files instead of the network."""
import hashlib
import io
import os
import subprocess
import tarfile
from pathlib import Path

from support import TestCase, main

FETCH = Path(__file__).resolve().parents[2] / "launch" / "fetch_data.sh"


class FetchData(TestCase):
    def fetch(self, *arguments):
        shelf = (self.directory / "shelf").as_uri()
        return subprocess.run([FETCH, "--to", self.directory / "data", *arguments], capture_output=True, text=True, timeout=30,
                              env={**os.environ, "SHELF": shelf})

    def put(self, path, content):
        file = self.directory / "shelf" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return hashlib.sha256(content).hexdigest()

    def test_takes_a_sum_down_and_fetches_no_second_time(self):
        expected = self.put("text/input.txt", b"to be or not to be")
        result = self.fetch("text")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(f"{expected}  text/input.txt", result.stdout)
        self.assertEqual((self.directory / "data/sums.txt").read_text(), f"{expected}  text/input.txt\n")
        self.assertEqual((self.directory / "data/text/input.txt").read_bytes(), b"to be or not to be")
        (self.directory / "shelf/text/input.txt").unlink()
        self.assertEqual(self.fetch("text").returncode, 0)

    def test_fetches_again_what_was_damaged_and_refuses_what_has_changed(self):
        self.put("text/input.txt", b"one")
        self.fetch("text")
        local = self.directory / "data/text/input.txt"
        local.write_bytes(b"damaged")
        self.assertEqual(self.fetch("text").returncode, 0)
        self.assertEqual(local.read_bytes(), b"one")
        other = self.put("text/input.txt", b"other")
        local.unlink()
        result = self.fetch("text")
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"text/input.txt = SHA-256 {other}: must be ", result.stderr)
        self.assertEqual(list(local.parent.iterdir()), [])

    def test_leaves_nothing_where_a_file_cannot_be_fetched(self):
        result = self.fetch("mnist")
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual([p for p in (self.directory / "data").rglob("*") if p.is_file()], [])

    def test_unpacks_archives(self):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for name in ("set-1/recordings/0_a_0.wav", "set-1/README.md"):
                archive.addfile(tarfile.TarInfo(name))
        self.put("fsdd/master.tar.gz", packed.getvalue())
        self.assertEqual(self.fetch("fsdd").returncode, 0)
        fetched = {str(p.relative_to(self.directory / "data/fsdd")) for p in (self.directory / "data/fsdd").rglob("*")}
        self.assertEqual(fetched, {"master.tar.gz", "recordings", "recordings/0_a_0.wav"})

    def test_lists_the_names_where_one_is_wrong(self):
        for arguments in (("nothing",), ()):
            result = self.fetch(*arguments)
            self.assertEqual(result.returncode, 2)
            self.assertIn("multi30k", result.stderr)


if __name__ == "__main__":
    main()
