"""In CI a test may not be skipped for a program or package that CI installs: it fails instead."""

import os
import re

import pytest

# Reasons that remain reasons in CI.
ALLOWED = re.compile(
    r"DIGITSCOPE_DATA|development sets"  # data that are not part of the repository
    r"|an option of the program itself"  # a command line in the docs without a command
    r"|elsewhere file names are text|looks at /proc"  # tests of Linux
    r"|all tests skipped by \+SKIP"  # examples in docstrings that take long
)


def _fail_if_hidden(report):
    if not os.environ.get("CI") or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not ALLOWED.search(reason):
        report.outcome = "failed"
        report.longrepr = f"Skipped, but CI must run it (required_in_ci.py). {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    report = yield
    _fail_if_hidden(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    report = yield
    _fail_if_hidden(report)
    return report
