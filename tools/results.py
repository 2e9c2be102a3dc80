"""What the tools return: small and true. Times are seconds of the recording.

Every result carries ``next``: what the client should know or do next, because many never read descriptions.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from auricle.domain import Original


def _untitled(schema: dict[str, Any]) -> None:
    """Pydantic's titles repeat the names, and clients put all of a schema before their model."""
    for field in schema.get("properties", {}).values():
        field.pop("title", None)


class Result(BaseModel):
    model_config = ConfigDict(json_schema_extra=_untitled)

    next: str = Field(description="What to know or do next.")


class RecordingInfo(BaseModel):
    id: str = Field(description="The recording's id, for every other tool.")
    path: str
    sha256: str
    duration: float = Field(description="Seconds.")
    original: Original = Field(
        default="there", description="The file: there as it was added, missing from its place, or changed since."
    )


class RecordingList(Result):
    recordings: list[RecordingInfo]


class AddedRecording(Result, RecordingInfo):
    already_known: bool = Field(description="The same bytes were in the library before.")


class TalkTime(BaseModel):
    speaker: str = Field(description="Name, or label while nobody has named the voice.")
    id: str
    named: bool
    seconds: float = Field(description="Seconds of speech.")
    share: float = Field(description="Share of all speech, 0 to 1.")
    turns: int


class RecordingDescription(Result, RecordingInfo):
    channels: int
    sample_rate: int
    codec: str
    language: str | None
    transcribed_seconds: float
    diarized: bool
    diarized_seconds: float
    speaker_count: dict[str, int] = Field(description="What diarize was told of the number of people, if anything.")
    revision: str
    speakers: list[TalkTime]


class RemovedRecording(Result):
    recording: str


class Transcription(Result):
    recording: str
    revision: str
    language: str | None
    language_probability: float | None
    duration: float
    start: float
    end: float
    words: int
    segments: int
    newly_heard_seconds: float = Field(description="0 when all of it was already known.")
    preview: str
    warnings: list[str] = Field(default_factory=list)


class DiarizedSpeaker(BaseModel):
    id: str
    speaker: str
    seconds: float


class DiarizationSummary(Result):
    recording: str
    revision: str
    speakers: list[DiarizedSpeaker]
    turns: int
    overlap_seconds: float
    warnings: list[str] = Field(default_factory=list)


class NameCandidate(BaseModel):
    """A place where a name is said, and the voice it may belong to."""

    name: str
    speaker: str = Field(description="The voice's current label or name.")
    quote: str
    start: float
    points_at: str = Field(
        description="speaker (who says it), not the speaker, addressee (who is spoken to), other or unclear."
    )


class NamedSpeaker(BaseModel):
    id: str
    label: str
    name: str | None
    source: str | None = Field(description="said, person, elimination or voiceprint; null where nobody is named.")
    quote: str = ""
    start: float | None = None


class SpeakerRole(BaseModel):
    speaker: str
    role: str = Field(description="agent, customer or interviewer.")
    quote: str = Field(description="What tells it.")
    start: float


class SpeakerNames(Result):
    recording: str
    revision: str
    speakers: list[NamedSpeaker]
    candidates: list[NameCandidate] = Field(default_factory=list)
    roles: list[SpeakerRole] = Field(default_factory=list)
    conflicts: list[str] = Field(default_factory=list)
    question: str = Field(default="", description="What only the person can say; empty where nothing is open.")


class VoiceMatch(BaseModel):
    recording: str
    id: str
    speaker: str = Field(description="What the voice is called now.")
    name: str | None = Field(description="Whose voice it is; null for a stranger.")
    best: str | None = Field(description="The known person most like it, near or far.")
    second: str | None
    score: float = Field(description="How alike, in standard deviations above strangers.")
    margin: float = Field(description="How far the second is behind.")
    seconds: float = Field(description="Of clean speech it rests on.")
    decision: str = Field(description="known, unknown, or too little speech.")
    would_label: bool = False


class Identification(Result):
    matches: list[VoiceMatch]
    strangers: int
    labelled: int
    would_label: int = Field(description="Voices that label=true would name.")
    warnings: list[str] = Field(default_factory=list, description="Conflicts: nothing is settled silently.")


class KnownPerson(BaseModel):
    name: str
    id: str
    agreed_by: str
    agreed: str = Field(description="The day of the consent.")
    until: str | None = Field(description="The last day of it; null where none was set.")
    seconds: float = Field(description="Of speech the voiceprints were made from.")
    sources: list[str]
    usable: bool = Field(description="By the embedding model in use.")


class KnownVoices(Result):
    people: list[KnownPerson]


class Decision(BaseModel):
    what: str
    undone: bool
    recordings: int = Field(description="How many recordings it is about.")


class CorrectedSpeakers(Result):
    recording: str
    revision: str
    speakers: dict[str, float] = Field(description="Seconds of speech of each voice, as it is called now.")
    history: list[Decision]


class Line(BaseModel):
    start: float
    end: float
    speaker: str | None
    text: str
    doubts: list[str] = Field(default_factory=list)


class TranscriptPage(Result):
    recording: str
    revision: str
    lines: list[Line]
    cursor: str | None = Field(description="Give it to the next call for what follows; null at the end.")


class Hit(BaseModel):
    recording: str
    start: float
    end: float
    speaker: str | None
    text: str


class SearchResult(Result):
    hits: list[Hit]


class AudioSlice(Result):
    recording: str
    path: str
    start: float
    end: float
    format: str
    bytes: int


class ExportedFile(Result):
    recording: str
    revision: str
    path: str
    format: str
    preview: str
    note: str = Field(default="", description="What the person should know of the file.")


class SpeakerStatistics(BaseModel):
    speaker: str
    id: str
    seconds: float = Field(description="Of speech, what is said at the same time as others included.")
    share: float = Field(description="Share of all speech, 0 to 1.")
    turns: int
    words: int
    words_per_minute: float | None
    questions: int
    longest_turn_start: float | None
    longest_turn_seconds: float
    interrupts: int = Field(description="How often this person takes the word while another one speaks.")
    is_interrupted: int


class Silence(BaseModel):
    start: float
    end: float


class Occurrence(BaseModel):
    start: float
    end: float
    speaker: str | None


class TalkStatistics(Result):
    recording: str
    revision: str
    start: float
    end: float
    speech_seconds: float
    silence_seconds: float
    overlap_seconds: float = Field(description="Seconds in which two or more speak at once.")
    words: int
    words_per_minute: float | None
    interruptions: int
    questions: int
    speakers: list[SpeakerStatistics]
    silences: list[Silence] = Field(description="The longest ones, of two seconds and more.")
    times_said: int | None = Field(description="How often the words are said; null where none were given.")
    said_by: dict[str, int] = Field(default_factory=dict)
    occurrences: list[Occurrence] = Field(default_factory=list)


class JobStatus(Result):
    job: str
    kind: str
    state: str = Field(description="queued, running, paused, done, failed or cancelled.")
    percent: float
    seconds_left: float | None
    note: str
    error: str | None = None
