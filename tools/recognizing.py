"""The words of a range: what no take covers yet is heard piece by piece, each piece kept as it is finished."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from auricle.domain import Recording, Span, Take
from auricle.errors import BadArgument
from auricle.times import SAMPLE_RATE, clock, to_seconds
from engines.protocols import HearingOptions, Recognizer
from tools.context import Context
from tools.cutting import pieces, shifted
from tools.spans import without
from tools.work import Work

_SHORTEST = SAMPLE_RATE // 10
"""Samples; what lies between two takes and is shorter holds no word."""


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
    heard, missing = 0, request.missing(context)
    total = to_seconds(sum(span.length for span in missing))
    options = request.options
    for span in missing:
        for piece in pieces(
            context.library, request.recording, span, context.settings.piece_seconds, context.engines.detector
        ):
            done = to_seconds(heard)

            def progress(share: float, piece: Span = piece, done: float = done) -> None:
                at = f"{clock(to_seconds(piece.start))} to {clock(to_seconds(piece.end))}"
                work.report(done + share * piece.seconds, total, f"listening at {at}")
                work.check_cancelled()

            if heard:
                progress(0.0)
            else:
                work.report(0, total, "loading the recognition model")
                work.check_cancelled()
            sound = context.library.recordings.read(request.recording, piece)
            result = shifted(request.recognizer.transcribe(sound, options, progress), piece)
            request.keep(context, piece, result.model_dump_json())
            if result.segments and options.language is None:
                # One language a job: a later piece full of names or music would else be heard in another.
                options = replace(options, language=result.language)
            heard += piece.length
    work.report(total, total, "heard")
    return request.result(context, to_seconds(heard))


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
            beam_size=context.settings.beam_size,
        )
        span = _range(recording, args.get("start"), args.get("end"))
        return cls(recording, span, options, context.engines.recognizer())

    @property
    def params(self) -> dict[str, str | int | float | bool | None]:
        """All that would make the engine hear otherwise. What was asked for, not what came of it: None stays None."""
        return asdict(self.options)

    def takes(self, context: Context) -> list[Take]:
        found = context.library.takes.find(self.recording.id, "recognition", self.recognizer.identity, self.params)
        return [take for take in found if take.span.shared_with(self.span)]

    def missing(self, context: Context) -> list[Span]:
        left = without(self.span, [take.span for take in self.takes(context)])
        # A range that short was asked for; a rest that short is only what two takes left between them.
        return [span for span in left if span.length >= _SHORTEST or span == self.span]

    def keep(self, context: Context, piece: Span, payload: str) -> None:
        engine = self.recognizer.identity
        context.library.takes.add(self.recording.id, "recognition", engine, self.params, piece, payload)

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


def _range(recording: Recording, start: int | None, end: int | None) -> Span:
    span = Span(start=start or 0, end=recording.duration if end is None else end)
    if not 0 <= span.start < span.end <= recording.duration:
        raise BadArgument(
            f"{recording.id} has nothing from {to_seconds(span.start)} to {to_seconds(span.end)} s: "
            f"give a range within 0 to {recording.seconds} s."
        )
    return span
