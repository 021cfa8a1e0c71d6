"""`cmake --install`, and somebody's own program against what it installed."""
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from support import MPIRUN, Result, TestCase, main, run

BUILD = os.environ["STERNA_BUILD"]
SOURCE = os.environ["STERNA_SOURCE"]
VERSION = os.environ["STERNA_VERSION"]
LIBDIR = os.environ["STERNA_LIBDIR"]
CMAKE = os.environ["CMAKE"]
SANITIZE = os.environ["STERNA_SANITIZE"]
NVCC = os.environ["STERNA_NVCC"]  # "" in a build without CUDA
BUILD_TYPE = re.search(r"^CMAKE_BUILD_TYPE:\w+=(\w*)", Path(BUILD, "CMakeCache.txt").read_text(), re.M)[1]
SONAME = "libsterna.so." + ".".join(VERSION.split(".")[:2])

FILES = {
    "bin/sterna",
    "include/sterna/api.h",
    "include/sterna/device_exchange.h",
    "include/sterna/errors.h",
    "include/sterna/exchange.h",
    f"{LIBDIR}/libsterna.so",
    f"{LIBDIR}/{SONAME}",
    f"{LIBDIR}/libsterna.so.{VERSION}",
    f"{LIBDIR}/cmake/sterna/sterna-config.cmake",
    f"{LIBDIR}/cmake/sterna/sterna-config-version.cmake",
    f"{LIBDIR}/cmake/sterna/sterna-targets.cmake",
    f"{LIBDIR}/cmake/sterna/sterna-targets-{BUILD_TYPE.lower()}.cmake",
    f"{LIBDIR}/pkgconfig/sterna.pc",
    "share/bash-completion/completions/sterna",
    "share/fish/vendor_completions.d/sterna.fish",
    "share/zsh/site-functions/_sterna",
    "share/man/man1/sterna.1",
    "share/doc/sterna/CHANGELOG.md",
    "share/doc/sterna/LICENSE",
    "share/doc/sterna/README.md",
    "share/doc/sterna/copyright",
    "share/doc/sterna/examples/own_gpu_loop/CMakeLists.txt",
    "share/doc/sterna/examples/own_gpu_loop/model.cu",
    "share/doc/sterna/examples/own_gpu_loop/model.h",
    "share/doc/sterna/examples/own_gpu_loop/own_gpu_loop.cc",
    "share/doc/sterna/examples/own_loop/CMakeLists.txt",
    "share/doc/sterna/examples/own_loop/own_loop.cc",
    "share/sterna/launch/fetch_data.sh",
    "share/sterna/launch/hosts.sh",
    "share/sterna/launch/local.sh",
    "share/sterna/launch/openmpi.sh",
    "share/sterna/launch/summary.sh",
    "share/sterna/launch/testbed.sh",
} | {f"share/sterna/{path.relative_to(SOURCE)}" for path in Path(SOURCE, "configs").rglob("*") if path.is_file()}


def shell(*command, **more):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True, **more).stdout


def install(prefix, **environment):
    shell(CMAKE, "--install", BUILD, "--prefix", prefix, env={**os.environ, **environment})


def files_below(directory):
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir()}


