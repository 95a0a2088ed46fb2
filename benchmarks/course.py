"""The course: seconds of every lesson, and of the whole as a process.

    uv run python benchmarks/course.py --repeats 3

Each repeat is one ``digitscope lesson --all --json`` in a folder of its own. What a lesson claims
is counted, too: how many checks, and how many did not hold.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from typing import Any

from common import between, row, spread, timed, write


def course(folder: str) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "digitscope", "lesson", "--all", "--json", "--out", folder]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    lessons: list[dict[str, object]] = json.loads(done.stdout)
    return lessons


def rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of the whole course and of its longest lesson."""
    whole, lessons = result["whole_seconds"], result["lesson_seconds"]
    slowest = max(lessons, key=lambda name: lessons[name]["max"])
    longest = lessons[slowest]
    held = result["checks"] - len(result["checks_not_held"])
    return [
        row(
            "`lesson --all`, whole process",
            f"{whole['median']:.0f}",
            unit="s",
            n=whole["n"],
            spread=between(whole["min"], whole["max"], 0),
            also=f"{held} of {result['checks']} checks held",
            target="< 8 min",
            met=whole["median"] < 480,
        ),
        row(
            f"its longest lesson, {slowest}",
            f"{longest['median']:.0f}",
            unit="s",
            n=longest["n"],
            spread=between(longest["min"], longest["max"], 0),
            target="each < 90 s",
            met=longest["max"] < 90,
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    wholes, runs = [], []
    for _ in range(options.repeats):
        with tempfile.TemporaryDirectory() as folder:
            seconds, lessons = timed(lambda: course(folder))
        wholes.append(seconds)
        runs.append(lessons)
        print(f"{seconds:.1f} s", flush=True)
    checks = [check for lessons in runs for lesson in lessons for check in lesson["checks"]]
    result = {
        "whole_seconds": spread(wholes),
        "lesson_seconds": {
            name: spread([float(lessons[i]["seconds"]) for lessons in runs])
            for i, name in enumerate(lesson["lesson"] for lesson in runs[0])
        },
        "checks": len(checks),
        "checks_not_held": [check["claim"] for check in checks if not check["holds"]],
    }
    write("course", result, rows(result))


if __name__ == "__main__":
    main()
