"""Transcribing and diarizing: the request is checked, the work is done or found again, and told in a few numbers."""

import unicodedata

from auricle.domain import Recording, Span, Turn
from auricle.errors import BadArgument
from auricle.times import clock, to_seconds
from engines.comparing import calibration
from engines.protocols import SpeakerCount
from library import Library
from tools.channels import carries as by_channel
from tools.doubts import doubts
from tools.export import Source
from tools.export.text import lines_of, one_line
from tools.jobs import Jobs
from tools.languages import language_code
from tools.results import DiarizationSummary, DiarizedSpeaker, Transcription
from tools.transcript import fold, gather
from tools.views import SpeakerView, Transcript, Utterance
from tools.work import Work

MOST_SPEAKERS = 20
PREVIEW = 300
"""Characters."""

_UNSURE_LANGUAGE = 0.5
_MANY_DOUBTS = 0.2
_MOST_HINTS = 600


def transcribe(
    library: Library,
    jobs: Jobs,
    recording: Recording,
    span: Span,
    language: str | None,
    hints: str | None,
    translate: bool,
    work: Work,
) -> Transcription:
    """Hears what of a range is not known yet; the whole of it is told.

    Raises:
        BadArgument: A language that recognition does not know, or hints that are too long.
    """
    asked = {
        "recording": recording.id,
        "start": span.start,
        "end": span.end,
        "language": language_code(language),
        "hints": _hints(hints),
        "translate": translate,
    }
    done = jobs.run("recognize", asked, work)
    transcript = fold(library, recording, translate)
    utterances = transcript.within(span)
    return Transcription(
        recording=recording.id,
        revision=transcript.revision,
        language=transcript.language,
        language_probability=transcript.language_probability,
        duration=recording.seconds,
        start=to_seconds(span.start),
        end=to_seconds(span.end),
        words=sum(len(utterance.words) for utterance in utterances),
        segments=len(utterances),
        newly_heard_seconds=float(done["heard"]),
        preview=preview(Source(title="", transcript=transcript, span=span)),
        warnings=_doubts(transcript, utterances, detected=asked["language"] is None),
        next=_after_hearing(transcript, utterances, translate),
    )


def diarize(
    library: Library, jobs: Jobs, recording: Recording, span: Span, count: SpeakerCount, work: Work
) -> DiarizationSummary:
    """Tells the voices in a range apart; the whole of it is told."""
    number = {"exact": count.exact, "least": count.least, "most": count.most}
    jobs.run("diarize", {"recording": recording.id, "start": span.start, "end": span.end, **number}, work)
    transcript = fold(library, recording)
    turns = tuple(turn for turn in transcript.turns if turn.shared_with(span))
    advice = "Call name_speakers to name the voices" if transcript.utterances else "Call transcribe to hear their words"
    if by_channel(recording, count):
        advice += "; each channel is one person's, so nobody was confused"
    elif count.exact is None:
        advice += "; if the number of people is wrong, call diarize with speakers"
    return DiarizationSummary(
        recording=recording.id,
        revision=transcript.revision,
        speakers=[
            DiarizedSpeaker(id=view.id, speaker=view.display, seconds=_seconds_of(view, turns, span))
            for view in transcript.speakers
            if any(turn.label == view.id for turn in turns)
        ],
        turns=len(turns),
        overlap_seconds=to_seconds(overlap(turns)),
        warnings=doubts(gather(library, recording), transcript, count, calibration(jobs.embedding_model)),
        next=f"{advice}." if transcript.speakers else "Nobody was heard to speak: transcribe may still find words.",
    )


def _seconds_of(view: SpeakerView, turns: tuple[Turn, ...], span: Span) -> float:
    return to_seconds(sum(turn.shared_with(span) for turn in turns if turn.label == view.id))


def speaker_count(exact: int | None, least: int | None, most: int | None) -> SpeakerCount:
    """Checks how many people are said to speak.

    Raises:
        BadArgument: Not 1 to 20, or bounds that contradict each other.
    """
    for name, number in (("speakers", exact), ("min_speakers", least), ("max_speakers", most)):
        if number is not None and not 1 <= number <= MOST_SPEAKERS:
            raise BadArgument(f"{name} {number} is not allowed: give 1 to {MOST_SPEAKERS}, or leave it out.")
    if exact is not None and not (least or exact) <= exact <= (most or exact):
        raise BadArgument("speakers contradicts min_speakers or max_speakers: give either the number or its bounds.")
    if least is not None and most is not None and least > most:
        raise BadArgument(
            f"min_speakers {least} is more than max_speakers {most}: give the smaller one as min_speakers."
        )
    return SpeakerCount(exact, None, None) if exact is not None else SpeakerCount(None, least, most)


def overlap(turns: tuple[Turn, ...]) -> int:
    """Samples in which two or more speak."""
    edges = sorted(edge for turn in turns for edge in ((turn.start, 1), (turn.end, -1)))
    total = speaking = since = 0
    for at, change in edges:
        if speaking > 1:
            total += at - since
        speaking, since = speaking + change, at
    return total


def preview(source: Source) -> str:
    """The first lines, with times."""
    text = ""
    for line in lines_of(source):
        voice = source.voice(line.speaker)
        shown = f"[{clock(to_seconds(line.start))}] {f'{voice}: ' if voice else ''}{one_line(line.text)}\n"
        if len(text) + len(shown) > PREVIEW:
            return f"{text}{shown[: PREVIEW - len(text)].rstrip()} …"
        text += shown
    return text.rstrip()


def _hints(hints: str | None) -> str:
    """Names and terms as one clean line, so that the same hints are the same take."""
    text = "".join(" " if unicodedata.category(char).startswith("C") else char for char in hints or "")
    parts = dict.fromkeys(" ".join(part.split()) for part in text.split(","))
    clean = ", ".join(part for part in parts if part)
    if len(clean) > _MOST_HINTS:
        raise BadArgument(f"hints are {len(clean)} characters: give at most {_MOST_HINTS}, the rarest names and terms.")
    return clean


def _doubts(transcript: Transcript, utterances: tuple[Utterance, ...], detected: bool) -> list[str]:
    if not utterances:
        return ["No speech was found in this range."]
    warnings = []
    probability = transcript.language_probability
    if detected and probability is not None and probability < _UNSURE_LANGUAGE:
        warnings.append(
            f"The language is unsure ({transcript.language}, {probability:.0%}): give transcribe the language if known."
        )
    doubtful = [utterance for utterance in utterances if utterance.doubts]
    if len(doubtful) > _MANY_DOUBTS * len(utterances):
        reasons = ", ".join(dict.fromkeys(doubt for utterance in doubtful for doubt in utterance.doubts))
        warnings.append(f"{len(doubtful)} of {len(utterances)} segments may not have been said like this ({reasons}).")
    return warnings


def _after_hearing(transcript: Transcript, utterances: tuple[Utterance, ...], translate: bool) -> str:
    if not utterances:
        return "Nothing is said in this range; describe_recording tells what else is known."
    flag = " with translated=true" if translate else ""
    if transcript.diarized:
        return f"Call read_transcript{flag} to read it, or export_transcript{flag} to write a file."
    return f"Call diarize to tell voices apart, or read_transcript{flag} to read it."
