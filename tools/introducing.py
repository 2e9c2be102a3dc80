"""The voices of a recording introduced to a person who is to say whose they are: a quote and a clip of each."""

from dataclasses import dataclass
from pathlib import Path

from auricle.domain import Recording, Span
from auricle.errors import BadArgument, LibraryError
from auricle.times import to_seconds
from library import Library
from tools.clips import of_voice, sound
from tools.transcript import fold
from tools.views import Transcript

FOLDER = "clips"
_QUOTED = 120
"""Characters of what a voice says."""


@dataclass(frozen=True)
class VoiceSample:
    """A voice to be known again: ``label`` as the tools call it, ``start`` in seconds, ``clip`` a wav or empty."""

    label: str
    quote: str
    start: float
    clip: str


def introduce(library: Library, recording: Recording) -> list[VoiceSample]:
    """A sample of every voice, in the order of their finding; the clips lie in the library's folder.

    Raises:
        LibraryError: A clip cannot be written.
    """
    transcript = fold(library, recording)
    return [_sample(library, recording, transcript, view.id) for view in transcript.speakers]


def forget(library: Library, recording: str) -> None:
    """Removes the clips of a recording."""
    for clip in (library.home / FOLDER).glob(f"{recording}-*.wav"):
        clip.unlink(missing_ok=True)


def _sample(library: Library, recording: Recording, transcript: Transcript, voice: str) -> VoiceSample:
    label = transcript.display(voice) or voice
    spoken = max(
        (said for said in transcript.utterances if said.speaker == voice), key=lambda said: len(said.text), default=None
    )
    quote = spoken.text if spoken else ""
    shown = quote if len(quote) <= _QUOTED else quote[:_QUOTED].rsplit(" ", 1)[0] + " …"
    try:
        span: Span | None = of_voice(library, recording, voice)
    except BadArgument:  # never alone
        span = None
    start = spoken.start if spoken else span.start if span else 0
    return VoiceSample(label, shown, to_seconds(start), _clip(library, recording, voice, span) if span else "")


def _clip(library: Library, recording: Recording, voice: str, span: Span) -> str:
    clip: Path = library.home / FOLDER / f"{recording.id}-{voice}.wav"
    try:
        clip.parent.mkdir(mode=0o700, exist_ok=True)
        clip.write_bytes(sound(library, recording, span, "wav"))
    except OSError as error:
        raise LibraryError(
            f"A clip cannot be written to {clip} ({error.strerror or error}): make room there."
        ) from error
    return str(clip)
