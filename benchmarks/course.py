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

from common import spread, timed, write


def course(folder: str) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "digitscope", "lesson", "--all", "--json", "--out", folder]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    lessons: list[dict[str, object]] = json.loads(done.stdout)
    return lessons


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
    write(
        "course",
        {
            "whole_seconds": spread(wholes),
            "lesson_seconds": {
                name: spread([float(lessons[i]["seconds"]) for lessons in runs])
                for i, name in enumerate(lesson["lesson"] for lesson in runs[0])
            },
            "checks": len(checks),
            "checks_not_held": [check["claim"] for check in checks if not check["holds"]],
        },
    )


if __name__ == "__main__":
    main()
