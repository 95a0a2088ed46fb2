"""How large an installation without extras is, and how fast it starts.

uv run python benchmarks/install.py        builds the wheel; needs uv and a package index

The wheel is installed in an environment of its own. Sizes are those of the installed files, before
and after their compilation to bytecode, which pip does by default. Times are measured after it, in
a new process each, as wall time and as the CPU time of the process: on a busy machine only the
second says much.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from common import between, row, spread, timed, write

ROOT = Path(__file__).parents[1]
SIZE_TARGET = 400  # MB
HELP_TARGET = 0.25  # seconds of wall time
SIZES = """
import importlib.metadata, json, os
print(json.dumps({
    d.metadata["Name"]: [d.version, sum(
        os.path.getsize(f.locate()) for f in d.files or () if os.path.isfile(f.locate())
    )]
    for d in importlib.metadata.distributions()
}))
"""


# Neither another digitscope nor settings of the interpreter that started this.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def run(*command: str | Path) -> str:
    words = [str(part) for part in command]
    done = subprocess.run(
        words, check=True, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd=ROOT.anchor
    )
    return done.stdout


def install(folder: Path) -> Path:
    """Build the wheel and install it without extras; return the folder of its programs."""
    run("uv", "build", "--quiet", "--wheel", "--out-dir", folder / "dist", ROOT)
    run("uv", "venv", "--quiet", "--python", sys.executable, folder / "env")
    (wheel,) = (folder / "dist").glob("*.whl")
    programs = folder / "env" / "bin"
    install = ("uv", "pip", "install", "--quiet", "--no-compile-bytecode")
    run(*install, "--python", programs / "python", wheel)
    return programs


def measure_size(folder: Path) -> float:
    """Return how many MB (2**20 bytes) the files in a folder are."""
    sizes = (file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return round(sum(sizes) / 2**20, 1)


def measure_time(times: int, *command: str | Path) -> dict[str, Any]:
    """Return wall and CPU seconds of a program that is run several times after a first one."""
    run(*command)
    wall, cpu = [], []
    for _ in range(times):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall.append(timed(lambda: run(*command))[0])
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return {"wall_seconds": spread(wall), "cpu_seconds": spread(cpu)}


def rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of the size and of the time of a start."""
    largest = ", ".join(
        f"{name} {package['mb']:.0f}" for name, package in [*result["packages"].items()][:4]
    )
    size, times = result["size_mb"], result["start"]
    shown = times["digitscope --help"]
    wall, cpu = shown["wall_seconds"], shown["cpu_seconds"]
    imported = times["import digitscope"]["wall_seconds"]
    return [
        row(
            "size of an installation without extras",
            f"{size:.0f}",
            unit="MB",
            n=1,
            also=f"{largest}; with bytecode {result['size_mb_with_bytecode']:.0f} MB",
            target=f"< {SIZE_TARGET} MB",
            met=size < SIZE_TARGET,
        ),
        row(
            "`digitscope --help`, whole process",
            f"{wall['median']:.2f}",
            unit="s",
            n=wall["n"],
            spread=between(wall["min"], wall["max"]),
            also=f"{cpu['median']:.2f} s of CPU time; a process that imports digitscope "
            f"{imported['median']:.2f} s",
            target=f"< {HELP_TARGET} s",
            met=wall["median"] < HELP_TARGET,
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure an installation without extras.")
    parser.add_argument("--times", type=int, default=10, help="runs of each program")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        programs = install(Path(name))
        python = programs / "python"
        # Without bytecode, which this program itself must not write before it is measured.
        packages = json.loads(run(python, "-B", "-c", SIZES))
        (site,) = (Path(name) / "env" / "lib").glob("python*/site-packages")
        total = measure_size(site)
        run(python, "-m", "compileall", "-q", "-j", "0", site)
        compiled = measure_size(site)
        times = {
            "python -c pass": measure_time(options.times, python, "-c", "pass"),
            "import digitscope": measure_time(options.times, python, "-c", "import digitscope"),
            "digitscope --help": measure_time(options.times, programs / "digitscope", "--help"),
        }
    shown = sorted(packages.items(), key=lambda item: -item[1][1])
    sizes = {
        name: {"version": version, "mb": round(size / 2**20, 1)} for name, (version, size) in shown
    }
    result = {
        "size_mb": total,
        "size_mb_with_bytecode": compiled,
        "packages": sizes,
        "start": times,
    }
    write("install", result, rows(result))


if __name__ == "__main__":
    main()
