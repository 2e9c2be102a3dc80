"""The fold: current takes and edits become a transcript, with a revision that names exactly that state."""

import hashlib
import json
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from auricle.domain import Diarization, Edit, Recognition, Recording, Segment, Span, Speaker, Take, Turn, Word
from auricle.times import to_seconds
from library import Library
from tools.align import place
from tools.corrected import corrected
from tools.spans import union, without
from tools.views import PlacedWord, SpeakerView, Transcript, Utterance

LOW_LOGPROB = -1.0
"""Below this mean log-probability Whisper itself takes a segment for failed (openai/whisper, decoding fallback)."""

REPETITIVE = 2.4
"""Above this gzip ratio a segment repeats itself (openai/whisper, decoding fallback)."""

NO_SPEECH = 0.6
"""Above this probability there may have been no speech at all (openai/whisper, no_speech_threshold)."""

NO_LANGUAGE = "und"
"""What recognition calls the language of audio without speech (ISO 639-2)."""

_KEPT = 8


@dataclass(frozen=True)
class Known:
    """Everything a transcript is folded from.

    Attributes:
        heard: Recognition takes, oldest first; where they overlap the newest decides.
        voices: The current diarization take, and whose voice each of its labels is.
        edits: In force, oldest first.
        speakers: Every voice ever found or made there.
    """

    recording: Recording
    heard: tuple[Take, ...]
    voices: Take | None
    bound: dict[str, Speaker]
    edits: tuple[Edit, ...]
    speakers: tuple[Speaker, ...] = ()

    @property
    def revision(self) -> str:
        """A short hash of all of it: the same state has the same revision in every process."""
        state = [
            self.recording.id,
            [take.id for take in self.heard],
            self.voices.id if self.voices else None,
            sorted((label, speaker.id) for label, speaker in self.bound.items()),
            [(edit.seq, edit.speaker, edit.name) for edit in self.edits],
        ]
        return hashlib.sha256(json.dumps(state).encode()).hexdigest()[:12]


_folded: OrderedDict[str, Transcript] = OrderedDict()


def fold(library: Library, recording: Recording, translated: bool = False) -> Transcript:
    """The transcript of a recording as it stands now.

    Args:
        translated: The English translation instead of what was said.
    """
    known = gather(library, recording, translated)
    revision = known.revision
    transcript = _folded.pop(revision, None) or compose(known)
    _folded[revision] = transcript  # the most recently used last: placing hours of words takes a second or two
    while len(_folded) > _KEPT:
        _folded.popitem(last=False)
    return transcript


def gather(library: Library, recording: Recording, translated: bool = False) -> Known:
    """Reads what a transcript is folded from."""
    heard = [
        take
        for take in library.takes.find(recording.id, "recognition")
        if bool(take.params.get("translate")) == translated
    ]
    voices: Take | None = None
    bound: dict[str, Speaker] = {}
    for take in reversed(library.takes.find(recording.id, "diarization")):
        bound = library.speakers.bound(take.id)
        # A take with voices and no speakers is one whose worker died before it was finished.
        if bound or not Diarization.model_validate_json(take.payload).turns:
            voices = take
            break
    return Known(
        recording=recording,
        heard=tuple(_in_force(heard)),
        voices=voices,
        bound=bound,
        edits=tuple(library.edits.of(recording.id)),
        speakers=tuple(library.speakers.of(recording.id)),
    )


def _in_force(takes: Sequence[Take]) -> list[Take]:
    """Without takes that newer ones cover: what nobody sees is no part of a revision."""
    covered: list[Span] = []
    seen: list[Take] = []
    for take in reversed(takes):
        if without(take.span, covered):
            seen.append(take)
            covered = union([*covered, take.span])
    return seen[::-1]


def compose(known: Known) -> Transcript:
    """Puts takes and edits together; a pure function."""
    recording = known.recording
    language, probability, pieces = _heard_by_newest(known.heard)
    segments = [(segment, _within(words, recording)) for segment, words in pieces]
    diarization = Diarization.model_validate_json(known.voices.payload) if known.voices else None
    owners = {label: speaker.id for label, speaker in known.bound.items()}
    turns = [
        turn.model_copy(update={"label": owners[turn.label]})
        for turn in (diarization.turns if diarization else ())
        if turn.label in owners
    ]
    every = [word for _, words in segments for _, word in words]
    placed = [(owners.get(label or ""), overlap) for label, overlap in _placed(every, diarization, recording)]
    turns, placed = corrected(turns, every, placed, known.edits)
    utterances: list[Utterance] = []
    done = 0
    for segment, words in segments:
        voices = placed[done : done + len(words)]
        done += len(words)
        utterances += _utterances(segment, words, voices)
    return Transcript(
        recording=recording.id,
        revision=known.revision,
        duration=recording.duration,
        language=language,
        language_probability=probability,
        heard=tuple(union(take.span for take in known.heard)),
        utterances=tuple(sorted(utterances, key=lambda utterance: utterance.start)),
        speakers=_speakers(known, turns),
        turns=tuple(sorted(turns, key=lambda turn: (turn.start, turn.end))),
        told_apart=_told_apart(diarization, recording),
    )


def _told_apart(diarization: Diarization | None, recording: Recording) -> tuple[Span, ...]:
    """Where anybody listened for voices."""
    if diarization is None:
        return ()
    return (recording.span,) if diarization.heard is None else diarization.heard


