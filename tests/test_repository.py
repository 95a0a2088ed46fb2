"""Files beside the package: the versions that CI uses, what CI may skip, and the citation."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import digitscope

ROOT = Path(__file__).parents[1]


def constraints():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_the_constraints_name_no_index_and_no_path():
    assert len(constraints()) > 100
    for line in constraints():
        pinned = Requirement(line)  # an option such as --index-url does not parse
        assert not pinned.url
        assert not pinned.extras, "pip refuses constraints with extras"
        assert str(pinned.specifier).startswith("==")


def test_the_constraints_are_within_the_ranges_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        project["dependency-groups"]["dev"],
    ]
    pins = [Requirement(line) for line in constraints()]
    wanted = [Requirement(line) for group in groups for line in group]
    for requirement in wanted:
        if requirement.name == "digitscope":
            continue
        versions = [
            next(iter(pin.specifier)).version for pin in pins if pin.name == requirement.name
        ]
        assert versions, (
            f"constraints.txt has no {requirement.name}; its first lines say how to renew it"
        )
        for version in versions:
            assert version in requirement.specifier, f"{requirement.name} {version}"


def test_the_citation_is_of_this_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert f"version: {digitscope.__version__}" in citation


SKIPPED = {
    "a mark": "@pytest.mark.skipif(True, reason={!r})\ndef test_a(): pass",
    "a call": "def test_a(): pytest.skip({!r})",
    "a module": "pytest.skip({!r}, allow_module_level=True)",
}


@pytest.mark.parametrize("code", SKIPPED.values(), ids=SKIPPED.keys())
@pytest.mark.parametrize(
    ("ci", "reason", "fails"),
    [
        ("1", "chromium is not installed", True),
        ("", "chromium is not installed", False),
        ("1", "DIGITSCOPE_DATA names no folder with MNIST", False),
    ],
)
def test_ci_fails_where_others_skip(code, ci, reason, fails, tmp_path):
    (tmp_path / "test_a.py").write_text("import pytest\n" + code.format(reason))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "required_in_ci",
        "-p",
        "no:cacheprovider",
    ]
    environment = {**os.environ, "CI": ci, "PYTHONPATH": str(ROOT / "tests")}
    done = subprocess.run(
        [*command, "test_a.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert ("CI must run it" in done.stdout) == fails, done.stdout
    assert (done.returncode in (1, 2)) == fails, done.stdout


def test_the_design_names_each_package():
    design = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    package = ROOT / "src" / "digitscope"
    names = [path.name for path in package.glob("[a-z]*.py")]
    names += [f"{path.parent.name}/" for path in package.glob("*/__init__.py")]
    assert [name for name in sorted(names) if f"  {name}" not in design] == []
