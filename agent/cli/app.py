"""`auricle`: the commands put together, and the one place where results and errors leave the process."""

import contextlib
import io
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.cli import asking, chatting, keeping, listening, machine, people, room, scripting, serving, tokens
from agent.cli.errors import Stopped, Usage, as_auricle_error, as_document, read_settings
from agent.cli.output import Shown, print_human, print_json, say
from auricle import __version__
from auricle.errors import AuricleError

INTERRUPTED = 130
"""What Typer makes of Ctrl-C."""

EPILOG = "Every command takes --json: one JSON document on stdout and nothing else."

app = typer.Typer(
    name="auricle",
    help="Ask a recording in plain words; transcribe, diarize, name, search, cut and export it. All on this machine.",
    epilog=EPILOG,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (asking, scripting, chatting, listening, keeping, room, people, serving, tokens, machine):
    group.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"auricle {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="The version, and nothing else.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout; on every command.")] = False,
) -> None:
    """`--json` is taken out of the arguments before this sees them; it stands here for the help."""


def main(argv: Sequence[str] | None = None) -> None:
    """The console script. Leaves with 0 done, 1 the work failed, 2 the request was wrong."""
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(argv: Sequence[str]) -> int:
    """Runs one command line and returns its exit code; prints its result or its error."""
    arguments, as_json = _without_json(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file name may hold bytes that are no text: show it as well as it goes.
            stream.reconfigure(errors="backslashreplace")
    try:
        shown = _shown(arguments, as_json)
        if shown is None:
            return 0
        if as_json:
            print_json(shown.document)
        else:
            print_human(shown.human)
    except BrokenPipeError:
        _forget_stdout()
        return 1
    except (Exception, KeyboardInterrupt) as error:
        return _fail(error, as_json)
    return shown.exit_code


def _without_json(argv: Sequence[str]) -> tuple[list[str], bool]:
    """Takes ``--json`` out wherever it stands: the answer is JSON even if the rest cannot be parsed."""
    options = list(argv[: argv.index("--")]) if "--" in argv else list(argv)
    rest = list(argv[len(options) :])
    return [argument for argument in options if argument != "--json"] + rest, "--json" in options


def _shown(arguments: Sequence[str], as_json: bool) -> Shown | None:
    command = typer.main.get_command(app)
    stray = io.StringIO()
    # In JSON mode stdout belongs to the document alone: help is caught, anything else printed goes to stderr.
    helping = any(argument in ("-h", "--help", "--version") for argument in arguments)
    quiet = contextlib.redirect_stdout(stray if helping else sys.stderr) if as_json else contextlib.nullcontext()
    with quiet:
        try:
            # Nothing at all is a newcomer's first try; a program that sends nothing is told so.
            typed = list(arguments) or ([] if as_json else ["--help"])
            result = command.main(typed, prog_name="auricle", standalone_mode=False)
        except typer.Abort:
            raise KeyboardInterrupt from None
        except typer.TyperException as error:
            raise Usage(_usage(error)) from None
    if result == INTERRUPTED:
        raise KeyboardInterrupt
    if isinstance(result, Shown):
        return result
    if as_json and helping:
        return Shown({"version": __version__} if "--version" in arguments else {"help": stray.getvalue().strip()})
    return None


def _usage(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "auricle"
    said = error.format_message().strip()
    return f"{said}{'' if said[-1:] in '.?!' else '.'} Try '{command} --help'."


def _fail(error: BaseException, as_json: bool) -> int:
    failure = as_auricle_error(error, _home())
    with contextlib.suppress(OSError):
        if as_json and _printed(as_document(failure)):
            return failure.exit_code
        say(failure.message if isinstance(failure, Stopped) else f"Error: {failure.message}")
    return failure.exit_code


def _printed(document: Mapping[str, Any]) -> bool:
    """Whether stdout took the document; a full disk or a closed stdout may be why there is an error at all."""
    try:
        print_json(document)
    except OSError:
        _forget_stdout()
        return False
    return True


def _home() -> Path | None:
    try:
        return read_settings().home
    except AuricleError:
        return None


def _forget_stdout() -> None:
    """Nobody reads any more: what is still buffered must not complain at exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
