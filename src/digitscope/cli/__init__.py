"""The command line, with one module per command.

A process imports only the module of its command; `digitscope --help` imports all of them. Heavy
dependencies are imported when a command runs. Answers go to stdout, progress and remarks to stderr.
Exit codes: 0 for success, 1 for a failure, 2 for wrong usage.
"""

import importlib
import io
import os
import sys
from collections.abc import Sequence

import typer

from digitscope import __version__
from digitscope.cli.common import remark
from digitscope.errors import DigitscopeError

COMMANDS = (
    "train", "tune", "evaluate", "compare", "predict", "read", "batch", "explain", "lesson",
    "serve", "report", "export", "data", "models",
)  # fmt: skip


def make_app(commands: Sequence[str] = COMMANDS) -> typer.Typer:
    """Return the Typer application with some commands, by default all."""
    app = typer.Typer(
        # The list of commands is plain text: importing Rich takes half the time of showing it.
        rich_markup_mode="rich" if len(commands) == 1 else None,
        name="digitscope",
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name in commands:
        command = importlib.import_module(f"digitscope.cli.{name}").command
        # Typer keeps the lines of a paragraph that begins with the character \b.
        help_ = (command.__doc__ or "").replace(r"\b", "\b")
        app.command(name=name, help=help_, short_help=help_.partition("\n\n")[0])(command)
    return app


def _version(show: bool) -> None:
    if show:
        print(f"digitscope {__version__}")
        raise typer.Exit


def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Train a handwritten-digit classifier, see why it works, and read what people write."""


# Typer raises Click's exceptions or those of its own copy of Click; this is their base class.
_ClickException: type[Exception] = typer.BadParameter.__mro__[2]


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every expected error becomes one line on stderr."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names may be invalid UTF-8
    arguments = sys.argv[1:] if arguments is None else arguments
    named = [name for name in arguments[:1] if name in COMMANDS]
    try:
        code = make_app(named or COMMANDS)(arguments or ["--help"], standalone_mode=False)
        code = code if arguments else 2
        sys.stdout.flush()  # raises OSError if the disk is full
    except DigitscopeError as error:
        code = _fail(str(error), error.exit_code)
    except _ClickException as error:
        message = error.format_message()  # type: ignore[attr-defined]
        message += "" if message.endswith((".", "?")) else "."
        command = " ".join(["digitscope", *named])
        code = _fail(f"{message} See {command} --help.", error.exit_code)  # type: ignore[attr-defined]
    except (KeyboardInterrupt, typer.Abort):
        code = _fail("interrupted", 130)
    except (BrokenPipeError, SystemExit):
        code = 0  # the reader closed the pipe, as `| head` does; Typer raises SystemExit then
    except MemoryError:
        code = _fail("not enough memory.", 1)
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        code = _fail(f"{what}{error.strerror or error}.", 1)
    try:
        sys.stdout.flush()
    except OSError:
        # The rest cannot be written; otherwise Python would try again at exit, and print an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code if isinstance(code, int) else 0)


def run() -> None:
    """Run the command line as the main function of a process."""
    try:
        main()
    except SystemExit as end:
        if "keras" not in sys.modules:
            raise
        # Without this, the exit takes over a second, in which Python unloads TensorFlow.
        sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)


def _fail(message: str, code: int) -> int:
    remark(f"digitscope: {' '.join(message.split())}")
    return code
