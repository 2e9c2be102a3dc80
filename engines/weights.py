"""Weights: a name of the manifest, or a path, becomes files that are verified and there.

settings.models/<name>/<files>      what counts; it lands here in one step
settings.models/.staging/           what is being put together, the wheels meanwhile, and a lock for each model
"""

import hashlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from auricle.errors import BadArgument, NotFound
from auricle.settings import Settings
from engines.fetching import fetch_models, progress_of
from engines.manifest import Model, Role, load_manifest
from engines.shelf import Shelf, State
from engines.sources import Report

_HEAD = 1 << 20
"""Bytes hashed at both ends of a person's own weights."""


class ModelStatus(BaseModel):
    """One line of `auricle models list`. ``path`` is where it is, or would be."""

    model_config = ConfigDict(frozen=True)

    name: str
    role: Role
    profiles: tuple[str, ...]
    title: str
    licence: str
    bytes: int
    state: State
    path: Path

    @property
    def present(self) -> bool:
        return self.state in ("ready", "unverified")


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def resolve(
    name_or_path: str,
    settings: Settings,
    announce: Callable[[str], None] = _to_stderr,
    progress: Callable[[str, int, int], None] | None = None,
    *,
    role: Role | None = None,
) -> Path:
    """The weights that a setting names, fetched first where they are missing or broken.

    Args:
        name_or_path: A name of the manifest, or the path of a file or folder of one's own, which is taken as it is.
        settings: Where weights lie, and whether any may be fetched.
        announce: Called with a line before and while anything is fetched.
        progress: As ``Report.progress``.
        role: What it is wanted for; a model of the manifest that does something else is refused.

    Returns:
        The file of a model of one file, else the folder.

    Raises:
        NotFound: Neither a known name nor an existing path.
        BadArgument: A model for something else.
        ModelUnavailable: Missing, and it may not or cannot be fetched.
    """
    manifest = load_manifest()
    model = manifest.models.get(name_or_path)
    if model is None:
        return _own(name_or_path)
    if role and model.role != role:
        fitting = ", ".join(name for name, other in manifest.models.items() if other.role == role)
        raise BadArgument(f"{model.name} is for {model.role}, not {role}: give a path, or one of {fitting}.")
    shelf = Shelf(settings.models)
    if shelf.settle(model) != "ready":
        fetch_models([model], settings, Report(announce, progress or Report().progress))
    return shelf.path(model)


def pull(wanted: str | Sequence[str], settings: Settings, report: Report | None = None) -> list[str]:
    """Fetches what is missing or broken; what is verified and there is left alone.

    Args:
        wanted: A profile, or names of models.

    Returns:
        The names of the models that had to be fetched.

    Raises:
        NotFound, BadArgument: An unknown name or profile.
        ModelUnavailable: Something is missing, and it may not or cannot be fetched.
    """
    manifest = load_manifest()
    models = manifest.profile(wanted) if isinstance(wanted, str) else [manifest.model(name) for name in wanted]
    shelf = Shelf(settings.models)
    missing = [model for model in models if shelf.settle(model) != "ready"]
    return fetch_models(missing, settings, report or Report()) if missing else []


def status(settings: Settings) -> list[ModelStatus]:
    """Every model of the manifest and whether it is there; quick, so nothing is hashed."""
    shelf = Shelf(settings.models)
    return [_status(model, shelf, shelf.state(model)) for model in load_manifest().models.values()]


def verify(settings: Settings, profile: str | None = None, report: Report | None = None) -> list[ModelStatus]:
    """Hashes every file of a profile, or of all models that are there. What turns out broken is fetched again by the
    next pull or the next use.

    Raises:
        BadArgument: An unknown profile.
    """
    manifest, shelf, report = load_manifest(), Shelf(settings.models), report or Report()
    known = manifest.models.values()
    models = manifest.profile(profile) if profile else [model for model in known if shelf.state(model) != "missing"]
    return [_status(model, shelf, shelf.verify(model, progress_of(model, report))) for model in models]


def identity(name_or_path: str | Path, settings: Settings) -> str:
    """A short hash of weights that stays the same while they do, for the keys of takes.

    From the manifest for its models, by name or by the path that ``resolve`` returned; else over the names, the sizes
    and both ends of the files.

    Raises:
        NotFound: Neither a known name nor an existing path.
    """
    manifest, shelf = load_manifest(), Shelf(settings.models)
    if str(name_or_path) in manifest.models:
        return manifest.models[str(name_or_path)].identity
    path = _own(str(name_or_path))
    for model in manifest.models.values():
        if path in (shelf.path(model), shelf.folder(model)):
            return model.identity
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    for file in files:
        size = file.stat().st_size
        name = file.name if file == path else file.relative_to(path).as_posix()
        digest.update(f"{name}\0{size}\0".encode())
        with file.open("rb") as content:
            digest.update(content.read(_HEAD))
            content.seek(max(0, size - _HEAD))
            digest.update(content.read(_HEAD))
    return digest.hexdigest()[:12]


def _own(text: str) -> Path:
    path = Path(text).expanduser()
    if not text.strip() or not path.exists():
        known = ", ".join(load_manifest().models)
        raise NotFound(f"No weights are called '{text}', and no such path exists: give a path, or one of {known}.")
    return path.absolute()


def _status(model: Model, shelf: Shelf, state: State) -> ModelStatus:
    return ModelStatus(
        name=model.name,
        role=model.role,
        profiles=load_manifest().profiles_of(model.name),
        title=model.title,
        licence=model.licence,
        bytes=model.bytes,
        state=state,
        path=shelf.path(model),
    )
