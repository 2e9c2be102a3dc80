"""The words commands share: their parameters, and how they are registered."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from auricle.quality import TRADES, Quality

EPILOG = "--json prints one JSON document on stdout and nothing else."

Recording = Annotated[str, typer.Argument(metavar="RECORDING", help="A file, or the id of a known recording.")]
Start = Annotated[str | None, typer.Option("--start", metavar="T", help="From here: seconds, M:SS or H:MM:SS.")]
End = Annotated[str | None, typer.Option("--end", metavar="T", help="Up to here: seconds, M:SS or H:MM:SS.")]
QualityOption = Annotated[
    Quality | None,
    typer.Option(
        "--quality",
        metavar="Q",
        help="fast, balanced or best; else AURICLE_QUALITY. " + " ".join(f"{n}: {t.told}." for n, t in TRADES.items()),
    ),
]


def add(app: typer.Typer, name: str, panel: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a command under ``name``; its docstring is its help."""
    return app.command(name, rich_help_panel=panel, epilog=EPILOG)


def group(app: typer.Typer, name: str, help_text: str, panel: str) -> typer.Typer:
    """Registers a group of commands."""
    made = typer.Typer(help=help_text, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
    app.add_typer(made, name=name, rich_help_panel=panel)
    return made


def plural(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def listed(items: Sequence[str]) -> str:
    return ", ".join(items)
