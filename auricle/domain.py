"""The field's words as types. All times in here are samples at 16 kHz, end-exclusive."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from auricle.times import to_seconds


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Span(_Frozen):
    """A stretch of a recording, in samples from its zero."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start

    @property
    def seconds(self) -> float:
        return to_seconds(self.length)

    def shared_with(self, other: "Span") -> int:
        """Samples that both cover; 0 where they do not meet."""
        return max(0, min(self.end, other.end) - max(self.start, other.start))


class Word(Span):
    text: str
    probability: float


class Segment(Span):
    """What recognition heard in one breath, with its own doubts about it."""

    text: str
    words: tuple[Word, ...]
    avg_logprob: float
    no_speech_prob: float
    compression_ratio: float


class Recognition(_Frozen):
    """The payload of a take of kind ``recognition``."""

    language: str
    language_probability: float
    segments: tuple[Segment, ...]


class Turn(Span):
    """One voice speaking without a break. ``label`` is the voice's label within its take."""

    label: str


class Diarization(_Frozen):
    """The payload of a take of kind ``diarization``.

    Attributes:
        turns: Who speaks when, overlap included.
        exclusive: The same with one voice at a time: what words are given to.
        voices: An embedding for each label (192 floats in the small profile); empty where too little was said.
        heard: Where anybody listened; None where it was the whole recording.
        mixed: The labels that sound like two people.
    """

    turns: tuple[Turn, ...]
    exclusive: tuple[Turn, ...]
    voices: dict[str, tuple[float, ...]]
    heard: tuple[Span, ...] | None = None
    mixed: tuple[str, ...] = ()


class Recording(_Frozen):
    """A recording in the library.

    Attributes:
        path: Where the original lies, or lay when it was last seen.
        duration: Samples.
        sound: SHA-256 of the stored sound; empty where an earlier version decoded it.
        apart: The channels carry different voices, and are kept each.
    """

    id: str
    sha256: str
    path: str
    duration: int
    sample_rate: int
    channels: int
    codec: str
    added: float
    sound: str = ""
    apart: bool = False

    @property
    def seconds(self) -> float:
        return to_seconds(self.duration)

    @property
    def span(self) -> Span:
        return Span(start=0, end=self.duration)


Original = Literal["there", "missing", "changed"]
"""What became of a recording's file: as it was added, gone from its place, or with other bytes."""

TakeKind = Literal["speech", "recognition", "voices", "diarization", "embedding"]


class Take(_Frozen):
    """What an engine heard, never changed afterwards.

    Attributes:
        engine: The engine and its weights, as ``name@hash``.
        params: Everything that would make it hear otherwise.
        payload: JSON of ``Recognition`` or ``Diarization``; for ``speech`` a list of [start, end]; empty for
            ``voices`` and ``embedding``, which are a blob.
    """

    id: str
    recording: str
    kind: TakeKind
    engine: str
    params: dict[str, str | int | float | bool | None]
    span: Span
    payload: str
    created: float


class Speaker(_Frozen):
    """A voice in one recording. ``label`` is what it is called while nobody has named it: "Speaker 1"."""

    id: str
    recording: str
    label: str


class Evidence(_Frozen):
    """Why a voice has a name, or why a decision was made.

    Attributes:
        source: ``said`` (a quote at a time), ``person`` (somebody said so), ``elimination`` (the only one left of the
            people the person listed), ``voiceprint``.
        quote: The words, verbatim, where ``source`` is ``said``.
        at: When, in samples.
        person: Whose voiceprint (an id), where ``source`` is ``voiceprint``.
        score: How alike, in standard deviations above strangers.
    """

    source: Literal["said", "person", "elimination", "voiceprint"]
    quote: str = ""
    at: int | None = None
    person: str | None = None
    score: float | None = None


EditKind = Literal["name", "merge", "assign"]


class Change(_Frozen):
    """A decision to be written down.

    Attributes:
        kind: ``name``: ``speaker`` is called ``name``, or by nothing but the label where that is empty. ``merge``:
            ``speaker`` is the same person as ``other`` and called so. ``assign``: what is heard from ``start`` to
            ``end`` (of ``other``, or of anybody where that is None) is ``speaker``'s.
        speaker: A speaker's id.
        start: Samples, for ``assign``; ``end`` as well.
    """

    recording: str
    kind: EditKind
    speaker: str
    name: str = ""
    evidence: Evidence = Evidence(source="person")
    other: str | None = None
    start: int | None = None
    end: int | None = None


class Edit(Change):
    """One decision in the append-only log. The last one about a thing is in force unless undone.

    Attributes:
        step: Which edits were made at once, and are undone at once.
    """

    seq: int
    step: int
    created: float


class Step(_Frozen):
    """What was decided at once, in however many recordings.

    Attributes:
        note: What it was, in words.
        undone: It is not in force.
    """

    id: int
    note: str
    created: float
    undone: bool
    edits: tuple[Edit, ...]


class Person(_Frozen):
    """Somebody who agreed to being known by their voice. Times are seconds since 1970.

    Attributes:
        agreed_by: Who said yes: the person, or who may speak for them.
        until: The agreement ends then; None where nobody set an end.
    """

    id: str
    name: str
    agreed_by: str
    agreed: float
    until: float | None


class Voiceprint(_Frozen):
    """A voice that is known.

    Attributes:
        recording: Where it was learnt; None once that was removed.
        speaker: Which voice of it.
        source: What that recording's file was called.
        spans: What of it.
        seconds: Of clean speech.
        models: The embedding models it was computed with.
    """

    id: str
    person: str
    recording: str | None
    speaker: str | None
    source: str
    spans: tuple[Span, ...]
    seconds: float
    created: float
    models: tuple[str, ...]


JobState = Literal["queued", "running", "paused", "done", "failed", "cancelled"]


class Job(_Frozen):
    """A piece of heavy work as a row: whoever watches it reads this."""

    id: str
    kind: str
    args: dict[str, object]
    state: JobState
    done: float
    total: float
    note: str
    result: dict[str, object] | None
    error: dict[str, str] | None
    cancel_requested: bool
    attempts: int
    worker_pid: int | None
    created: float
    started: float | None
    finished: float | None
    pause_requested: bool = False
    seconds_left: float | None = None


class Token(_Frozen):
    """What is known of a secret that opens the server over HTTP. Times are seconds since 1970.

    Attributes:
        name: Whose it is, or what for.
        expires: It opens nothing from then on; None where it holds without end.
        last_used: To the minute; None where it never was.
    """

    name: str
    created: float
    expires: float | None
    last_used: float | None