class Installed(TestCase):
    """Installed once, then moved: nothing may remember where it was put."""

    @classmethod
    def setUpClass(cls):
        cls.top = Path(tempfile.mkdtemp(prefix="sterna-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.top, ignore_errors=True)
        install(cls.top / "first")
        cls.prefix = (cls.top / "first").rename(cls.top / "prefix")

    def configure(self, source, build, *more):
        flags = f"-fsanitize={SANITIZE}" if SANITIZE else ""
        return subprocess.run([CMAKE, "-S", str(source), "-B", str(build), f"-DCMAKE_PREFIX_PATH={self.prefix}",
                               f"-DCMAKE_CXX_FLAGS={flags}", *more], capture_output=True, text=True)

    def test_has_these_files_and_no_others(self):
        self.assertEqual(files_below(self.prefix), FILES)

    def test_names_no_directory_of_the_build(self):
        # A debug build has paths, for debuggers.
        if BUILD_TYPE == "Debug":
            return
        for name in sorted(FILES):
            content = (self.prefix / name).read_bytes()
            for path in (BUILD, SOURCE, str(self.top / "first")):
                self.assertNotIn(path.encode(), content, name)

    def test_goes_below_destdir(self):
        install("/opt/sterna", DESTDIR=str(self.directory))
        self.assertEqual(files_below(self.directory), {f"opt/sterna/{name}" for name in FILES})

    def test_has_a_program_that_runs(self):
        program = self.prefix / "bin" / "sterna"
        self.assertIn("adacomp", run("list", program=program).out)
        self.assertIn(f"sterna {VERSION} ", run("--version", program=program).out)
        # The build of OpenBLAS that it was linked with, whatever another one the system prefers.
        self.assertEqual(re.findall(r"libopenblas\S* => (\S+)", shell("ldd", program)),
                         re.findall(r"libopenblas\S* => (\S+)", shell("ldd", Path(BUILD, "sterna"))))

    def test_has_a_launcher_that_finds_the_program(self):
        local = self.prefix / "share" / "sterna" / "launch" / "local.sh"
        environment = {key: value for key, value in os.environ.items() if key != "STERNA"}
        out = shell(local, 2, "train", "--model", "lenet", "--data", "synthetic", "--batch", 2, "--steps", 1,
                    "--log-dir", self.directory / "logs",
                    env={**environment, "ASAN_OPTIONS": "detect_leaks=0"})
        self.assertIsInstance(out, str)
        self.assertIn('"ranks": 2', (self.directory / "logs" / "run.json").read_text())

    def test_has_headers_that_stand_alone(self):
        for header in sorted((self.prefix / "include" / "sterna").iterdir()):
            for included in re.findall(r'#include [<"]([^>"]+)', header.read_text()):
                self.assertRegex(included, r"^(sterna/\w+\.h|\w+)$", header.name)  # ours, or the standard's
            shell(os.environ["CXX"], "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
                  "-I", self.prefix / "include", "-x", "c++", "-", input=f"#include <sterna/{header.name}>\n")

    def test_has_headers_that_say_what_they_must_be_compiled_with(self):
        for flags, message in ((["-std=c++17"], "needs C++20"),
                               (["-std=c++20", "-D_GLIBCXX_USE_CXX11_ABI=0"], "-D_GLIBCXX_USE_CXX11_ABI=1")):
            for header in ("errors.h", "exchange.h", "device_exchange.h"):
                result = subprocess.run([os.environ["CXX"], *flags, "-fsyntax-only", "-I", self.prefix / "include",
                                         "-x", "c++", "-"], input=f"#include <sterna/{header}>\n",
                                        capture_output=True, text=True)
                self.assertNotEqual(result.returncode, 0, header)
                self.assertRegex(result.stderr, f"error: #error .*{re.escape(message)}", header)

    def test_has_a_library_that_exports_the_interface_alone(self):
        library = self.prefix / LIBDIR / "libsterna.so"
        names = [line.split(maxsplit=2)[2] for line in shell("nm", "-DC", "--defined-only", library).splitlines()]
        ours = [name for name in names if "sterna" in name]
        self.assertIn("sterna::World::World(std::chrono::duration<long, std::ratio<1l, 1000l> >)", ours)
        for name in ours:
            self.assertRegex(name, r"^((typeinfo|typeinfo name|vtable) for )?sterna::(World|Exchange|DeviceExchange|\w+Error)(::|$)")
        self.assertIn(f"SONAME               {SONAME}\n", shell("objdump", "-p", library))
        needed = re.findall(r"NEEDED +(\S+)", shell("objdump", "-p", library))
        for unwanted in ("dnnl", "openblas", "gomp", "fftw", "jpeg"):  # it exchanges, and computes nothing
            self.assertNotIn(unwanted, " ".join(needed))

    def test_builds_somebodys_own_loop(self):
        example, build = self.prefix / "share" / "doc" / "sterna" / "examples" / "own_loop", self.directory / "build"
        configured = self.configure(example, build)
        self.assertEqual(configured.returncode, 0, configured.stderr)
        shell(CMAKE, "--build", build)
        program = build / "own_loop"
        for compressor in ("none", "adacomp", "scalecom", "topk"):
            with self.subTest(compressor=compressor):
                one, two = (self.losses(program, compressor, ranks) for ranks in (None, 2))
                self.assertEqual([row[:2] for row in one], [row[:2] for row in two])  # losses, payload: every digit
                self.assertTrue(all(wire == 0 for _, _, _, wire in one))
                self.assertTrue(all(wire > 0 for _, _, _, wire in two))
                # A guess costs ln 2 = 0.69; what is not sent now is sent later, so that all learn the rule.
                self.assertLess(two[-1][0], 0.35)
                self.assertTrue(all((payload == dense) == (compressor == "none") for _, payload, dense, _ in two))
        for ranks in (None, 2):
            refused = self.run_loop(program, ranks, "gzip")
            self.assert_refused(refused, "gzip", "this build has adacomp")

    def test_names_the_mpi_that_it_was_built_with(self):
        for name in ("pkgconfig/sterna.pc", "cmake/sterna/sterna-config.cmake"):
            self.assertRegex((self.prefix / LIBDIR / name).read_text(), r"that Sterna was built with: \w", name)

    def test_builds_somebodys_own_loop_with_pkg_config(self):
        def pkg_config(*arguments):
            environment = {**os.environ, "PKG_CONFIG_PATH": str(self.prefix / LIBDIR / "pkgconfig")}
            return shell("pkg-config", *arguments, "sterna", env=environment).strip()

        self.assertEqual(pkg_config("--modversion"), VERSION)
        self.assertEqual(pkg_config("--print-requires"), "")
        flags = pkg_config("--cflags", "--libs").split()
        self.assertIn("-lsterna", flags)
        libdir = pkg_config("--variable=libdir")
        self.assertEqual(Path(libdir).resolve(), (self.prefix / LIBDIR).resolve())
        sanitize = [f"-fsanitize={SANITIZE}"] if SANITIZE else []
        source, program = self.prefix / "share/doc/sterna/examples/own_loop/own_loop.cc", self.directory / "own_loop"
        shell(os.environ["CXX"], "-std=c++20", *sanitize, source, "-o", program, *flags, f"-Wl,-rpath,{libdir}")
        self.assertLess(self.losses(program, "adacomp", None)[-1][0], 0.35)

    def test_builds_somebodys_own_loop_on_gpus(self):
        if not NVCC:
            return  # a build without CUDA installs the same files
        example, build = self.prefix / "share" / "doc" / "sterna" / "examples" / "own_gpu_loop", self.directory / "build"
        configured = self.configure(example, build, f"-DCMAKE_CUDA_COMPILER={NVCC}")
        self.assertEqual(configured.returncode, 0, configured.stderr)
        shell(CMAKE, "--build", build)
        result = self.run_loop(build / "own_gpu_loop", None, "adacomp")
        if result.status == 0:  # there is a GPU: all learn the rule
            errors = [float(error) for error in re.findall(r"squared error (\S+)", result.out)]
            self.assertEqual(len(errors), 5, result.out)
            self.assertLess(errors[-1], errors[0] / 2)
        else:
            self.assert_refused(result, "gradients in a GPU's memory: ", "hand sterna::Exchange")

    def run_loop(self, program, ranks, *arguments):
        launcher = [] if ranks is None else [str(MPIRUN), str(ranks)]
        return Result(subprocess.run([*launcher, str(program), *arguments], capture_output=True, text=True, timeout=60))

    def losses(self, program, compressor, ranks):
        """(loss, payload bytes, dense bytes, wire bytes) of every twentieth step."""
        result = self.run_loop(program, ranks, compressor)
        self.assertEqual(result.status, 0, result.err)
        rows = re.findall(r"^step \d+ loss (\S+) payload_bytes (\d+) of (\d+) wire_bytes (\d+)$", result.out, re.M)
        self.assertEqual(len(rows), 5, result.out)
        return [(float(loss), int(payload), int(dense), int(wire)) for loss, payload, dense, wire in rows]

    def test_is_refused_where_another_version_is_wanted(self):
        major, minor = VERSION.split(".")[:2]
        for wanted, is_found in ((f"{major}.{minor}", True), (f"{major}.{int(minor) + 1}", False), ("99", False)):
            (self.directory / "CMakeLists.txt").write_text(
                f"cmake_minimum_required(VERSION 3.25)\nproject(p LANGUAGES CXX)\nfind_package(sterna {wanted} REQUIRED)\n")
            self.assertEqual(self.configure(self.directory, self.directory / wanted).returncode == 0, is_found, wanted)


if __name__ == "__main__":
    main()
