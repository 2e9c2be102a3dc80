"""A transcript as people see it: the fold of the current takes and the edits. Times are samples at 16 kHz."""

from pydantic import BaseModel, ConfigDict

from auricle.domain import Evidence, Span, Turn, Word


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class PlacedWord(Word):
    """A word with its voice: ``speaker`` is a speaker's id, None where no voice was found.

    Attributes:
        id: Permanent: the take's id and the word's place in it.
        overlap: Another voice speaks at the same time.
    """

    id: str
    speaker: str | None = None
    overlap: bool = False


class Utterance(Span):
    """Words that one voice says in one breath: a segment, cut where the voice changes.

    Attributes:
        doubts: Why these words may not have been said: ``low probability``, ``repetitive``, ``no speech``.
    """

    speaker: str | None
    words: tuple[PlacedWord, ...]
    doubts: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "".join(word.text for word in self.words).strip()

    @property
    def overlap(self) -> bool:
        """Another voice speaks during a quarter of these words or more; at the edge of a turn one or two always are."""
        return 4 * sum(word.overlap for word in self.words) >= len(self.words) > 0


class SpeakerView(_View):
    """A voice and what it is called. ``name`` is None while nobody has named it."""

    id: str
    label: str
    name: str | None
    evidence: Evidence | None
    seconds: float

    @property
    def display(self) -> str:
        return self.name or self.label


class Transcript(_View):
    """Everything known of what is said in a recording, at one revision.

    Attributes:
        heard: The stretches that recognition has listened to, in order, not touching.
        turns: Who speaks when, overlap included; ``label`` is a speaker's id. Empty before diarization.
        told_apart: The stretches in which voices have been told apart, in order, not touching.
    """

    recording: str
    revision: str
    duration: int
    language: str | None
    language_probability: float | None
    heard: tuple[Span, ...]
    utterances: tuple[Utterance, ...]
    speakers: tuple[SpeakerView, ...]
    turns: tuple[Turn, ...]
    told_apart: tuple[Span, ...]

    @property
    def diarized(self) -> bool:
        return bool(self.told_apart)

    def display(self, speaker: str | None) -> str | None:
        """What to call a speaker id: a name, else its label; None for a word without a voice."""
        return next((view.display for view in self.speakers if view.id == speaker), None)

    def within(self, span: Span) -> "tuple[Utterance, ...]":
        """The utterances of a range, cut to the words whose middle lies in it."""
        found = []
        for utterance in self.utterances:
            words = tuple(w for w in utterance.words if span.start <= (w.start + w.end) // 2 < span.end)
            if len(words) == len(utterance.words):
                found.append(utterance)
            elif words:
                found.append(
                    utterance.model_copy(update={"words": words, "start": words[0].start, "end": words[-1].end})
                )
        return tuple(found)
