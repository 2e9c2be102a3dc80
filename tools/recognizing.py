"""The words of a range: what no take covers yet is heard half a minute at a time, each kept as it is finished."""

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from typing import Any

from auricle.domain import Recognition, Recording, Span, Take
from auricle.errors import NotFound
from auricle.times import SAMPLE_RATE, clock, to_samples, to_seconds
from engines.protocols import Heard, HearingOptions, Recognizer
from tools.context import Context
from tools.cutting import pieces, shifted
from tools.ranges import range_of
from tools.spans import union, without
from tools.speech import SECTION, Section, faintest, sections, speech_within, widened
from tools.work import Work

_SHORTEST = SAMPLE_RATE // 10
"""Samples; what lies between two takes and is shorter holds no word."""

_SURE = 0.5
"""A language that was found with less certainty is not taken for granted in what follows."""

_ENCODING = 10.0
"""Encoding a window takes as long as decoding so many seconds of speech (Whisper base on two cores)."""
_WINDOW = to_samples(25)
"""How far a window goes, about: it ends with a sentence."""
_HALF = to_samples(5)
"""Half a silence that is long enough to be skipped."""

_BEGUN = 1e-6
"""Seconds: nothing is heard yet, but the model is loaded, and what comes tells how fast it is."""

NO_LANGUAGE = "und"
"""The language of sound in which nobody speaks (ISO 639-2)."""


def recognize(context: Context, args: dict[str, Any], work: Work) -> dict[str, Any]:
    """Hears the words of a range, as far as nobody has yet.

    Args:
        args: ``recording`` (id), ``start`` and ``end`` (samples; the whole where absent), ``language`` (None detects
            it), ``hints``, ``translate``.

    Returns:
        ``takes``: ids of all takes that cover the range; ``heard``: seconds listened to now.
    """
    request = _Request.of(context, args)
    request.prefer(context)
    history = _History(context, request)
    stretches = [each for part in _unheard(context, request, work) for each in history.divided(part)]
    total = sum(stretch.work for stretch in stretches)
    done = 0.0
    work.report(0, total, "loading the recognition model")
    work.check_cancelled()
    for stretch in stretches:
        begun = partial(work.report, max(done, _BEGUN), total, "listening")
        for take in _listened(context, request, history, stretch, begun):
            heard = Span(start=stretch.span.start, end=take.span.end)
            at = f"{clock(to_seconds(take.span.start))} to {clock(to_seconds(take.span.end))}"
            work.report(done + stretch.work_in(heard), total, f"listened at {at}")
            work.check_cancelled()
            work.between_pieces()
        done += stretch.work
    work.report(total, total, "heard")
    return request.result(context, to_seconds(sum(stretch.span.length for stretch in stretches)))


def recall(context: Context, args: dict[str, Any]) -> dict[str, Any] | None:
    """What ``recognize`` would return, if there is nothing left to hear; needs no weights."""
    request = _Request.of(context, args)
    if request.missing(context):
        return None
    request.prefer(context)
    return request.result(context, 0.0)


@dataclass(frozen=True)
class _Request:
    recording: Recording
    span: Span
    options: HearingOptions
    recognizer: Recognizer

    @classmethod
    def of(cls, context: Context, args: dict[str, Any]) -> "_Request":
        recording = context.library.recordings.get(args["recording"])
        options = HearingOptions(
            language=args.get("language"),
            hints=args.get("hints") or "",
            translate=bool(args.get("translate", False)),
            beam_size=context.settings.beam,
        )
        span = range_of(recording, args.get("start"), args.get("end"))
        return cls(recording, span, options, context.engines.recognizer())

    @property
    def params(self) -> dict[str, str | int | float | bool | None]:
        """All that would make the engine hear otherwise. What was asked for, not what came of it: None stays None."""
        return asdict(self.options)

    def all_takes(self, context: Context) -> list[Take]:
        """What was heard anywhere in the recording with these options."""
        return context.library.takes.find(self.recording.id, "recognition", self.recognizer.identity, self.params)

    def takes(self, context: Context) -> list[Take]:
        return [take for take in self.all_takes(context) if take.span.shared_with(self.span)]

    def missing(self, context: Context) -> list[Span]:
        left = without(self.span, [take.span for take in self.takes(context)])
        # A range that short was asked for; a rest that short is only what two takes left between them.
        return [span for span in left if span.length >= _SHORTEST or span == self.span]

    def prefer(self, context: Context) -> None:
        """Lets stored takes of what is asked for now decide again where later ones, with other options, do."""
        over = [
            take
            for take in context.library.takes.find(self.recording.id, "recognition")
            if take.span.shared_with(self.span)
        ]
        wanted = self.takes(context)
        if wanted and wanted != over[-len(wanted) :]:
            context.library.takes.again(take.id for take in wanted)

    def result(self, context: Context, heard: float) -> dict[str, Any]:
        return {"takes": [take.id for take in self.takes(context)], "heard": heard}


@dataclass(frozen=True)
class _Stretch:
    """What is to be heard in one go.

    Attributes:
        sound: What recognition is given; it begins before the stretch where an earlier job was interrupted in it.
        speech: Where somebody speaks in the sound.
    """

    span: Span
    sound: Span
    speech: tuple[Span, ...]

    @property
    def work(self) -> float:
        return self.work_in(self.span)

    def work_in(self, span: Span) -> float:
        """What hearing a part takes, in seconds of speech; each window is encoded, however little is said in it."""
        said = sum(each.shared_with(span) for each in self.speech)
        windows = sum(
            max(1.0, island.length / _WINDOW) * island.shared_with(span) / island.length for island in self._islands
        )
        return to_seconds(said) + _ENCODING * windows

    @cached_property
    def _islands(self) -> list[Span]:
        """What is looked at: all but long silences."""
        around = union(Span(start=max(0, each.start - _HALF), end=each.end + _HALF) for each in self.speech)
        return [Span(start=each.start + min(_HALF, each.start), end=each.end - _HALF) for each in around]


