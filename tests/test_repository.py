"""Files beside the package: the versions that CI uses, and the citation."""

import tomllib
from pathlib import Path

import yaml
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
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == digitscope.__version__
