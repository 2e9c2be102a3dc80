"""What can be asked of a recording. Each marked method is a tool: signature and docstring are read by LLMs."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from auricle.domain import Recording
from auricle.errors import BadArgument, NotConfirmed
from auricle.settings import Settings, get_settings
from engines.protocols import Engines, Judge
from library import Library
from tools import (
    correcting,
    enrolling,
    exporting,
    following,
    hearing,
    identifying,
    introducing,
    naming,
    page_sound,
    reading,
)
from tools.introducing import VoiceSample
from tools.jobs import Jobs
from tools.naming import only_of
from tools.original import ADVICE
from tools.ranges import Time, span_of
from tools.results import (
    AddedRecording,
    AudioSlice,
    CorrectedSpeakers,
    DiarizationSummary,
    ExportedFile,
    Identification,
    JobStatus,
    KnownVoices,
    RecordingDescription,
    RecordingInfo,
    RecordingList,
    RemovedRecording,
    SearchResult,
    SpeakerNames,
    TalkStatistics,
    Transcription,
    TranscriptPage,
)
from tools.spec import tool
from tools.statistics import statistics
from tools.transcript import fold
from tools.work import Quiet, Work

RecordingId = Annotated[str, Field(description="The recording's id, as list_recordings gives it.")]
Start = Annotated[Time | None, Field(description="From here: seconds, M:SS or H:MM:SS. Left out: the beginning.")]
End = Annotated[Time | None, Field(description="Up to here. Left out: the end.")]
Translated = Annotated[bool, Field(description="The English translation instead of what was said.")]
Voices = Annotated[list[str] | None, Field(description="Only what these people say: names or labels.")]
OutputPath = Annotated[str | None, Field(description="The file to write. Left out: a new one in the current folder.")]
Documents = Literal["txt", "md", "qa", "html", "docx", "pdf", "png", "svg"]
Subtitles = Literal["srt", "vtt", "ttml"]
Tables = Literal["tsv", "json", "rttm", "ctm", "textgrid", "audacity", "edl", "otio"]
TranscriptFormat = Literal[Documents, Subtitles, Tables]
AudioFormat = Literal["wav", "mp3", "flac", "ogg"]


class Toolbox:
    """The tools over one library.

    Args:
        settings: What is in force; those of the process where left out.
        engines: Work inline with these instead of the worker's: for tests and scripts.
        judge: Decides unclear mentions of names; without it they stay candidates.
    """

    def __init__(
        self, settings: Settings | None = None, *, engines: Engines | None = None, judge: Judge | None = None
    ) -> None:
        self.settings = settings or get_settings()
        self._engines = engines
        self.judge = judge

    @cached_property
    def library(self) -> Library:
        return Library(self.settings.home)

    @cached_property
    def jobs(self) -> Jobs:
        return Jobs(self.library, self.settings, self._engines)

    def introduce(self, recording: str) -> list[VoiceSample]:
        """A quote and a clip of each voice, for a person who is to say whose they are; no tool for an LLM."""
        return introducing.introduce(self.library, self._recording(recording))

    def close(self) -> None:
        """Lets go of the library, if it was opened."""
        if "library" in self.__dict__:
            self.library.close()

    @tool("Add a recording", long=True)
    def add_recording(
        self,
        path: Annotated[str, Field(description="An audio or video file on this machine.")],
        *,
        work: Work = Quiet(),
    ) -> AddedRecording:
        """Adds an audio or video file to the library.

        Use it for a file that list_recordings does not show. Not for addresses: nothing is downloaded.
        The same file twice stays one recording.
        Example: path="/calls/monday.mp3"
        """
        known = {recording.id for recording in self.library.recordings.list()}

        done = self.jobs.briefly("decode", {"path": str(_file(path))}, work)
        recording = self._recording(done["recording"])
        return AddedRecording(
            **_info(recording).model_dump(),
            already_known=recording.id in known,
            next=f"Call transcribe with recording={recording.id} to hear what is said.",
        )

    @tool("List recordings", read_only=True, core=True)
    def list_recordings(self, *, work: Work = Quiet()) -> RecordingList:
        """Lists the recordings in the library, with their ids.

        Use it to find the id that every other tool wants. Not for what is said: that is search_transcript.
        """
        found = []
        for known in self.library.recordings.list():
            work.check_cancelled()
            original = self.library.recordings.original(known)
            found.append(_info(known).model_copy(update={"original": original}))
        told = [ADVICE[state] for state in ("missing", "changed") if any(item.original == state for item in found)]
        advice = " ".join(["Give an id to describe_recording, transcribe or read_transcript.", *told])
        return RecordingList(recordings=found, next=advice if found else "The library is empty: call add_recording.")

    @tool("Describe a recording", read_only=True, core=True)
    def describe_recording(self, recording: RecordingId, *, work: Work = Quiet()) -> RecordingDescription:
        """Tells length, language, and how long each person talks.

        Use it for "how many people?" and "who talks most?": the numbers are counted, not guessed.
        Not for what is said: that is read_transcript.
        """
        return reading.describe(self.library, self._recording(recording))

    @tool("Remove a recording", destructive=True, idempotent=False)
    def remove_recording(self, recording: RecordingId, *, work: Work = Quiet()) -> RemovedRecording:
        """Forgets a recording and everything heard in it.

        Use it only when the person asked for it: it needs their yes and cannot be undone. Not for hearing again:
        that is transcribe. The original file stays.
        """
        known = self._recording(recording)
        if not work.confirm(f"Remove {known.id} ({Path(known.path).name}) and everything heard in it?"):
            raise NotConfirmed(
                f"{known.id} was not removed: only a person can say yes to it, with `auricle remove {known.id} --yes`."
            )
        self.library.recordings.remove(known.id)
        introducing.forget(self.library, known.id)
        page_sound.forget(self.library, known.id)
        self.library.kept.forget(known.id)
        return RemovedRecording(recording=known.id, next="It is forgotten; the original file is where it was.")

    @tool("Transcribe", long=True, core=True)
    def transcribe(
        self,
        recording: RecordingId,
        start: Start = None,
        end: End = None,
        language: Annotated[
            str | None, Field(description="What is spoken: en, de, ... Left out: it is detected.")
        ] = None,
        hints: Annotated[str | None, Field(description="Names and rare terms to expect, separated by commas.")] = None,
        translate: Annotated[bool, Field(description="Into English.")] = False,
        *,
        work: Work = Quiet(),
    ) -> Transcription:
        """Listens to a recording, or a part, and writes down the words.

        Use it first. What was heard before is not heard again; with start and end only that part is heard.
        Not for reading: the words come from read_transcript. Example: recording="r_…", start="10:00", end="12:00"
        """
        known = self._recording(recording)
        span = span_of(known, start, end)
        return hearing.transcribe(self.library, self.jobs, known, span, language, hints, translate, work)

    @tool("Tell voices apart", long=True, core=True)
    def diarize(
        self,
        recording: RecordingId,
        speakers: Annotated[int | None, Field(description="Exactly so many people speak, if known.")] = None,
        min_speakers: Annotated[int | None, Field(description="At least so many.")] = None,
        max_speakers: Annotated[int | None, Field(description="At most so many.")] = None,
        start: Start = None,
        end: End = None,
        *,
        work: Work = Quiet(),
    ) -> DiarizationSummary:
        """Finds out who speaks when: Speaker 1, Speaker 2, ...

        Use it before name_speakers, and whenever people matter. Another number of speakers is quick to try.
        Not for names: that is name_speakers. Example: recording="r_…", speakers=2
        """
        count = hearing.speaker_count(speakers, min_speakers, max_speakers)
        known = self._recording(recording)
        return hearing.diarize(self.library, self.jobs, known, span_of(known, start, end), count, work)

    @tool("Name speakers", long=True, core=True, asks=True)
    def name_speakers(
        self,
        recording: RecordingId,
        people: Annotated[list[str] | None, Field(description="Names of the people who speak, if known.")] = None,
        names: Annotated[
            dict[str, str] | None, Field(description='Who is who, by label: {"Speaker 1": "Alice"}.')
        ] = None,
        *,
        work: Work = Quiet(),
    ) -> SpeakerNames:
        """Gives voices their names: from what is said, known, or told.

        Use it after transcribe and diarize. Give people to find out who is who, or names where you know it. With
        neither it lists who is called what, with quotes, and stores nothing. Not for guesses.
        Example: people=["Alice", "Bob"]
        """
        return naming.name_speakers(
            self.library, self.jobs, self._recording(recording), people, names, self.judge, work
        )

    @tool("Correct who speaks", long=True, idempotent=False)
    def correct_speakers(
        self,
        recording: RecordingId,
        action: Annotated[
            correcting.Action,
            Field(
                description="merge: speaker and to are one person; split: speaker is two; reassign: a range is to's."
            ),
        ],
        speaker: Annotated[str | None, Field(description="A voice: its name or label.")] = None,
        to: Annotated[str | None, Field(description="The new name, or the voice it belongs to.")] = None,
        start: Start = None,
        end: End = None,
        *,
        work: Work = Quiet(),
    ) -> CorrectedSpeakers:
        """Corrects voices: rename, merge, split, give a range to another, undo, redo.

        Use it when the person says a voice is wrong. Not for finding names: that is name_speakers.
        Example: recording="r_…", action="reassign", to="Bob", start="1:05"
        """
        known = self._recording(recording)
        return correcting.correct(self.library, self.jobs, known, action, speaker, to, start, end, work)

    @tool("Known voices", destructive=True, idempotent=False, long=True, asks=True)
    def known_voices(
        self,
        action: Annotated[
            Literal["list", "enroll", "forget"],
            Field(description="enroll learns a voice; forget erases it and all that rests on it."),
        ],
        name: Annotated[str | None, Field(description="Whose voice, to enroll or forget.")] = None,
        recording: Annotated[str | None, Field(description="To enroll from.")] = None,
        speaker: Annotated[str | None, Field(description="Which voice of it, by label.")] = None,
        start: Start = None,
        end: End = None,
        agreed_by: Annotated[str | None, Field(description="Who consents, if not that person.")] = None,
        until: Annotated[str | None, Field(description="The consent's last day: 2027-12-31.")] = None,
        *,
        work: Work = Quiet(),
    ) -> KnownVoices:
        """Lists, learns or erases the voices of people who agreed to it.

        Use it to recognise a person in other recordings. It needs a person's yes. Not for names in one recording: that
        is name_speakers. Example: action="enroll", name="Alice", recording="r_…", speaker="Speaker 1"
        """
        if action == "list":
            return enrolling.people(self.library, self.jobs)
        if not name:
            raise BadArgument(f"Whose voice is to be {action}ed? Give name.")
        if action == "forget":
            return enrolling.forget(self.library, self.jobs, name, work)
        if not recording:
            raise BadArgument("A voice is learnt from a recording: give recording, and speaker or a range.")
        known = self._recording(recording)
        return enrolling.enroll(self.library, self.jobs, known, name, speaker, start, end, agreed_by, until, work)

    @tool("Identify known voices", long=True)
    def identify_speakers(
        self,
        recording: Annotated[str | None, Field(description="Left out: every recording.")] = None,
        label: Annotated[bool, Field(description="Name the clear ones, in one step that can be undone.")] = False,
        *,
        work: Work = Quiet(),
    ) -> Identification:
        """Tells which known people are heard, and who is a stranger.

        Use it after diarize, where voices are enrolled; first without label, as a preview. Strangers stay strangers.
        Not for names from what is said: that is name_speakers. Example: recording="r_…", label=true
        """
        everywhere = recording is None
        chosen = self.library.recordings.list() if recording is None else [self._recording(recording)]
        return identifying.identify(self.library, self.jobs, chosen, label, everywhere, work)

    @tool("Read the transcript", read_only=True, core=True)
    def read_transcript(
        self,
        recording: RecordingId,
        start: Start = None,
        end: End = None,
        cursor: Annotated[str | None, Field(description="From the last page, to read on.")] = None,
        max_tokens: Annotated[int, Field(description="About how long a page may be.", ge=100, le=20_000)] = 1500,
        translated: Translated = False,
        speakers: Voices = None,
        *,
        work: Work = Quiet(),
    ) -> TranscriptPage:
        """Reads what is said, page by page, with times and names.

        Use it to answer questions. For a word or topic call search_transcript first and read around the hits.
        Not for a file: that is export_transcript. Example: recording="r_…", start="2:00", end="4:00"
        """
        if not 100 <= max_tokens <= 20_000:
            raise BadArgument(f"max_tokens {max_tokens} is not allowed: give 100 to 20000.")
        known = self._recording(recording)
        span = span_of(known, start, end)
        transcript = only_of(reading.heard_transcript(self.library, known, translated), speakers)
        return reading.read(transcript, span, cursor, max_tokens)

    @tool("Search transcripts", read_only=True, core=True)
    def search_transcript(
        self,
        words: Annotated[str, Field(description="Words as they may have been said.")],
        recording: Annotated[str | None, Field(description="Only in this recording. Left out: in all.")] = None,
        *,
        work: Work = Quiet(),
    ) -> SearchResult:
        """Finds where words are said, with times and speakers.

        Use it for a word or a topic, one or two words at best: all must be said close together. Case and punctuation
        do not matter. Not for reading on: that is read_transcript.
        Example: words="refund"
        """
        return reading.search(self.library, words, self._recording(recording) if recording else None)

    @tool("Count and measure talk", read_only=True, core=True)
    def measure_talk(
        self,
        recording: RecordingId,
        words: Annotated[str | None, Field(description="A word or phrase: how often is it said, by whom?")] = None,
        start: Start = None,
        end: End = None,
        *,
        work: Work = Quiet(),
    ) -> TalkStatistics:
        """Counts how people talk, and how often a word is said.

        Use it for every number: talk time, turns, words per minute, questions, interruptions, silence. Call transcribe
        and diarize before. Not for what is said: that is read_transcript. Example: recording="r_…", words="refund"
        """
        if words is not None and not any(char.isalnum() for char in words):
            raise BadArgument("There are no words to count: give a word or a phrase, or leave it out.")
        known = self._recording(recording)
        return statistics(fold(self.library, known), span_of(known, start, end), words)

    @tool("Cut out audio", long=True, idempotent=False, core=True)
    def slice_audio(
        self,
        recording: RecordingId,
        start: Annotated[Time, Field(description="From here: seconds, M:SS or H:MM:SS.")],
        end: Annotated[Time, Field(description="Up to here, in the same way.")],
        format: Annotated[AudioFormat | None, Field(description="Left out: as path says, else wav.")] = None,
        path: OutputPath = None,
        *,
        work: Work = Quiet(),
    ) -> AudioSlice:
        """Cuts a part of the sound out into an audio file.

        Use it for sound. Not for words: that is export_transcript. Search or read first for the times.
        Example: recording="r_…", start="1:05", end="1:20", format="mp3"
        """
        known = self._recording(recording)
        return exporting.slice_audio(self.jobs, known, span_of(known, start, end), format, path, work)

    @tool("Export the transcript", long=True, idempotent=False, core=True)
    def export_transcript(
        self,
        recording: RecordingId,
        format: Annotated[
            TranscriptFormat,
            Field(description="qa: Q&A; html: a page with sound; png: a chart; srt, vtt: subtitles; edl, otio: cuts."),
        ],
        start: Start = None,
        end: End = None,
        path: OutputPath = None,
        translated: Translated = False,
        speakers: Voices = None,
        *,
        work: Work = Quiet(),
    ) -> ExportedFile:
        """Writes the transcript to a file: text, Q&A, subtitles, data.

        Use it instead of retyping: no word is lost. Not for answering: that is read_transcript. Call transcribe before,
        and diarize and name_speakers for names.
        Example: recording="r_…", format="qa"
        """
        known = self._recording(recording)
        span = span_of(known, start, end)
        return exporting.export_transcript(
            self.library, self.jobs, known, span, format, path, translated, speakers, work
        )

    @tool("Look at a job", read_only=True)
    def get_job(
        self,
        job: Annotated[str, Field(description="The job's id.")],
        wait: Annotated[float, Field(description="Seconds to wait for its end, at most 25.", ge=0, le=25)] = 0,
        *,
        work: Work = Quiet(),
    ) -> JobStatus:
        """Tells how far long work is.

        Use it when a tool answered with a job, with wait=25, until the job is done. Not for starting work.
        """
        return following.follow(self.library, self.jobs, job, wait, work)

    @tool("Cancel a job")
    def cancel_job(self, job: Annotated[str, Field(description="The job's id.")], *, work: Work = Quiet()) -> JobStatus:
        """Stops long work; what was heard until then is kept.

        Use it when the person does not want it any more: it stops for everybody. Not because it takes long.
        """
        return following.status(self.library, self.jobs.cancel(job))

    def _recording(self, reference: str) -> Recording:
        return self.library.recordings.get(reference)


def _info(recording: Recording) -> RecordingInfo:
    return RecordingInfo(id=recording.id, path=recording.path, sha256=recording.sha256, duration=recording.seconds)


def _file(path: str) -> Path:
    if not path.strip() or "\0" in path:
        raise BadArgument("The path is empty or no path: give an audio or video file on this machine.")
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError:
        raise BadArgument(f"The path {path[:60]!r} begins with nobody's home: give an audio or video file.") from None
