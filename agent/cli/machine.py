"""`models` and `doctor`: what is on this machine."""

from typing import Annotated

import typer

from agent.cli.command import EPILOG, add, group, plural
from agent.cli.context import fetch
from agent.cli.errors import read_settings
from agent.cli.output import Shown, say, table
from agent.cli.progress import CommandLineWork
from engines.manifest import DEFAULT_PROFILE, load_manifest
from engines.sources import Report, size_text
from engines.weights import ModelStatus, status
from engines.weights import verify as verify_weights

PANEL = "Machine"

Profile = Annotated[str | None, typer.Option("--profile", metavar="P", help="A set of models that go together.")]


def register(app: typer.Typer) -> None:
    models = group(app, "models", "Weights: what there is, what is here, and whether it is whole.", PANEL)
    models.command("list", epilog=EPILOG)(list_)
    models.command("pull", epilog=EPILOG)(pull)
    models.command("verify", epilog=EPILOG)(verify)
    add(app, "doctor", PANEL)(doctor)


def list_(profile: Profile = None) -> Shown:
    """Every model Auricle knows by name, and whether it is on this machine."""
    found = status(read_settings())
    if profile:
        names = _names(profile)
        found = [model for model in found if model.name in names]
    return _shown(found)


def pull(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Models; else a whole profile.")
    ] = None,
    profile: Profile = None,
) -> Shown:
    """Fetches weights that are missing or broken; what is here and whole is left alone."""
    settings = read_settings()
    with CommandLineWork() as work:
        pulled = fetch(names or profile or DEFAULT_PROFILE, work)
    wanted = names or _names(profile or DEFAULT_PROFILE)
    found = [model for model in status(settings) if model.name in wanted]
    total = size_text(sum(model.bytes for model in found))
    told = f"{plural(len(pulled), 'model')} fetched" if pulled else "Nothing to fetch"
    line = f"{told}: {', '.join(wanted)} ({total}) are in {settings.models}."
    document = {"pulled": pulled, "models": [model.model_dump(mode="json") for model in found]}
    return Shown(document, [line])


def verify(profile: Profile = None) -> Shown:
    """Hashes the weights that are here; what is broken is fetched again by the next pull."""
    with CommandLineWork() as work:
        found = verify_weights(read_settings(), profile, Report(work.say, work.verified))
    broken = [model.name for model in found if model.state != "ready"]
    if broken:
        say(f"Error: not whole: {', '.join(broken)}. `auricle models pull` fetches them again.")
    return _shown(found, 1 if broken else 0)


def doctor(
    deep: Annotated[bool, typer.Option("--deep", help="Read all of the stored sound, and check it.")] = False,
    bench: Annotated[
        bool, typer.Option("--bench", help="Listen to a sample and tell how fast this machine is.")
    ] = False,
) -> Shown:
    """What is in force and where it comes from, what it takes on disk, and what is missing or damaged."""
    from agent.cli.doctor import examine, with_speed

    shown = examine(read_settings(), deep)
    return with_speed(shown, read_settings()) if bench else shown


def _names(profile: str) -> list[str]:
    return [model.name for model in load_manifest().profile(profile)]


def _shown(models: list[ModelStatus], exit_code: int = 0) -> Shown:
    shown = table("model", "state", "size", "licence", "what")
    for model in models:
        shown.add_row(model.name, model.state, size_text(model.bytes), model.licence, model.title)
    document = {"folder": str(read_settings().models), "models": [model.model_dump(mode="json") for model in models]}
    return Shown(
        document, [shown] if models else ["No weights are here: `auricle models pull` fetches them."], exit_code
    )
