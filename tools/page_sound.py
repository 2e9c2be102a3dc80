"""The sound that a page plays: a small mp3, made once and kept, within the page or beside it."""

import base64
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import quote

from auricle.domain import Recording, Span
from auricle.times import to_samples
from library import Library
from tools.jobs import Jobs
from tools.paths import cannot_write, output_path, partial_path
from tools.work import Work

FOLDER = "sounds"

WITHIN = to_samples(3600)
"""Up to so many samples the sound is a part of the page: 19 MB for an hour. Browsers struggle with much more."""


def beside_or_within(
    library: Library, jobs: Jobs, recording: Recording, span: Span, path: str | None, title: str, work: Work
) -> str:
    """The sound of a range as an address: its very bytes, or the name of a file that is put beside the page.

    Args:
        path: Where the page goes; None for a new file in the current folder.

    Raises:
        BadArgument: The path is not allowed.
        WorkError: The sound cannot be written.
        StillWorking: It takes longer than the face waits, and goes on.
    """
    page = output_path(path, title, ".html", keep=Path(recording.path))
    made = sound_of(library, jobs, recording, span, work)
    if span.length <= WITHIN:
        return "data:audio/mpeg;base64," + base64.b64encode(made.read_bytes()).decode()
    stem = page.stem if path else title
    target = output_path(None, stem, ".mp3", content=made.read_bytes(), folder=page.parent)
    if not target.exists():
        partial = partial_path(target)
        try:
            shutil.copyfile(made, partial)
            partial.replace(target)
        except OSError as error:
            raise cannot_write(target, error) from error
        finally:
            partial.unlink(missing_ok=True)
    return quote(target.name)


def sound_of(library: Library, jobs: Jobs, recording: Recording, span: Span, work: Work) -> Path:
    """The mp3 of a range, in the library's folder.

    Raises:
        WorkError: It cannot be written.
        StillWorking: It takes longer than the face waits, and goes on.
    """
    target = _file(library.home, recording.id, span)
    if not target.is_file():
        args = {"recording": recording.id, "start": span.start, "end": span.end, "path": str(target)}
        jobs.briefly("sound", args, work, holds=_is_there)
    return target


def forget(library: Library, recording: str) -> None:
    """Removes what was made of a recording."""
    for file in (library.home / FOLDER).glob(f"{recording}-*.mp3"):
        file.unlink(missing_ok=True)


def _file(home: Path, recording: str, span: Span) -> Path:
    return home / FOLDER / f"{recording}-{span.start}-{span.end}.mp3"


def _is_there(done: dict[str, Any]) -> bool:
    return Path(done["path"]).is_file()
