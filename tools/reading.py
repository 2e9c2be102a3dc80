"""Reading, searching and describing what is known: pages and hits, answered from the library."""

import re
from dataclasses import dataclass
from itertools import product

from auricle.domain import Recording, Span
from auricle.errors import BadArgument
from auricle.times import clock, to_seconds
from library import Library
from tools.export.text import CHARACTERS, PAUSE, one_line
from tools.original import ADVICE
from tools.passages import merge
from tools.results import Hit, Line, RecordingDescription, SearchResult, TalkTime, TranscriptPage
from tools.spans import without
from tools.transcript import fold
from tools.views import Transcript, Utterance

MOST_HITS = 20

_BYTES_PER_TOKEN = 4
_TOKENS_PER_LINE = 14
"""What a line's times, speaker and punctuation cost beside its text."""

_CURSOR = re.compile(r"(\d{1,9})-(\d{1,12})-(\d{1,12})-(\d{1,12})-([0-9a-f]{12})", re.ASCII)
_UNHEARD_SHOWN = 1.0


@dataclass(frozen=True)
class Cursor:
    """Where the next page begins: a line's number while the transcript stays, its time once it has changed."""

    line: int
    at: int
    span: Span
    revision: str

    def __str__(self) -> str:
        return f"{self.line}-{self.at}-{self.span.start}-{self.span.end}-{self.revision}"

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Raises BadArgument where it is no cursor."""
        match = _CURSOR.fullmatch(text.strip())
        if match is None:
            raise BadArgument("This cursor is not known: give the cursor of the last page, or leave it out to begin.")
        line, at, start, end = (int(part) for part in match.groups()[:4])
        return cls(line, at, Span(start=start, end=end), match.group(5))


def heard_transcript(library: Library, recording: Recording, translated: bool = False) -> Transcript:
    """The transcript of a recording in which something has been listened to.

    Raises:
        BadArgument: Nothing has; the message says what to call.
    """
    transcript = fold(library, recording, translated)
    if not transcript.heard:
        wanted = "translated: call transcribe with translate=true" if translated else "transcribed: call transcribe"
        raise BadArgument(f"{recording.id} has not been {wanted} first.")
    return transcript


def read(transcript: Transcript, span: Span, cursor: str | None, max_tokens: int) -> TranscriptPage:
    """One page of a transcript, at least a line of it.

    Args:
        span: What to read; the cursor's own where one is given.
        max_tokens: Of the page, estimated as four bytes a token.
    """
    place = Cursor.read(cursor) if cursor else None
    span = place.span if place else span
    # Where nobody has told voices apart a line may be several people's: it is shorter.
    characters = CHARACTERS if transcript.diarized else CHARACTERS // 3
    lines = merge(transcript.within(span), pause=PAUSE, characters=characters)
    first = _first(lines, place, transcript.revision)
    page: list[Line] = []
    cost = 0
    for line in lines[first:]:
        shown = _line(transcript, line)
        cost += _TOKENS_PER_LINE + len(shown.text.encode()) // _BYTES_PER_TOKEN
        if page and cost > max_tokens:
            break
        page.append(shown)
    after = first + len(page)
    following = None
    if after < len(lines):
        following = str(Cursor(after, lines[after].start, span, transcript.revision))
    return TranscriptPage(
        recording=transcript.recording,
        revision=transcript.revision,
        lines=page,
        cursor=following,
        next=_after_page(transcript, span, place, following, bool(page)),
    )


def search(library: Library, words: str, recording: Recording | None) -> SearchResult:
    """Finds words in one recording or all of them.

    Raises:
        BadArgument: There is nothing to look for.
    """
    if not any(char.isalnum() for char in words):
        raise BadArgument("There are no words to look for: give one or more words as they may have been said.")
    found = library.takes.search(words, recording.id if recording else None, MOST_HITS)
    known = {item.id: item for item in library.recordings.list()}
    asked = {_bare(word) for word in words.split()}
    hits: list[Hit] = []
    # What was said comes first: its translation is a hit of its own only where the words were not said as such.
    for translated, item in product((False, True), found):
        if item.recording not in known:
            continue
        transcript = fold(library, known[item.recording], translated)
        best = _spoken(transcript, item.take, item, asked)
        if best is None:
            continue
        start, end = to_seconds(best.start), to_seconds(best.end)
        if any(hit.recording == item.recording and hit.start < end and start < hit.end for hit in hits):
            continue
        speaker, text = transcript.display(best.speaker), one_line(best.text)
        hits.append(Hit(recording=item.recording, start=start, end=end, speaker=speaker, text=text))
    return SearchResult(hits=hits, next=_after_search(library, recording, len(found)))


_COUNTS = {"exact": "speakers", "least": "min_speakers", "most": "max_speakers"}
"""A diarization take's parameters, as diarize calls them."""


