"""Short pieces of sound that fit into one answer: a slice, or a few clean seconds of one voice."""

import tempfile
from pathlib import Path

from auricle.domain import Recording, Span
from auricle.errors import BadArgument
from auricle.times import SAMPLE_RATE
from library import Library
from tools.naming import find_voice
from tools.transcript import fold
from tools.voices import alone
from tools.work import Quiet

LONGEST = {"wav": 30.0, "mp3": 180.0}
"""Seconds of the stored 16 kHz sound that stay under a megabyte, by format; clients refuse much more."""

VOICE_SECONDS = 8.0
"""Enough to know a voice again."""

_SHORTEST_VOICE = 0.5


def sound(library: Library, recording: Recording, span: Span, kind: str) -> bytes:
    """A range of the stored sound (16 kHz, mono), as the bytes of a file.

    Args:
        kind: One of ``LONGEST``.

    Raises:
        BadArgument: An unknown format, or a range that is too long for one answer.
        WorkError: It cannot be encoded.
    """
    longest = longest_of(kind)
    if span.seconds > longest:
        raise BadArgument(
            f"{span.seconds} s are too long for one {kind}: give a start and an end that are at most {longest:.0f} s "
            "apart, or call slice_audio for a file."
        )
    from tools.slicing import write_copy  # pydub and PyAV, which nothing else here needs

    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"clip.{kind}"
        write_copy(library, recording, span, target, kind, Quiet())
        return target.read_bytes()


def longest_of(kind: str) -> float:
    """How many seconds fit.

    Raises:
        BadArgument: An unknown format.
    """
    if kind not in LONGEST:
        raise BadArgument(f"The format '{kind[:20]}' is not known here: give {' or '.join(LONGEST)}.")
    return LONGEST[kind]


def of_voice(library: Library, recording: Recording, voice: str) -> Span:
    """Where one voice is heard best: the beginning of the longest stretch in which nobody else speaks.

    Args:
        voice: Its name, label or id.

    Raises:
        BadArgument: Voices are not told apart, or this one is never heard alone.
        NotFound: There is no such voice.
    """
    transcript = fold(library, recording)
    if not transcript.diarized:
        raise BadArgument(f"Voices are not told apart in {recording.id} yet: call diarize first.")
    view = find_voice(transcript, voice)
    longest = max(alone(transcript.turns, view.id), key=lambda span: span.length, default=None)
    if longest is None or longest.seconds < _SHORTEST_VOICE:
        raise BadArgument(
            f"{view.display} is never heard alone for {_SHORTEST_VOICE} s: read_transcript tells when it speaks, and "
            "slice_audio cuts that out."
        )
    return Span(start=longest.start, end=min(longest.end, longest.start + round(VOICE_SECONDS * SAMPLE_RATE)))
