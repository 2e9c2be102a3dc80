"""A Toolbox of canned results, its catalog, and an LLM with a queue of replies: what the agent is tested against."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, create_model

from agent.run import Answer, ask
from auricle.errors import AuricleError
from auricle.settings import Settings
from engines.protocols import Judge, LLMTraits, Reply
from tests.fakes import FakeLLM
from tools.results import (
    AudioSlice,
    DiarizationSummary,
    DiarizedSpeaker,
    ExportedFile,
    Hit,
    Line,
    NamedSpeaker,
    Occurrence,
    RecordingDescription,
    RecordingInfo,
    RecordingList,
    SearchResult,
    Silence,
    SpeakerNames,
    SpeakerStatistics,
    TalkStatistics,
    TalkTime,
    Transcription,
    TranscriptPage,
)
from tools.toolbox import TranscriptFormat
from tools.work import Quiet, Work

Time = Annotated[float | str, Field(description="Seconds or M:SS.")]
RecordingId = Annotated[str, Field(description="A recording's id.")]

LINES = [
    Line(start=6.7, end=7.2, speaker="Diane", text="Hello?"),
    Line(start=8.4, end=12.5, speaker="Diane", text="Oh, hello. I didn't know you were there."),
    Line(start=12.5, end=14.2, speaker="Diane", text="This is Diane in New Jersey."),
    Line(start=14.4, end=17.8, speaker="Sheila", text="And I'm Sheila in Texas, originally from Chicago."),
    Line(start=24.1, end=28.4, speaker="Sheila", text="You know, they all call me a Yankee down here."),
]


@dataclass(frozen=True)
class FakeSpec:
    name: str
    summary: str
    description: str
    parameters: type[BaseModel]
    core: bool
    read_only: bool


class FakeToolbox:
    """One recording of 30 s, ``r_1``, in which Diane and Sheila speak."""

    def __init__(self, lines: Sequence[Line] = LINES, page: int = 100) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.failures: dict[str, AuricleError] = {}
        self.lines = list(lines)
        self.page = page
        self.settings = Settings()
        self.judge: Judge | None = None

    @property
    def jobs(self) -> Any:
        raise AssertionError("no job was to be run")

    def _note(self, name: str, **arguments: Any) -> None:
        self.calls.append((name, {key: value for key, value in arguments.items() if value is not None}))
        if name in self.failures:
            raise self.failures[name]

    def list_recordings(self, *, work: Work = Quiet()) -> RecordingList:
        """Lists the recordings in the library."""
        self._note("list_recordings")
        info = RecordingInfo(id="r_1", path="/calls/sample.wav", sha256="0" * 64, duration=30)
        return RecordingList(recordings=[info], next="")

    def describe_recording(self, recording: RecordingId, *, work: Work = Quiet()) -> RecordingDescription:
        """Tells how long a recording is, its language, and how long each person talks."""
        self._note("describe_recording", recording=recording)
        return RecordingDescription(
            id=recording,
            path="/calls/sample.wav",
            sha256="0" * 64,
            duration=30,
            channels=1,
            sample_rate=16000,
            codec="pcm_s16le",
            language="en",
            transcribed_seconds=30,
            diarized=True,
            diarized_seconds=30,
            speaker_count={},
            revision="v1",
            speakers=[
                TalkTime(speaker="Diane", id="s_1", named=True, seconds=12, share=0.52, turns=7),
                TalkTime(speaker="Sheila", id="s_2", named=True, seconds=11, share=0.48, turns=6),
            ],
            next="",
        )

    def measure_talk(
        self,
        recording: RecordingId,
        words: str | None = None,
        start: str | float | None = None,
        end: str | float | None = None,
        *,
        work: Work = Quiet(),
    ) -> TalkStatistics:
        """Counts how people talk."""
        self._note("measure_talk", recording=recording, words=words, start=start, end=end)
        return TalkStatistics(
            recording=recording,
            revision="v1",
            start=0,
            end=30,
            speech_seconds=22,
            silence_seconds=8,
            overlap_seconds=1.5,
            words=90,
            words_per_minute=245,
            interruptions=1,
            questions=3,
            speakers=[
                SpeakerStatistics(
                    speaker=name,
                    id=voice,
                    seconds=seconds,
                    share=share,
                    turns=turns,
                    words=words_said,
                    words_per_minute=rate,
                    questions=questions,
                    longest_turn_start=at,
                    longest_turn_seconds=longest,
                    interrupts=interrupts,
                    is_interrupted=1 - interrupts,
                )
                for name, voice, seconds, share, turns, words_said, rate, questions, at, longest, interrupts in (
                    ("Diane", "s_1", 12, 0.52, 7, 50, 250, 1, 8.4, 5.0, 0),
                    ("Sheila", "s_2", 11, 0.48, 6, 40, 218, 2, 14.4, 6.0, 1),
                )
            ],
            silences=[Silence(start=0, end=6.5)],
            times_said=2 if words else None,
            said_by={"Diane": 2} if words else {},
            occurrences=[Occurrence(start=14, end=15, speaker="Diane"), Occurrence(start=20, end=21, speaker="Diane")]
            if words
            else [],
            next="",
        )

    def transcribe(
        self,
        recording: RecordingId,
        start: Time | None = None,
        end: Time | None = None,
        language: str | None = None,
        hints: str = "",
        translate: bool = False,
        *,
        work: Work = Quiet(),
    ) -> Transcription:
        """Writes down what is said in a recording or a part of it."""
        self._note(
            "transcribe", recording=recording, start=start, end=end, language=language, translate=translate or None
        )
        return Transcription(
            recording=recording,
            revision="v1",
            language="en",
            language_probability=0.98,
            duration=30,
            start=0,
            end=30,
            words=80,
            segments=13,
            newly_heard_seconds=30,
            preview="[0:06] Hello?",
            next="",
        )

    def diarize(
        self,
        recording: RecordingId,
        speakers: Annotated[int | None, Field(description="How many people speak.")] = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
        *,
        work: Work = Quiet(),
    ) -> DiarizationSummary:
        """Finds out how many people speak and who speaks when."""
        self._note("diarize", recording=recording, speakers=speakers)
        return DiarizationSummary(
            recording=recording,
            revision="v2",
            speakers=[
                DiarizedSpeaker(id="s_1", speaker="Speaker 1", seconds=12.2),
                DiarizedSpeaker(id="s_2", speaker="Speaker 2", seconds=10.9),
            ],
            turns=13,
            overlap_seconds=0.4,
            next="",
        )

    def name_speakers(
        self,
        recording: RecordingId,
        people: list[str] | None = None,
        names: dict[str, str] | None = None,
        *,
        work: Work = Quiet(),
    ) -> SpeakerNames:
        """Gives the voices names, from what is said or as the person said."""
        self._note("name_speakers", recording=recording, people=people)
        known = people or ["Diane", "Sheila"]
        return SpeakerNames(
            recording=recording,
            revision="v3",
            speakers=[
                NamedSpeaker(id=f"s_{n}", label=f"Speaker {n}", name=name, source="said")
                for n, name in enumerate(known, 1)
            ],
            next="",
        )

    def read_transcript(
        self,
        recording: RecordingId,
        start: Time | None = None,
        end: Time | None = None,
        cursor: str | None = None,
        max_tokens: int = 1500,
        speakers: list[str] | None = None,
        *,
        work: Work = Quiet(),
    ) -> TranscriptPage:
        """Reads the transcript, page by page."""
        self._note("read_transcript", recording=recording, start=start, end=end, cursor=cursor, speakers=speakers)
        first = int(cursor or 0)
        rest = self.lines[first : first + self.page]
        after = first + self.page
        return TranscriptPage(
            recording=recording,
            revision="v3",
            lines=rest,
            cursor=str(after) if after < len(self.lines) else None,
            next="",
        )

    def search_transcript(
        self, words: str, recording: RecordingId | None = None, *, work: Work = Quiet()
    ) -> SearchResult:
        """Finds the places where given words are said."""
        self._note("search_transcript", words=words, recording=recording)
        hits = [
            Hit(recording="r_1", start=line.start, end=line.end, speaker=line.speaker, text=line.text)
            for line in self.lines
            if words.lower() in line.text.lower()
        ]
        return SearchResult(hits=hits, next="")

    def slice_audio(
        self,
        recording: RecordingId,
        start: Time,
        end: Time,
        format: Literal["wav", "mp3", "flac", "ogg"] = "wav",
        path: str | None = None,
        *,
        work: Work = Quiet(),
    ) -> AudioSlice:
        """Cuts a part of the sound out into an audio file of its own."""
        self._note("slice_audio", recording=recording, start=start, end=end, format=format)
        return AudioSlice(
            recording=recording, path="/out/sample-cut.mp3", start=10, end=15, format=format, bytes=80_000, next=""
        )

    def export_transcript(
        self,
        recording: RecordingId,
        format: TranscriptFormat,
        start: Time | None = None,
        end: Time | None = None,
        path: str | None = None,
        speakers: list[str] | None = None,
        *,
        work: Work = Quiet(),
    ) -> ExportedFile:
        """Writes the transcript to a file."""
        self._note("export_transcript", recording=recording, format=format, start=start, end=end, speakers=speakers)
        return ExportedFile(
            recording=recording,
            revision="v3",
            path=f"/out/sample.{format}",
            format=format,
            preview="Q (Diane, 0:08): Oh, hello.",
            next="",
        )


LOOKING = {"list_recordings", "describe_recording", "measure_talk", "read_transcript", "search_transcript"}


def fake_catalog() -> list[FakeSpec]:
    """The fake Toolbox's tools, as ``tools.catalog.catalog()`` tells them."""
    specs = []
    for name, method in inspect.getmembers(FakeToolbox, inspect.isfunction):
        if name.startswith("_"):
            continue
        fields: dict[str, Any] = {
            parameter.name: (
                parameter.annotation,
                ... if parameter.default is inspect.Parameter.empty else parameter.default,
            )
            for parameter in inspect.signature(method).parameters.values()
            if parameter.name not in {"self", "work"}
        }
        summary = (method.__doc__ or "").splitlines()[0]
        specs.append(
            FakeSpec(name, summary, summary, create_model(name, **fields), core=True, read_only=name in LOOKING)
        )
    return specs


class QueueLLM(FakeLLM):
    """The fake LLM with its queue as arguments, calling tools natively or not."""

    def __init__(self, *replies: dict[str, Any] | str | Reply, tools: bool = False, context: int = 8192) -> None:
        super().__init__(list(replies), name="fake:queue", traits=LLMTraits(tools=tools, context=context))


def plan(*steps: dict[str, Any], people: tuple[str, ...] = (), speakers: int = 0) -> dict[str, Any]:
    """A plan as a model writes it."""
    return {"people": list(people), "speakers": speakers, "steps": list(steps)}


def run(instruction: str, toolbox: FakeToolbox, llm: QueueLLM, **options: Any) -> Answer:
    """Asks about the sample call."""
    recordings = options.pop("recordings", ["r_1"])
    return ask(instruction, recordings, toolbox, llm=llm, catalog=fake_catalog(), **options)