def _speaker_count(library: Library, recording: Recording) -> dict[str, int]:
    """What the current diarization was told, so that it can be asked for again."""
    takes = library.takes.find(recording.id, "diarization")
    params = takes[-1].params if takes else {}
    return {name: int(number) for key, name in _COUNTS.items() if (number := params.get(key)) is not None}


def describe(library: Library, recording: Recording) -> RecordingDescription:
    """What is known of a recording: who talks how long is counted here, so that no LLM has to."""
    transcript = fold(library, recording)
    spoken = sum(view.seconds for view in transcript.speakers)
    heard = sum(span.seconds for span in transcript.heard)
    original = library.recordings.original(recording)
    return RecordingDescription(
        id=recording.id,
        path=recording.path,
        sha256=recording.sha256,
        duration=recording.seconds,
        original=original,
        channels=recording.channels,
        sample_rate=recording.sample_rate,
        codec=recording.codec,
        language=transcript.language,
        transcribed_seconds=round(heard, 3),
        diarized=transcript.diarized,
        diarized_seconds=round(sum(span.seconds for span in transcript.told_apart), 3),
        speaker_count=_speaker_count(library, recording),
        revision=transcript.revision,
        speakers=[
            TalkTime(
                speaker=view.display,
                id=view.id,
                named=view.name is not None,
                seconds=view.seconds,
                share=round(view.seconds / spoken, 3) if spoken else 0.0,
                turns=sum(turn.label == view.id for turn in transcript.turns),
            )
            for view in transcript.speakers
        ],
        next=" ".join(filter(None, [_after_description(transcript), ADVICE[original]])),
    )


def unheard(transcript: Transcript, span: Span) -> list[Span]:
    """What of a range recognition has not listened to, of a second or more."""
    return [gap for gap in without(span, transcript.heard) if gap.seconds >= _UNHEARD_SHOWN]


def unheard_note(transcript: Transcript, span: Span) -> str:
    """A sentence on what is missing; empty where nothing is."""
    gaps = unheard(transcript, span)
    if not gaps:
        return ""
    told = ", ".join(f"{clock(to_seconds(gap.start))} to {clock(to_seconds(gap.end))}" for gap in gaps[:3])
    return f"Not transcribed yet: {told}{' and more' if len(gaps) > 3 else ''}; call transcribe for it."


def _first(lines: list[Utterance], place: Cursor | None, revision: str) -> int:
    if place is None:
        return 0
    if place.revision == revision:
        return min(place.line, len(lines))
    return next((number for number, line in enumerate(lines) if line.start >= place.at), len(lines))


def _line(transcript: Transcript, line: Utterance) -> Line:
    return Line(
        start=to_seconds(line.start),
        end=to_seconds(line.end),
        speaker=transcript.display(line.speaker),
        text=one_line(line.text),
        doubts=[*line.doubts, *(["overlap"] if line.overlap else [])],
    )


def _after_page(transcript: Transcript, span: Span, place: Cursor | None, following: str | None, any_line: bool) -> str:
    notes = []
    if place and place.revision != transcript.revision:
        notes.append("The transcript has changed since the last page; this one goes on at the same time.")
    missing = unheard_note(transcript, span)
    if missing:
        notes.append(missing)
    if following:
        notes.append("There is more: call read_transcript again with this cursor.")
    elif any_line:
        notes.append("This is the end of the range.")
    else:
        notes.append("Nothing is said in this range.")
    return " ".join(notes)


def _spoken(transcript: Transcript, take: str, span: Span, asked: set[str]) -> Utterance | None:
    """Of the utterances that a hit's segment became, the one that says most of the words."""
    parts = [
        utterance
        for utterance in transcript.utterances
        if utterance.shared_with(span) and utterance.words[0].id.rpartition(".")[0] == take
    ]
    return max(parts, key=lambda part: len(asked & {_bare(word.text) for word in part.words}), default=None)


def _bare(word: str) -> str:
    return "".join(char for char in word.casefold() if char.isalnum())


def _after_search(library: Library, recording: Recording | None, found: int) -> str:
    if found >= MOST_HITS:
        return f"These are the best {MOST_HITS}; give more words to narrow it down."
    if found:
        return "Call read_transcript with start and end around a hit for what is said there."
    searched = [recording] if recording else library.recordings.list()
    if not any(library.takes.find(item.id, "recognition") for item in searched):
        return "Nothing has been transcribed here yet: call transcribe first, then search again."
    return "Not found in what has been transcribed: try fewer or other words, or part of a word."


def _after_description(transcript: Transcript) -> str:
    missing = unheard_note(transcript, Span(start=0, end=transcript.duration))
    if missing:
        return missing
    if not transcript.diarized:
        return "Call diarize to tell voices apart, or read_transcript to read it."
    if without(Span(start=0, end=transcript.duration), transcript.told_apart):
        return "Voices are told apart in a part only: call diarize for the rest, or read_transcript to read it."
    if any(view.name is None for view in transcript.speakers):
        return "Call name_speakers to name the voices, or read_transcript to read it."
    return "Call read_transcript to read it, or export_transcript to write a file."
