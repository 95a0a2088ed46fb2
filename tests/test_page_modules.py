"""The modules of the page that need no browser: tests/js, in Node.js."""

import shutil
import subprocess
from pathlib import Path

import pytest

NODE = shutil.which("node")
FILES = sorted((Path(__file__).parent / "js").glob("*.test.js"))


@pytest.mark.skipif(not NODE, reason="Node.js is not installed")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_modules_of_the_page(file):
    done = subprocess.run(
        [NODE, "--test", "--test-reporter=tap", file], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # Without it, a file in which nothing is found would count as one test that passed.
    assert "\n# pass " in done.stdout
    assert int(done.stdout.split("\n# pass ")[1].split()[0]) > 3
