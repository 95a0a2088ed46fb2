"""What works without extras, and what the rest says then.

The packages of all extras are there when tests run; a finder in front of all others hides them.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import digitscope
from digitscope.errors import MissingExtra
from digitscope.extras import EXTRAS, require

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
# Distributions whose module has another name, apart from - and _.
MODULES = {"scikit-learn": "sklearn", "markdown-it-py": "markdown_it"}

HIDE = """
import sys
HIDDEN = {modules}
class Hider:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hider())
"""
# markdown_it also comes with Rich, which shows help; the last two come with FastAPI.
ALL = sorted(
    {module for modules in EXTRAS.values() for module in modules} - {"markdown_it"}
    | {"pydantic", "starlette"}
)
COMMAND_LINE = HIDE + "from digitscope.cli import main\nmain(sys.argv[1:])"


def without_extras(code, *arguments, cwd, hidden=ALL):
    command = [sys.executable, "-c", code.format(modules=hidden), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


@pytest.fixture
def picture(tmp_path):
    image = Image.fromarray(np.full((80, 80), 255, np.uint8))
    image.paste(0, (36, 20, 42, 60))
    image.save(tmp_path / "one.png")
    return tmp_path / "one.png"


@pytest.mark.parametrize(
    ("arguments", "needs", "extra"),
    [
        (["train"], "TensorFlow", "train"),
        (["train", "page", "--no-report"], "TensorFlow", "train"),
        (["tune"], "Optuna", "tune"),
        (["evaluate", "cnn"], "scikit-learn", "evaluate"),
        (["compare", "cnn", "mlp"], "scikit-learn", "evaluate"),
        (["batch", "one.png", "answers"], "Ray", "batch"),
        (["explain", "one.png", "--figure", "why.png"], "Matplotlib", "figures"),
        (["lesson"], "Matplotlib", "lessons"),
        (["lesson", "softmax"], "Matplotlib", "lessons"),
        (["serve"], "FastAPI", "serve"),
        (["report", "runs/mlp-1"], "Matplotlib", "figures"),
        (["export", "runs/mlp-1"], "TensorFlow", "train"),
        (["data"], "scikit-learn", "evaluate"),
        (["data", "mnist"], "scikit-learn", "evaluate"),
    ],
    ids=" ".join,
)
def test_a_command_says_which_extra_it_needs(picture, arguments, needs, extra):
    done = without_extras(COMMAND_LINE, *arguments, cwd=picture.parent)
    option = " --figure" if "--figure" in arguments else ""
    expected = (
        f"digitscope: digitscope {arguments[0]}{option} needs {needs}: "
        f"pip install 'digitscope[{extra}]'\n"
    )
    assert (done.stderr, done.stdout, done.returncode) == (expected, "", 1)
    assert [file.name for file in picture.parent.iterdir() if file.is_file()] == ["one.png"]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--help"], "read "),
        (["--version"], digitscope.__version__),
        (["read", "one.png", "--annotate", "seen.png", "--maps", "maps.png"], "1\n"),
        (["read", "one.png", "--json"], '"text": "1'),
        (["predict", "one.png"], "1  "),
        (["explain", "one.png"], "the image"),
        (["explain", "one.png", "--json"], '"gradients"'),
        (["explain", "one.png", "--model", "cnn"], "patch"),
        (["models"], "page"),
        (["models", "mlp"], '"temperature"'),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_reads_needs_no_extra(picture, arguments, shown):
    done = without_extras(COMMAND_LINE, *arguments, cwd=picture.parent)
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("train('mlp')", "digitscope train needs TensorFlow: pip install 'digitscope[train]'"),
        ("resume('x')", "digitscope train needs TensorFlow: pip install 'digitscope[train]'"),
        ("report('x')", "digitscope report needs Matplotlib: pip install 'digitscope[figures]'"),
        (
            "load_data('digits')",
            "digitscope.load_data needs scikit-learn: pip install 'digitscope[evaluate]'",
        ),
        (
            "evaluate(load('mlp'), TWO)",
            "digitscope.evaluate needs scikit-learn: pip install 'digitscope[evaluate]'",
        ),
        (
            "compare(load('mlp'), load('cnn'), TWO)",
            "digitscope.compare needs scikit-learn: pip install 'digitscope[evaluate]'",
        ),
    ],
)
def test_python_gets_the_same_line_as_an_exception(tmp_path, call, message):
    code = HIDE + (
        "import numpy as np\nimport digitscope\nfrom digitscope.data import Split\n"
        "from digitscope.errors import MissingExtra\n"
        "TWO = Split(np.zeros((2, 28, 28), np.uint8), np.array([1, 2]))\n"
        f"try: digitscope.{call.replace('load(', 'digitscope.load(')}\n"
        "except MissingExtra as error: print(error)"
    )
    done = without_extras(code, cwd=tmp_path)
    assert (done.stdout, done.stderr) == (message + "\n", "")


def test_ones_own_images_load_without_an_extra(tmp_path):
    images = np.zeros((60, 28, 28), np.uint8)
    images[:, 4:24, 12:16] = 255
    np.savez(tmp_path / "own.npz", images=images, labels=[*range(10)] * 6)
    code = HIDE + (
        "import digitscope\nprint(sum(map(len, digitscope.load_data('folder:own.npz')"
        ".parts().values())))"
    )
    done = without_extras(code, cwd=tmp_path)
    assert done.stdout == "60\n", done.stderr


def test_with_the_backend_jax_it_names_that_extra(tmp_path):
    done = without_extras(
        "import os\nos.environ['KERAS_BACKEND'] = 'jax'\n" + COMMAND_LINE, "train", cwd=tmp_path
    )
    assert done.stderr == (
        "digitscope: digitscope train needs JAX: pip install 'digitscope[jax]'\n"
    )


def test_a_training_that_could_not_write_its_report_does_not_begin(tmp_path):
    done = without_extras(COMMAND_LINE, "train", cwd=tmp_path, hidden=["matplotlib"])
    assert done.stderr == (
        "digitscope: digitscope train needs Matplotlib: pip install 'digitscope[figures]'\n"
    )


@pytest.mark.parametrize("extra", EXTRAS)
def test_pyproject_has_each_module_in_its_extra(extra):
    assert set(EXTRAS[extra]) <= brought(extra)


def test_the_extra_all_brings_every_other():
    extras = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]
    assert set().union(*map(brought, extras)) == brought("all")


def brought(extra):
    """Return the modules that an extra brings, as its distributions name them."""
    extras = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]
    found = set()
    for requirement in extras[extra]:
        name, others = re.match(r"([\w.-]+)(?:\[([\w,]+)\])?", requirement).groups()
        if name == "digitscope":
            found |= set().union(*map(brought, others.split(",")))
        else:
            found.add(MODULES.get(name, name.replace("-", "_")))
    return found


def test_require_passes_where_all_is_installed():
    for extra in EXTRAS:
        require(extra, "a test")


def test_require_names_the_first_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(
        MissingExtra, match=r"^it needs prometheus-client: pip install 'digitscope\[serve\]'$"
    ):
        require("serve", "it")


def test_the_list_of_commands_loads_nothing_slow(tmp_path):
    code = (
        "import sys\nfrom digitscope.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "slow = {{'numpy', 'rich', 'PIL', 'hashlib', 'google'}} & set(sys.modules)\n"
        "print(*sorted(slow), file=sys.stderr)"
    )
    assert without_extras(code, cwd=tmp_path).stderr == "\n"
