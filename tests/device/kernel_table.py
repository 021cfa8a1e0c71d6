#!/usr/bin/env python3
"""kernel_table.py TABLE SOURCE ROOT NVCC INCLUDE... [--update]: what nvcc makes of each kernel of a .cu file, against a table.

Compiles the source, named within the root, for sm_90 and compares, for each: registers of a thread, bytes of shared memory, bytes of stack and
of spilled registers, and how many shuffles, votes, barriers of a block, barriers of a warp and atomic operations stand
in its PTX. A vote that the compiler has dropped, or a barrier, would not show without a GPU; these counts do.
Registers are compared where the table was made by the same nvcc. --update writes the table anew.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

ARCHITECTURE = "sm_90"
COLUMNS = ("registers", "shared", "stack", "spilled", "shuffles", "votes", "barriers", "warp_barriers", "atomics")
INSTRUCTIONS = {
    "shuffles": r"\bshfl\.sync\.",
    "votes": r"\bvote\.sync\.",
    "barriers": r"\b(?:bar|barrier)\.(?:cta\.)?sync\b",
    "warp_barriers": r"\bbar\.warp\.sync\b",
    "atomics": r"\b(?:atom|red)\.",
}


def compile_kernels(source, root, nvcc, includes, folder):
    """Returns PTX and ptxas' report."""
    command = [nvcc, "-std=c++20", "-O3", "--expt-relaxed-constexpr", "-fmad=false", "-Xptxas=-v", f"-arch={ARCHITECTURE}",
               "-keep", f"-keep-dir={folder}", "-c", str(root / source), "-o", f"{folder}/kernels.o"]
    command += [f"-I{include}" for include in [root, *includes]]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"kernel_table.py: nvcc failed:\n{done.stdout}{done.stderr}")
    return pathlib.Path(folder, pathlib.Path(source).stem + ".ptx").read_text(), done.stdout + done.stderr


def kernel_names(symbols):
    """From symbols to what stands first between kernel_entry's angle brackets, without namespaces."""
    text = subprocess.run(["c++filt"], input="\n".join(symbols), capture_output=True, text=True, check=True).stdout
    names = {}
    for symbol, name in zip(symbols, text.splitlines()):
        name = name.split("kernel_entry<", 1)[1]
        depth, end = 0, 0
        for end, character in enumerate(name):
            depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(character, 0)
            if depth < 0 or (depth == 0 and character == ","):
                break
        names[symbol] = re.sub(r"(?:\w+::)+", "", name[:end])
    return names


def of_ptx(ptx):
    """Counts of instructions for each kernel's symbol."""
    counts = {}
    for match in re.finditer(r"\.entry\s+(\w+)\(.*?\n\}\n", ptx, re.S):
        counts[match[1]] = {what: len(re.findall(pattern, match[0])) for what, pattern in INSTRUCTIONS.items()}
    return counts


def of_ptxas(report):
    """Registers and memory for each kernel's symbol."""
    pattern = (r"Compiling entry function '(\w+)'.*?(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill "
               r"loads.*?Used (\d+) registers([^\n]*)")
    found = {}
    for match in re.finditer(pattern, report, re.S):
        shared = re.search(r"(\d+) bytes smem", match[6])
        found[match[1]] = {"stack": int(match[2]), "spilled": int(match[3]) + int(match[4]), "registers": int(match[5]),
                           "shared": int(shared[1]) if shared else 0}
    return found


def measure(source, root, nvcc, includes):
    with tempfile.TemporaryDirectory() as folder:
        ptx, report = compile_kernels(source, root, nvcc, includes, folder)
    counts, memory = of_ptx(ptx), of_ptxas(report)
    if not counts or counts.keys() != memory.keys():
        sys.exit("kernel_table.py: PTX and ptxas' report name different kernels")
    names = kernel_names(sorted(counts))
    return {names[symbol]: {**counts[symbol], **memory[symbol]} for symbol in counts}


def version_of(nvcc):
    text = subprocess.run([nvcc, "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"V([\d.]+)", text)[1]


def write_table(path, version, kernels):
    lines = [f"# nvcc {version} {ARCHITECTURE}: made by kernel_table.py --update", "\t".join(("kernel", *COLUMNS))]
    for name in sorted(kernels):
        lines.append("\t".join([name, *(str(kernels[name][column]) for column in COLUMNS)]))
    path.write_text("\n".join(lines) + "\n")


def read_table(path):
    head, columns, *lines = path.read_text().splitlines()
    names = columns.split("\t")[1:]
    rows = (line.split("\t") for line in lines)
    return head.split()[2], {name: dict(zip(names, map(int, values))) for name, *values in rows}


def differences(expected, found, columns):
    for name in sorted(expected.keys() | found.keys()):
        if name not in expected or name not in found:
            yield f"{name}: {'not in the table' if name in found else 'no such kernel'}"
            continue
        for column in columns:
            if expected[name][column] != found[name][column]:
                yield f"{name}: {column} = {found[name][column]}, expected {expected[name][column]}"


def main(arguments):
    is_update = "--update" in arguments
    table, source, root, nvcc, *includes = [argument for argument in arguments if argument != "--update"]
    table = pathlib.Path(table)
    version = version_of(nvcc)
    kernels = measure(source, pathlib.Path(root), nvcc, includes)
    if is_update:
        write_table(table, version, kernels)
        return 0
    table_version, expected = read_table(table)
    columns = [column for column in COLUMNS if column != "registers" or version == table_version]
    wrong = list(differences(expected, kernels, columns))
    wrong += [f"{name}: {values['spilled']} bytes spilled, {values['stack']} of stack: expected none"
              for name, values in kernels.items() if values["spilled"] or values["stack"]]
    print("\n".join(wrong) or f"{len(kernels)} kernels as in the table")
    if wrong:
        print(f"if that is meant: {pathlib.Path(__file__).name} {' '.join(arguments)} --update")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
