"""`cpack`: what the Debian package holds and asks for. packaging/try_deb.sh installs it for real."""
import os
import re
import subprocess
from pathlib import Path

from support import TestCase, main

BUILD = Path(os.environ["STERNA_BUILD"])
CPACK = Path(os.environ["CMAKE"]).with_name("cpack")
VERSION = os.environ["STERNA_VERSION"]
LIBDIR = os.environ["STERNA_LIBDIR"]

# Mode and path; configurations, scripts and headers are in install_test.
SOME = {
    ("-rwxr-xr-x", "usr/bin/sterna"),
    ("-rw-r--r--", "usr/include/sterna/exchange.h"),
    ("-rw-r--r--", f"usr/{LIBDIR}/libsterna.so.{VERSION}"),
    ("-rw-r--r--", f"usr/{LIBDIR}/cmake/sterna/sterna-config.cmake"),
    ("-rw-r--r--", f"usr/{LIBDIR}/pkgconfig/sterna.pc"),
    ("-rw-r--r--", "usr/share/bash-completion/completions/sterna"),
    ("-rw-r--r--", "usr/share/fish/vendor_completions.d/sterna.fish"),
    ("-rw-r--r--", "usr/share/zsh/vendor-completions/_sterna"),
    ("-rw-r--r--", "usr/share/man/man1/sterna.1.gz"),
    ("-rw-r--r--", "usr/share/doc/sterna/changelog.Debian.gz"),
    ("-rw-r--r--", "usr/share/doc/sterna/changelog.gz"),
    ("-rw-r--r--", "usr/share/doc/sterna/copyright"),
    ("-rwxr-xr-x", "usr/share/sterna/launch/local.sh"),
    ("-rw-r--r--", "usr/share/sterna/configs/fashion-mnist-adacomp.toml"),
}


class DebianPackage(TestCase):
    def shell(self, *command):
        result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=240)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    def test_holds_what_it_should_and_says_what_it_needs(self):
        self.shell(CPACK, "--config", BUILD / "CPackConfig.cmake", "-B", self.directory)
        architecture = self.shell("dpkg", "--print-architecture").strip()
        package = self.directory / f"sterna_{VERSION}-1_{architecture}.deb"
        self.assertEqual(list(self.directory.glob("*.deb")), [package])

        rows = [line.split(maxsplit=5) for line in self.shell("dpkg-deb", "--contents", package).splitlines()]
        self.assertTrue(all(row[1] == "root/root" for row in rows))
        held = {(row[0], row[5].removeprefix("./")) for row in rows}
        self.assertLessEqual(SOME, held)
        paths = {path for _, path in held}
        for moved in ("usr/share/doc/sterna/LICENSE", "usr/share/man/man1/sterna.1",
                      "usr/share/zsh/site-functions/_sterna"):
            self.assertNotIn(moved, paths)
        self.assertTrue(all(path.startswith("usr/") or not path for path in paths), paths)

        field = lambda name: self.shell("dpkg-deb", "--field", package, name).strip()
        self.assertEqual(field("Package"), "sterna")
        self.assertEqual(field("Section"), "science")
        self.assertRegex(field("Maintainer"), r"^[^<]+ <\S+@\S+>$")
        self.assertRegex(field("Description").splitlines()[0], r"^[a-z].{20,70}[^.]$")
        needed = set(re.findall(r"(?:^|, )([a-z0-9.+-]+)", field("Depends")))
        self.assertLessEqual({"libc6", "libdnnl2", "libopenblas0-openmp", "libopenmpi3", "libxxhash0", "openmpi-bin"},
                             needed)
        self.assertFalse(any(name.endswith("-dev") for name in needed), needed)

        self.shell("dpkg-deb", "--control", package, self.directory / "control")
        soname = ".".join(VERSION.split(".")[:2])
        self.assertIn(f"libsterna {soname} sterna", (self.directory / "control" / "shlibs").read_text())
        for script in ("postinst", "postrm"):
            self.assertIn("ldconfig", (self.directory / "control" / script).read_text())


if __name__ == "__main__":
    main()