def _unheard(context: Context, request: _Request, work: Work) -> Iterator[_Stretch]:
    """What of the range no take covers, from pause to pause."""
    missing = request.missing(context)
    if not missing:
        return
    covered = [take.span for take in request.all_takes(context)]
    hull = Span(start=missing[0].start, end=missing[-1].end)
    around = list(sections(context, request.recording, hull, work))
    for section in around:
        for piece in _pieces(context, request.recording, section, hull, around):
            for rest in without(piece, covered):
                if rest.length >= _SHORTEST or rest.shared_with(request.span) == request.span.length:
                    yield _Stretch(rest, rest, section.speech)


def _pieces(
    context: Context, recording: Recording, section: Section, hull: Span, around: Sequence[Section]
) -> Iterator[Span]:
    """What of a section is to be heard in one go: all that is wanted, or where the settings want it shorter, pieces.

    These are the same whatever is wanted of the section, so that interrupted work goes on with the next one.
    """
    longest = to_samples(context.settings.piece_seconds)
    if longest < SECTION:
        every = pieces(section.span, section.speech, longest, lambda look: faintest(context, recording, look))
        return (piece for piece in every if piece.shared_with(hull))
    wanted = widened(context, recording, hull, around)
    start, end = max(section.span.start, wanted.start), min(section.span.end, wanted.end)
    return iter([Span(start=start, end=end)] if start < end else [])


def _listened(
    context: Context, request: _Request, history: "_History", stretch: _Stretch, begun: Callable[[], None]
) -> Iterator[Take]:
    """Hears a stretch, and keeps what is heard as it comes; ``begun`` is called when the model is loaded."""
    options, probability = history.options(stretch)
    start = stretch.span.start
    if not stretch.work:
        yield history.keep(Recognition(language=NO_LANGUAGE, language_probability=0.0, segments=()), stretch.span, {})
        return
    audio = context.library.recordings.read(request.recording, stretch.sound)
    speech = speech_within(stretch.speech, stretch.sound)
    windows = request.recognizer.transcribe(audio, speech, options, history.since(stretch))
    for number, heard in enumerate(windows):
        if number == 0:
            begun()
        end = min(stretch.sound.start + heard.until, stretch.span.end)
        if end <= start:
            continue
        span, start = Span(start=start, end=end), end
        found = shifted(heard.recognition, stretch.sound.start, span)
        if probability is not None:
            found = found.model_copy(update={"language_probability": probability})
        state = {"sound": [stretch.sound.start, stretch.sound.end], "resume": heard.resume}
        yield history.keep(found, span, state if end < stretch.sound.end else {})
        if end == stretch.span.end:
            return


class _History:
    """What was heard just before a stretch tells of it: the language, and where an interrupted job is to go on.

    Only an unbroken row of takes that ends where the stretch begins counts.
    """

    def __init__(self, context: Context, request: _Request) -> None:
        self._library, self._request = context.library, request
        self._ending: dict[int, Take] = {}
        self._languages: dict[int, tuple[str, float] | None] = {}
        for take in sorted(request.all_takes(context), key=lambda take: take.span.start):
            self._add(take)

    def _add(self, take: Take) -> None:
        self._ending[take.span.end] = take
        heard = json.loads(take.payload)
        sure = bool(heard["segments"]) and heard["language_probability"] >= _SURE
        found = (heard["language"], heard["language_probability"])
        self._languages[take.span.end] = found if sure else self._languages.get(take.span.start)

    def keep(self, heard: Recognition, span: Span, state: dict[str, Any]) -> Take:
        request = self._request
        take = self._library.takes.add(
            request.recording.id,
            "recognition",
            request.recognizer.identity,
            request.params,
            span,
            heard.model_dump_json(),
            json.dumps(state).encode() if state else None,
        )
        self._add(take)
        return take

    def options(self, stretch: _Stretch) -> tuple[HearingOptions, float | None]:
        """With the language of what leads up to the stretch, and how sure it was; None where it is to be detected."""
        known = self._languages.get(stretch.span.start)
        if self._request.options.language is not None or known is None:
            return self._request.options, None
        return replace(self._request.options, language=known[0]), known[1]

    def divided(self, stretch: _Stretch) -> Iterator[_Stretch]:
        """What is left of interrupted work, with the sound it was given; and the rest by itself."""
        state = self._state(stretch.span.start)
        sound = Span(start=state["sound"][0], end=state["sound"][1]) if state else stretch.span
        end = min(sound.end, stretch.span.end)
        yield _Stretch(Span(start=stretch.span.start, end=end), sound, stretch.speech)
        if end < stretch.span.end:
            rest = Span(start=end, end=stretch.span.end)
            yield _Stretch(rest, rest, stretch.speech)

    def since(self, stretch: _Stretch) -> Heard | None:
        """What the engine told last of this sound."""
        if stretch.sound.start == stretch.span.start:
            return None
        state = self._state(stretch.span.start)
        last = Recognition.model_validate_json(self._ending[stretch.span.start].payload)
        return Heard(last, stretch.span.start - stretch.sound.start, tuple(state["resume"]))

    def _state(self, end: int) -> dict[str, Any]:
        take = self._ending.get(end)
        if take is not None:
            with contextlib.suppress(NotFound):  # its sound was heard to the end
                state: dict[str, Any] = json.loads(self._library.takes.blob(take.id))
                return state
        return {}