def _placed(
    words: Sequence[Word], diarization: Diarization | None, recording: Recording
) -> list[tuple[str | None, bool]]:
    """The voice of each word, and whether another speaks too; none where nobody listened for voices."""
    placed: list[tuple[str | None, bool]] = [(None, False)] * len(words)
    if diarization is None:
        return placed
    for span in _told_apart(diarization, recording):
        inside = [number for number, word in enumerate(words) if span.start <= (word.start + word.end) // 2 <= span.end]
        for number, voice in zip(inside, place([words[number] for number in inside], diarization), strict=True):
            placed[number] = voice
    return placed


_Identified = tuple[str, Word]
"""A word and its permanent id."""


def _heard_by_newest(
    takes: Sequence[Take],
) -> tuple[str | None, float | None, list[tuple[Segment, list[_Identified]]]]:
    """The segments in force, in order of time, and the language of most of them."""
    taken: list[Span] = []
    pieces: list[tuple[Segment, list[_Identified]]] = []
    languages: defaultdict[str, float] = defaultdict(float)
    certainty: defaultdict[str, float] = defaultdict(float)
    for take in reversed(takes):
        free = without(take.span, taken)
        taken = union([*taken, take.span])
        if not free:
            continue
        recognition = Recognition.model_validate_json(take.payload)
        seconds = sum(span.seconds for span in free)
        if recognition.language != NO_LANGUAGE:
            languages[recognition.language] += seconds
            certainty[recognition.language] += seconds * recognition.language_probability
        number = 0
        for segment in recognition.segments:
            words = segment.words or (
                Word(start=segment.start, end=segment.end, text=f" {segment.text.strip()}", probability=0.0),
            )
            kept: list[_Identified] = []
            for word in words:
                if _owns(free, take.span, word) and word.text.strip():
                    kept.append((f"{take.id}.{number}", word))
                number += 1
            if kept:
                pieces.append((segment, kept))
    pieces.sort(key=lambda piece: piece[1][0][1].start)
    if not languages:
        return None, None, pieces
    language = max(languages, key=languages.__getitem__)
    return language, round(certainty[language] / languages[language], 3), pieces


def _owns(free: Sequence[Span], span: Span, word: Word) -> bool:
    """Whether a word's middle lies where its take decides; a word that leaks out of its take counts at the edge."""
    middle = min(max((word.start + word.end) // 2, span.start), span.end - 1)
    return any(part.start <= middle < part.end for part in free)


def _within(words: Sequence[_Identified], recording: Recording) -> list[_Identified]:
    """Words moved into the recording: recognition may end the last one a little after the end."""
    moved = []
    for name, word in words:
        start = min(max(word.start, 0), recording.duration - 1)
        end = min(max(word.end, start), recording.duration)
        moved.append((name, word if (start, end) == (word.start, word.end) else _shifted(word, start, end)))
    return moved


def _shifted(word: Word, start: int, end: int) -> Word:
    return word.model_copy(update={"start": start, "end": end})


def _utterances(
    segment: Segment, words: Sequence[_Identified], voices: Sequence[tuple[str | None, bool]]
) -> list[Utterance]:
    """A segment, cut where the voice changes."""
    doubts = _doubts(segment)
    placed = [
        PlacedWord(
            id=name,
            start=word.start,
            end=word.end,
            text=word.text,
            probability=word.probability,
            speaker=speaker,
            overlap=overlap,
        )
        for (name, word), (speaker, overlap) in zip(words, voices, strict=True)
    ]
    found = []
    for speaker, group in groupby(placed, key=lambda word: word.speaker):
        run = tuple(group)
        end = max(word.end for word in run)
        found.append(Utterance(start=run[0].start, end=end, speaker=speaker, words=run, doubts=doubts))
    return found


def _doubts(segment: Segment) -> tuple[str, ...]:
    doubts = []
    if segment.avg_logprob < LOW_LOGPROB:
        doubts.append("low probability")
    if segment.compression_ratio > REPETITIVE:
        doubts.append("repetitive")
    if segment.no_speech_prob > NO_SPEECH:
        doubts.append("no speech")
    return tuple(doubts)


def _speakers(known: Known, turns: Sequence[Turn]) -> tuple[SpeakerView, ...]:
    """Everybody who speaks, by first appearance, under the last name given to each."""
    present = {turn.label for turn in turns}
    names = _names(known, present)
    first = {turn.label: turn.start for turn in sorted(turns, key=lambda turn: turn.start, reverse=True)}
    voices = {speaker.id: speaker for speaker in (*known.bound.values(), *known.speakers) if speaker.id in present}
    return tuple(
        SpeakerView(
            id=speaker.id,
            label=speaker.label,
            name=names[speaker.id].name if speaker.id in names else None,
            evidence=names[speaker.id].evidence if speaker.id in names else None,
            seconds=to_seconds(sum(turn.length for turn in turns if turn.label == speaker.id)),
        )
        for speaker in sorted(voices.values(), key=lambda speaker: first[speaker.id])
    )


def _names(known: Known, voices: set[str]) -> dict[str, Edit]:
    """The name in force for each voice that has one.

    Voices of another speaker count keep their names; where one comes back and its name is somebody else's by now, the
    later name stands, so that two voices never have one name.
    """
    last = {edit.speaker: edit for edit in known.edits if edit.kind == "name" and edit.speaker in voices}
    owners: dict[str, Edit] = {}
    for edit in sorted(last.values(), key=lambda edit: edit.seq):
        owners[edit.name.casefold()] = edit
    return {edit.speaker: edit for name, edit in owners.items() if name}
