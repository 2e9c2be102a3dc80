"""Who speaks when: listened to once, clustered for each count of speakers, the same people kept through all of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.domain import Diarization, Recording, Span, Speaker, Take, Turn
from auricle.times import clock, to_samples, to_seconds
from engines.comparing import calibration
from engines.protocols import Diarizer, SpeakerCount, VoiceMap, Windows
from library import Library
from tools import channels
from tools.context import Context
from tools.doubts import mixed
from tools.matching import match
from tools.ranges import range_of
from tools.spans import union, without
from tools.speech import on_clock_of, sections
from tools.work import Work

_PIECE_SECONDS = 30.0
"""Voices are kept in pieces of at most this length."""

_LOOKING = 0.6
"""What a window takes in which hardly anybody speaks, beside one that is full of speech."""


def diarize(context: Context, args: dict[str, Any], work: Work) -> dict[str, Any]:
    """Finds who speaks when in a range; another count or threshold only clusters again.

    Everybody heard in the recording so far is told apart, so that people stay the same whatever was asked for first.

    Args:
        args: ``recording`` (id), ``exact``, ``least``, ``most`` (speakers; None where nobody knows), ``start`` and
            ``end`` (samples; the whole where absent).

    Returns:
        ``take``: the id of the diarization take.
    """
    stored = recall(context, args)
    if stored is not None:
        return stored
    request = _Request.of(context, args)
    library, recording = context.library, request.recording
    before = [take for take in library.takes.find(recording.id, "diarization") if library.speakers.bound(take.id)]
    found = _by_channel(context, request, work) if request.by_channel else _by_voice(context, request, work)
    params = request.params | {"heard": _text(found.heard or ())}
    take = library.takes.add(
        recording.id, "diarization", request.identity, params, recording.span, found.model_dump_json()
    )
    _bind(library, take, before[-1] if before else None)
    return {"take": take.id}


def _by_voice(context: Context, request: "_Request", work: Work) -> Diarization:
    """Everybody in the recording by how they sound."""
    _listen(context, request, work)
    work.report(0, 0, "telling the voices apart")
    work.check_cancelled()
    voices = _Voices(context.library, request.voices(context))
    found = _within(request.diarizer.cluster(voices, request.count, context.settings.speaker_threshold), voices.heard)
    measured = calibration(context.engines.embedder().identity)
    return found.model_copy(update={"mixed": mixed(voices, found, measured)})


def _by_channel(context: Context, request: "_Request", work: Work) -> Diarization:
    """One person a channel, in all that was listened to so far."""
    takes = context.library.takes.find(request.recording.id, "diarization", request.identity)
    heard = [span for take in takes for span in Diarization.model_validate_json(take.payload).heard or ()]
    return channels.listen(context, request.recording, union([*heard, request.span]), work)


def recall(context: Context, args: dict[str, Any]) -> dict[str, Any] | None:
    """What ``diarize`` would return, if it has been done; needs no weights."""
    request = _Request.of(context, args)
    library = context.library
    takes = library.takes.find(request.recording.id, "diarization")
    for take in reversed([take for take in takes if request.answered_by(take)]):
        # Binding comes last: a take with voices and no speakers is one whose worker died in between.
        if library.speakers.bound(take.id) or not _labels(take):
            if take != takes[-1]:
                library.takes.again([take.id])
            return {"take": take.id}
    return None


@dataclass(frozen=True)
class _Request:
    recording: Recording
    span: Span
    count: SpeakerCount
    threshold: float
    diarizer: Diarizer
    detector: str

    @classmethod
    def of(cls, context: Context, args: dict[str, Any]) -> "_Request":
        recording = context.library.recordings.get(args["recording"])
        count = SpeakerCount(args.get("exact"), args.get("least"), args.get("most"))
        span = range_of(recording, args.get("start"), args.get("end"))
        engines, threshold = context.engines, context.settings.speaker_threshold
        return cls(recording, span, count, threshold, engines.diarizer(), engines.detector().identity)

    @property
    def by_channel(self) -> bool:
        return channels.carries(self.recording, self.count)

    @property
    def identity(self) -> str:
        """What tells the voices apart."""
        return f"{channels.IDENTITY}+{self.detector}" if self.by_channel else self.diarizer.identity

    @property
    def params(self) -> dict[str, str | int | float | bool | None]:
        return {**asdict(self.count), "threshold": self.threshold}

    def answered_by(self, take: Take) -> bool:
        asked = {name: value for name, value in take.params.items() if name != "heard"}
        if take.engine != self.identity or asked != self.params:
            return False
        return not without(self.span, Diarization.model_validate_json(take.payload).heard or ())

    def voices(self, context: Context) -> list[Take]:
        """What was listened to anywhere in the recording, in order of time."""
        found = context.library.takes.find(self.recording.id, "voices", self.diarizer.identity, {})
        return sorted(found, key=lambda take: take.span.start)


def _listen(context: Context, request: _Request, work: Work) -> None:
    """The slow half: what nobody has listened to yet, window by window, each piece kept as it is finished."""
    recording, library = request.recording, context.library
    missing = without(request.span, [take.span for take in request.voices(context)])
    if not missing:
        return
    work.report(0, 0, "loading the diarization models")
    work.check_cancelled()
    windows = request.diarizer.windows
    speech = _speech(context, recording, missing, windows.length, work)
    spoken = _Spoken(speech)
    pieces = [
        (piece, spoken.work(windows, piece))
        for span in missing
        for piece in _pieces(windows, span, recording.duration, context.settings.piece_seconds)
    ]
    done, total = 0.0, sum(cost for _, cost in pieces)
    for piece, cost in pieces:
        sound = _sound(windows, piece, recording.duration)

        def progress(share: float, piece: Span = piece, done: float = done, cost: float = cost) -> None:
            work.report(done + share * cost, total, f"listening for voices at {clock(to_seconds(piece.start))}")
            work.check_cancelled()

        progress(0.0)
        audio = library.recordings.read(recording, sound)
        near = _wider(sound, windows.length, recording)
        around = on_clock_of(sound, [each for each in speech if each.shared_with(near)])
        heard = request.diarizer.listen(audio, around, progress)
        kept = replace(heard, first=piece.start // windows.step)
        library.takes.add(recording.id, "voices", request.diarizer.identity, {}, piece, blob=kept.to_bytes())
        done += cost
        work.between_pieces()


class _Spoken:
    """How much is spoken up to any time."""

    def __init__(self, speech: Sequence[Span]) -> None:
        edges = [edge for span in union(speech) for edge in (span.start, span.end)] or [0]
        self._edges = np.array(edges)
        self._until = np.cumsum([0, *np.where(np.arange(len(edges) - 1) % 2 == 0, np.diff(edges), 0)])

    def work(self, windows: Windows, piece: Span) -> float:
        """What listening to a piece takes, in windows full of speech; one that nobody speaks near is not looked at."""
        starts = np.arange(piece.start, piece.end, windows.step)
        near = self._between(starts - windows.length, starts + 2 * windows.length) > 0
        said = self._between(starts, starts + windows.length) / windows.length
        return float(np.sum(near * (_LOOKING + (1 - _LOOKING) * said)))

    def _between(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.float64]:
        first, last = (np.interp(times, self._edges, self._until) for times in (starts, ends))
        return np.asarray(last - first, dtype=np.float64)


def _speech(context: Context, recording: Recording, spans: Sequence[Span], margin: int, work: Work) -> list[Span]:
    """Where somebody speaks in some spans and beside them, in order."""
    found = {
        section.span: section.speech
        for span in spans
        for section in sections(context, recording, _wider(span, 2 * margin, recording), work)
    }
    return [each for section in sorted(found, key=lambda span: span.start) for each in found[section]]


def _wider(span: Span, margin: int, recording: Recording) -> Span:
    return Span(start=max(0, span.start - margin), end=min(recording.duration, span.end + margin))


def _pieces(windows: Windows, span: Span, duration: int, seconds: float) -> Iterator[Span]:
    """The steps of the windows that a span touches, in the pieces they would have in the whole recording.

    A window answers for its first step, the last one for all that is left.
    """
    length = max(1, to_samples(min(seconds, _PIECE_SECONDS)) // windows.step) * windows.step
    last = (windows.count(duration) - 1) * windows.step
    start = min(span.start // windows.step * windows.step, last)
    while start < span.end:
        end = min((start // length + 1) * length, -(-span.end // windows.step) * windows.step)
        end = duration if end > last else end
        yield Span(start=start, end=end)
        start = end


def _sound(windows: Windows, piece: Span, duration: int) -> Span:
    """All that the windows of a piece see: the last ones look ahead."""
    steps = -(-piece.length // windows.step)
    return Span(start=piece.start, end=min(piece.start + windows.covered(steps), duration))


class _Voices(Sequence[VoiceMap]):
    """What was listened to, read when it is looked at: hours of it would fill the memory."""

    def __init__(self, library: Library, takes: Sequence[Take]) -> None:
        self._library, self._takes = library, takes
        self.heard = union(take.span for take in takes)

    def __len__(self) -> int:
        return len(self._takes)

    def __getitem__(self, index: Any) -> Any:
        return VoiceMap.from_bytes(self._library.takes.blob(self._takes[index].id))


def _text(spans: Iterable[Span]) -> str:
    return ",".join(f"{span.start}-{span.end}" for span in spans)


def _within(found: Diarization, heard: Sequence[Span]) -> Diarization:
    """Only where somebody listened: the last windows of a range see beyond it."""

    def clamp(turns: Iterable[Turn]) -> tuple[Turn, ...]:
        parts = (
            turn.model_copy(update={"start": max(turn.start, span.start), "end": min(turn.end, span.end)})
            for turn in turns
            for span in heard
            if turn.shared_with(span)
        )
        return tuple(sorted(parts, key=lambda turn: (turn.start, turn.end)))

    turns = clamp(found.turns)
    speaking = {turn.label for turn in turns}
    voices = {label: voice for label, voice in found.voices.items() if label in speaking}
    return Diarization(turns=turns, exclusive=clamp(found.exclusive), voices=voices, heard=tuple(heard))


def _labels(take: Take) -> list[str]:
    """A diarization take's labels, by first appearance."""
    return list(dict.fromkeys(turn.label for turn in Diarization.model_validate_json(take.payload).turns))


def _bind(library: Library, take: Take, before: Take | None) -> None:
    """Gives the labels of a new take to the known speakers who speak at the same time, else to new ones."""
    known: dict[str, Speaker] = library.speakers.bound(before.id) if before else {}
    same = match(_exclusive(take), _exclusive(before)) if before else {}
    used = {speaker.label for speaker in library.speakers.of(take.recording)}
    voices: dict[str, str] = {}
    for label in _labels(take):
        speaker = known.get(same.get(label, ""))
        if speaker is None:
            number = next(n for n in range(1, len(used) + 2) if f"Speaker {n}" not in used)
            speaker = library.speakers.create(take.recording, f"Speaker {number}")
            used.add(speaker.label)
        voices[label] = speaker.id
    library.speakers.bind(take.id, voices)


def _exclusive(take: Take) -> tuple[Turn, ...]:
    return Diarization.model_validate_json(take.payload).exclusive
