"""`auricle doctor`: settings in force and where each comes from, device, versions, disk, and what is missing."""

import importlib.metadata
import os
import platform
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

import httpx

from agent.cli.command import plural
from agent.cli.context import ensure_models, working
from agent.cli.errors import SECRETS
from agent.cli.output import Shown, table
from agent.cli.progress import CommandLineWork
from auricle import __version__
from auricle.errors import AuricleError, LibraryError
from auricle.settings import Settings, config_file
from engines.known_models import KnownModels
from engines.manifest import DEFAULT_PROFILE
from engines.sources import size_text
from engines.weights import status

PACKAGES = (
    "torch",
    "pyannote.audio",
    "faster-whisper",
    "ctranslate2",
    "av",
    "xllamacpp",
    "langgraph",
    "mcp",
    "pydantic",
)

OLLAMA_SECONDS = 1.0
"""How long Ollama may take to say that it is there."""


class Setting(TypedDict):
    """A setting in force; ``source`` is the variable or the file it comes from, or ``default``."""

    name: str
    value: str
    source: str
    description: str


def examine(settings: Settings, deep: bool = False) -> Shown:
    """Looks at this machine. Nothing heavy is loaded, nothing is changed.

    Args:
        deep: The stored sound is read and hashed, where else only its length is looked at.
    """
    rows = list(_settings(settings))
    device, trouble = _device(settings)
    models = [model for model in status(settings) if DEFAULT_PROFILE in model.profiles]
    missing = [model.name for model in models if not model.present]
    disk = {"home": _bytes_in(settings.home), "models": _bytes_in(settings.models)}
    versions = {"auricle": __version__, "python": platform.python_version()} | _versions()
    ollama = _ollama(settings)
    llms = [known.model_dump() for known in KnownModels(settings.home).all().values() if known.tools is not None]
    if missing:
        trouble.append(f"Weights are missing: {', '.join(missing)}. `auricle models pull` fetches them.")
    audio, damage = _audio(settings, deep)
    trouble += damage
    document = {
        "settings": rows,
        "device": device,
        "versions": versions,
        "disk": disk,
        "missing": missing,
        "audio": audio,
        "ollama": ollama,
        "llms": llms,
        "trouble": trouble,
    }
    in_force = table("setting", "from", "value")
    for row in rows:
        in_force.add_row(row["name"], row["source"], row["value"])
    answers = f"answers, with {len(ollama['models'])} models" if ollama["reachable"] else "does not answer"
    return Shown(
        document,
        [
            in_force,
            "",
            f"Device    {device}",
            "Versions  " + ", ".join(f"{name} {version}" for name, version in versions.items()),
            f"Disk      {settings.home} {size_text(disk['home'])}, {settings.models} {size_text(disk['models'])}",
            f"Audio     {_audio_line(audio)}",
            f"Ollama    {answers} at {settings.ollama_url}",
            *(f"LLM       {_llm_line(llm)}" for llm in llms),
            *(trouble or ["Nothing is missing."]),
        ],
    )


def with_speed(shown: Shown, settings: Settings) -> Shown:
    """The same, and how fast this machine listens: a sample is heard for it, in a library of its own."""
    from tools.measuring import measure

    with CommandLineWork() as work:
        ensure_models(["recognition", "segmentation", "embedding"], work)
        speed = measure(settings, work)
    line = (
        f"Speed     {speed.quality}: transcribes {speed.transcribe:.1f} and diarizes {speed.diarize:.1f} times faster "
        f"than real time; both take {speed.hour:.0f} minutes for an hour of talk, and {speed.loading:.0f} s to begin"
    )
    return Shown({**shown.document, "speed": speed.model_dump()}, [*shown.human, line])


def _settings(settings: Settings) -> Iterator[Setting]:
    variables = {name.upper(): name for name, value in os.environ.items() if value}
    file = config_file()
    in_file = _keys(file)
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        shown = ("set" if value.get_secret_value() else "") if name in SECRETS else str(value)
        variable = variables.get(f"AURICLE_{name.upper()}")
        source = variable or (str(file) if name in in_file else "default")
        yield Setting(name=name, value=shown, source=source, description=field.description or "")


def _keys(file: Path) -> set[str]:
    return set(tomllib.loads(file.read_text(encoding="utf-8"))) if file.is_file() else set()


def _device(settings: Settings) -> tuple[str, list[str]]:
    """What recognition would run on, and what stands against it."""
    from engines.device import for_ctranslate2

    try:
        place = for_ctranslate2(settings.device)
    except AuricleError as error:
        return "none", [error.message]
    return f"{place.device} ({place.compute_type}, {place.threads} threads)", []


def _audio(settings: Settings, deep: bool) -> tuple[dict[str, Any], list[str]]:
    """The stored sound of every recording, and what is wrong with it."""
    audio: dict[str, Any] = {"recordings": 0, "bytes": 0, "hashed": deep, "damaged": []}
    if not (settings.home / "library.db").exists():
        return audio, []
    damage = []
    try:
        with working() as (toolbox, work):
            library = toolbox.library.recordings
            known = library.list()
            for done, recording in enumerate(known):
                work.report(done, len(known), "checking the stored sound")
                audio["recordings"] += 1
                audio["bytes"] += library.stored_bytes(recording)
                if library.intact(recording) and (not deep or library.verify(recording)):
                    continue
                audio["damaged"].append(recording.id)
                told = f"The stored sound of {recording.id} ({Path(recording.path).name}) is damaged:"
                if library.original(recording) != "there":
                    damage.append(
                        f"{told} `auricle add NEWPATH`, from where its file is now, lets it be decoded again."
                    )
                elif library.intact(recording):
                    files = " and ".join(str(file) for file in library.stored_files(recording))
                    damage.append(f"{told} delete {files}, and it is decoded again when it is needed.")
                else:
                    damage.append(f"{told} it is decoded again when it is needed.")
    except LibraryError as error:
        return audio, [error.message]
    return audio, damage


def _audio_line(audio: dict[str, Any]) -> str:
    damaged = ", ".join(audio["damaged"])
    state = f"damaged: {damaged}" if damaged else "all intact" + (", every sample of it" if audio["hashed"] else "")
    return f"{plural(audio['recordings'], 'recording')}, {size_text(audio['bytes'])}, {state}"


def _llm_line(llm: dict[str, Any]) -> str:
    """Which way a model needs, as it was found out when it was first used."""
    return f"{llm['name']} {'calls tools itself' if llm['tools'] else 'is given a plan to fill'}: {llm['tried']}"


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _ollama(settings: Settings) -> dict[str, Any]:
    try:
        reply = httpx.get(f"{settings.ollama_url.rstrip('/')}/api/tags", timeout=OLLAMA_SECONDS)
        models = [model["name"] for model in reply.raise_for_status().json()["models"]]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
        return {"url": settings.ollama_url, "reachable": False, "models": []}
    return {"url": settings.ollama_url, "reachable": True, "models": models}


def _bytes_in(folder: Path) -> int:
    """What the files of a folder take; links to elsewhere not counted."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            try:
                total += 0 if path.is_symlink() else path.stat().st_size
            except OSError:  # gone since it was listed
                continue
    return total
