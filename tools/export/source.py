"""What every writer is given, and what it gives back."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from auricle.domain import Span, Turn
from tools.views import Transcript, Utterance

UNKNOWN_VOICE = "(unknown voice)"
"""What a word without a voice is shown under, once voices have been told apart."""


@dataclass(frozen=True)
class Source:
    """A range of a transcript.

    Attributes:
        title: The recording's name for people.
        span: The range; times in the export are still seconds of the whole recording.
        media: The recording's file, by its name alone.
        sound: Where a page finds the sound of the range: an address, or the sound itself as a ``data:`` one.
    """

    title: str
    transcript: Transcript
    span: Span
    media: str = ""
    sound: str = ""

    @cached_property
    def utterances(self) -> tuple[Utterance, ...]:
        return self.transcript.within(self.span)

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        """The diarization's turns in the range, cut to it."""
        return tuple(
            turn.model_copy(
                update={"start": max(turn.start, self.span.start), "end": min(turn.end, self.span.end)},
            )
            for turn in self.transcript.turns
            if turn.shared_with(self.span)
        )

    def voice(self, speaker: str | None) -> str | None:
        """What to call a voice; None while voices have not been told apart."""
        name = self.transcript.display(speaker)
        return name or (UNKNOWN_VOICE if self.transcript.diarized else None)


@dataclass(frozen=True)
class Export:
    """A file, and what the reader should know of it.

    Attributes:
        text: What it says; the file itself, where that is text.
        data: The bytes of a file that is no text.
    """

    text: str
    note: str = ""
    data: bytes | None = None

    @property
    def content(self) -> bytes:
        return self.text.encode("utf-8", "replace") if self.data is None else self.data


Writer = Callable[[Source], Export]
