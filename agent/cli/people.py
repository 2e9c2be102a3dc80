"""`auricle speakers`: voices known across recordings. All of it is coming."""

from collections.abc import Callable
from typing import Annotated

import typer

from agent.cli.command import EPILOG, Anything, End, Recording, Start, coming, group

PANEL = "People"

MEANWHILE = 'name the people in an instruction: auricle ask FILE "Alice and Bob talk: who says what?"'


def register(app: typer.Typer) -> None:
    speakers = group(app, "speakers", "Voices known across recordings. (coming)", PANEL)
    commands: dict[str, Callable[..., None]] = {
        "list": list_,
        "identify": identify,
        "rename": rename,
        "merge": merge,
        "forget": forget,
        "undo": undo,
        "enroll": enroll,
    }
    for name, command in commands.items():
        speakers.command(name, epilog=EPILOG)(command)


def list_() -> None:
    """The people whose voices are known. (coming)"""
    coming("speakers list", MEANWHILE)


def identify(recording: Recording) -> None:
    """Whose voices these are. (coming)"""
    coming("speakers identify", MEANWHILE)


def rename(rest: Anything = None) -> None:
    """Another name for a voice. (coming)"""
    coming("speakers rename", MEANWHILE)


def merge(rest: Anything = None) -> None:
    """Two voices are one person's. (coming)"""
    coming("speakers merge", MEANWHILE)


def forget(rest: Anything = None) -> None:
    """Forgets a voice. (coming)"""
    coming("speakers forget", MEANWHILE)


def undo(rest: Anything = None) -> None:
    """Takes the last decision about a voice back. (coming)"""
    coming("speakers undo", MEANWHILE)


def enroll(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose voice it is.")],
    recording: Recording,
    speaker: Annotated[str | None, typer.Option(metavar="LABEL", help="Which voice of the recording.")] = None,
    start: Start = None,
    end: End = None,
    consent: Annotated[bool, typer.Option("--consent", help="The person agrees to being recognised.")] = False,
) -> None:
    """Learns a person's voice, with that person's consent. (coming)"""
    coming("speakers enroll", MEANWHILE)
