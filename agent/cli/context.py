"""What commands share: the Toolbox, a recording from what was typed, and weights before they are needed."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.errors import read_settings
from agent.cli.progress import CommandLineWork
from auricle.domain import Span
from auricle.errors import BadArgument
from auricle.quality import Quality
from auricle.times import parse_time, to_samples
from tools.work import PERSON, Work

if TYPE_CHECKING:
    from engines.manifest import Role
    from tools.export import Source
    from tools.toolbox import Toolbox

RECORDING_ID = re.compile(r"r_[a-z0-9]{10}")


def open_toolbox() -> "Toolbox":
    """The Toolbox over the settings in force: the one place where the command line makes it."""
    settings = read_settings()
    from tools.toolbox import Toolbox

    return Toolbox(settings)


@contextmanager
def working(
    *, yes: bool = False, priority: int = PERSON, quality: Quality | None = None
) -> "Iterator[tuple[Toolbox, CommandLineWork]]":
    """The Toolbox and a Work handle that shows progress, both put away at the end."""
    toolbox = open_toolbox()
    if quality is not None:
        toolbox.settings = toolbox.settings.model_copy(update={"quality": quality})
    try:
        with CommandLineWork(yes=yes, priority=priority) as work:
            yield toolbox, work
    finally:
        toolbox.close()


def recording_id(toolbox: "Toolbox", reference: str, work: Work) -> str:
    """What was typed for RECORDING as an id: a file is added by itself, an id or a known name is looked up.

    Raises:
        NotFound: Neither a file nor known.
        BadAudio: A file that cannot be decoded.
    """
    if not RECORDING_ID.fullmatch(reference) and Path(reference).exists():
        return toolbox.add_recording(reference, work=work).id
    return toolbox.library.recordings.get(reference).id


def known_or_file(toolbox: "Toolbox", reference: str) -> None:
    """A quick look before long work: whether a recording could be opened at all.

    Raises:
        NotFound: Neither a file nor known.
    """
    if not Path(reference).exists():
        toolbox.library.recordings.get(reference)


def recording_ids(toolbox: "Toolbox", references: Sequence[str], work: CommandLineWork) -> list[str]:
    """The same for several; the same recording twice counts once."""
    return list(dict.fromkeys(recording_id(toolbox, reference, work) for reference in references))


def seconds(text: str | None) -> float | None:
    """A time option as seconds, None where it was not given."""
    return None if text is None else parse_time(text)


def limits(start: str | None, end: str | None) -> tuple[float | None, float | None]:
    """Both ends of a range.

    Raises:
        BadArgument: A time that is not understood, or an end that is not after the start.
    """
    first, last = seconds(start), seconds(end)
    if last is not None and last <= (first or 0.0):
        raise BadArgument(f"--end {end} is not after --start {start or 0}: give a later --end or an earlier --start.")
    return first, last


def transcript_source(
    toolbox: "Toolbox",
    recording: str,
    start: float | None = None,
    end: float | None = None,
    translated: bool = False,
) -> "Source":
    """The transcript of a recording as it stands, or of a range of it, as exports take it."""
    from tools.export import Source
    from tools.transcript import fold

    known = toolbox.library.recordings.get(recording)
    span = Span(start=to_samples(start or 0), end=known.duration if end is None else to_samples(end))
    return Source(title=Path(known.path).stem, transcript=fold(toolbox.library, known, translated), span=span)


SETTING_OF: dict["Role", str] = {"recognition": "whisper", "segmentation": "segmentation", "embedding": "embedding"}
"""Which setting names the weights of a role."""


def ensure_models(roles: "Sequence[Role]", work: CommandLineWork) -> None:
    """Fetches the weights that are about to be needed, where they are missing, and says so.

    The worker would fetch them as well; here the person sees every byte of it. Where fetching is forbidden, what was
    heard before may still do, and the worker explains what is missing.

    Raises:
        ModelUnavailable: Missing, and they cannot be fetched.
    """
    from engines.manifest import load_manifest

    settings = read_settings()
    if settings.offline:
        return
    wanted = [getattr(settings, SETTING_OF[role]) for role in roles]
    # Anything else is a path, somebody's own, or a mistake that the engine explains.
    fetch([name for name in wanted if name in load_manifest().models], work)


def ensure_llm(model: str | None, work: CommandLineWork) -> str | None:
    """The same for the LLM that answers, where that is a local one: its name, as LocalLLM takes it."""
    from engines.llamacpp import DEFAULT_MODEL
    from engines.manifest import load_manifest

    settings = read_settings()
    kind, _, name = (model or settings.model).strip().partition(":")
    if kind not in ("auto", "local"):
        return None
    if kind == "auto":
        from engines.ollama_llm import capable_model

        if capable_model(settings):
            return None
    wanted = name or DEFAULT_MODEL
    if not settings.offline:
        fetch([wanted] if wanted in load_manifest().models else [], work)
    return wanted


def fetch(wanted: str | Sequence[str], work: CommandLineWork) -> list[str]:
    """Fetches a profile or models by name, with progress; returns the names of those that were missing."""
    from engines.sources import Report
    from engines.weights import pull

    return pull(wanted, read_settings(), Report(work.say, work.fetched))
