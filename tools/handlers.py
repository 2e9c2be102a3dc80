"""What the worker does for each kind of job. The same functions run inline in tests and scripts."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from auricle.domain import Diarization, Recording, Span, Speaker, Take
from auricle.errors import BadArgument
from auricle.settings import Settings
from auricle.times import SAMPLE_RATE, clock, to_seconds
from engines.protocols import Diarizer, Engines, HearingOptions, Message, SpeakerCount, VoiceMap
from library import Library
from tools.cutting import pieces, shifted
from tools.matching import match
from tools.spans import without
from tools.work import Work

_SHORTEST = SAMPLE_RATE // 10
"""Samples; what lies between two takes and is shorter holds no word."""


@dataclass(frozen=True)
class Context:
    """What a handler works with. ``engines`` makes each engine on first use."""

    library: Library
    engines: Engines
    settings: Settings


Handler = Callable[[Context, dict[str, Any], Work], dict[str, Any]]
"""Args and result are JSON. Errors are of the auricle family; cancelling comes as ``Cancelled`` from the work."""


def recognition_params(options: HearingOptions) -> dict[str, str | int | float | bool | None]:
    """The params of a recognition take: all that would make the engine hear otherwise."""
    return asdict(options)


def unheard(library: Library, recording: str, engine: str, options: HearingOptions, span: Span) -> list[Span]:
    """What of a span no take of this engine with these options covers, in order."""
    known = library.takes.find(recording, "recognition", engine, recognition_params(options))
    return [left for left in without(span, [take.span for take in known]) if left.length >= _SHORTEST]


def recognize(context: Context, args: dict[str, Any], work: Work) -> dict[str, Any]:
    """Hears the words of a range, as far as nobody has yet.

    Args:
        args: ``recording`` (id), ``start`` and ``end`` (samples; the whole where absent), ``language`` (None detects
            it), ``hints``, ``translate``.

    Returns:
        ``takes``: ids of all takes that cover the range; ``heard``: seconds listened to now.
    """
    library = context.library
    recording = library.recordings.get(args["recording"])
    span = _range(recording, args.get("start"), args.get("end"))
    options = HearingOptions(
        language=args.get("language"),
        hints=args.get("hints") or "",
        translate=bool(args.get("translate", False)),
        beam_size=context.settings.beam_size,
    )
    work.report(0, span.seconds, "loading the recognition model")
    recognizer = context.engines.recognizer()
    params = recognition_params(options)
    missing = unheard(library, recording.id, recognizer.identity, options, span)
    _prefer(library, recording.id, recognizer.identity, params, span)

    heard, total = 0, sum(left.length for left in missing)
    asked = options
    for left in missing:
        for piece in pieces(library, recording, left, context.settings.piece_seconds, context.engines.detector):
            done = to_seconds(heard)

            def progress(share: float, piece: Span = piece, done: float = done) -> None:
                work.report(done + share * piece.seconds, to_seconds(total), f"listening at {_at(piece)}")
                work.check_cancelled()

            progress(0.0)
            result = recognizer.transcribe(library.recordings.read(recording, piece), asked, progress)
            result = shifted(result, piece)
            library.takes.add(recording.id, "recognition", recognizer.identity, params, piece, result.model_dump_json())
            if result.segments and asked.language is None:
                # One language a job: a later piece of music or names would else be heard in another.
                asked = HearingOptions(result.language, asked.hints, asked.translate, asked.beam_size)
            heard += piece.length
            work.report(to_seconds(heard), to_seconds(total), f"heard up to {clock(to_seconds(piece.end))}")
    takes = library.takes.find(recording.id, "recognition", recognizer.identity, params)
    return {"takes": [take.id for take in takes if take.span.shared_with(span)], "heard": to_seconds(heard)}


def diarize(context: Context, args: dict[str, Any], work: Work) -> dict[str, Any]:
    """Finds who speaks when in a whole recording; another count only clusters again.

    Args:
        args: ``recording`` (id), ``exact``, ``least``, ``most`` (speakers; None where nobody knows).

    Returns:
        ``take``: the id of the diarization take.
    """
    library = context.library
    recording = library.recordings.get(args["recording"])
    count = SpeakerCount(args.get("exact"), args.get("least"), args.get("most"))
    work.report(0, recording.seconds, "loading the diarization models")
    diarizer = context.engines.diarizer()
    params = asdict(count)
    there = library.takes.find(recording.id, "diarization", diarizer.identity, params)
    # Bound last: a take without speakers is one whose worker died in between.
    if there and (library.speakers.bound(there[-1].id) or not _labels(there[-1])):
        library.takes.again([there[-1].id])
        return {"take": there[-1].id}

    before = [take for take in library.takes.find(recording.id, "diarization") if library.speakers.bound(take.id)]
    voices = _voices(library, recording, diarizer, work)
    work.report(recording.seconds, recording.seconds, "telling the voices apart")
    work.check_cancelled()
    take = library.takes.add(
        recording.id,
        "diarization",
        diarizer.identity,
        params,
        recording.span,
        _within(diarizer.cluster(voices, count), recording.span).model_dump_json(),
    )
    _bind(library, take, before[-1] if before else None)
    return {"take": take.id}


def chat(context: Context, args: dict[str, Any], work: Work) -> dict[str, Any]:
    """One turn of the local LLM.

    Args:
        args: ``model``, ``messages`` (fields of ``Message``), ``schema``, ``tools``, ``max_tokens``.

    Returns:
        The fields of ``Reply``.
    """
    work.report(0, 0, "thinking")
    llm = context.engines.llm(args["model"])
    messages = [
        Message(**{**message, "tool_calls": tuple(message.get("tool_calls", ()))}) for message in args["messages"]
    ]
    reply = llm.chat(
        messages,
        schema=args.get("schema"),
        tools=args.get("tools") or (),
        max_tokens=args.get("max_tokens") or 512,
    )
    work.check_cancelled()
    return asdict(reply)


HANDLERS: dict[str, Handler] = {"recognize": recognize, "diarize": diarize, "chat": chat}


def handle(context: Context, kind: str, args: dict[str, Any], work: Work) -> dict[str, Any]:
    """Does a job of any kind.

    Raises:
        BadArgument: A kind this version does not know.
    """
    handler = HANDLERS.get(kind)
    if handler is None:
        raise BadArgument(f"There is no work called '{kind}': allowed are {', '.join(HANDLERS)}.")
    return handler(context, args, work)


def _range(recording: Recording, start: int | None, end: int | None) -> Span:
    span = Span(start=start or 0, end=recording.duration if end is None else end)
    if not 0 <= span.start < span.end <= recording.duration:
        raise BadArgument(
            f"{recording.id} has nothing from {to_seconds(span.start)} to {to_seconds(span.end)} s: "
            f"give a range within 0 to {recording.seconds} s."
        )
    return span


def _at(piece: Span) -> str:
    return f"{clock(to_seconds(piece.start))} to {clock(to_seconds(piece.end))}"


def _prefer(library: Library, recording: str, engine: str, params: dict[str, Any], span: Span) -> None:
    """Lets stored takes of what is asked for now decide again, where later ones with other options stand over them."""
    takes = [take for take in library.takes.find(recording, "recognition") if take.span.shared_with(span)]
    wanted = [take for take in takes if take.engine == engine and take.params == params]
    if wanted and wanted != takes[-len(wanted) :]:
        library.takes.again(take.id for take in wanted)


def _voices(library: Library, recording: Recording, diarizer: Diarizer, work: Work) -> VoiceMap:
    """The stored voices of a recording, or else the slow half of diarization."""
    name = f"{recording.sha256[:24]}-{hashlib.sha256(diarizer.identity.encode()).hexdigest()[:12]}.npz"
    blob = library.takes.blob_path(name)
    if library.takes.find(recording.id, "voices", diarizer.identity, {}) and blob.exists():
        return VoiceMap.load(blob)

    def progress(share: float) -> None:
        work.report(share * recording.seconds, recording.seconds, "listening for voices")
        work.check_cancelled()

    progress(0.0)
    voices = diarizer.listen(library.recordings.read(recording), progress)
    voices.save(blob)
    library.takes.add(recording.id, "voices", diarizer.identity, {}, recording.span, name)
    return voices


def _within(found: Diarization, span: Span) -> Diarization:
    """Models round their last frame up: nobody speaks after the end."""

    def clamp(turns: Any) -> tuple[Any, ...]:
        cut = (turn.model_copy(update={"end": min(turn.end, span.end), "start": max(turn.start, 0)}) for turn in turns)
        return tuple(turn for turn in cut if turn.length > 0)

    return found.model_copy(update={"turns": clamp(found.turns), "exclusive": clamp(found.exclusive)})


def _labels(take: Take) -> list[str]:
    """A diarization take's labels, by first appearance."""
    return list(dict.fromkeys(turn.label for turn in Diarization.model_validate_json(take.payload).turns))


def _bind(library: Library, take: Take, before: Take | None) -> None:
    """Gives the labels of a new take to the known speakers who speak at the same time, else to new ones."""
    known: dict[str, Speaker] = library.speakers.bound(before.id) if before else {}
    same: dict[str, str] = {}
    if before:
        same = match(_exclusive(take), _exclusive(before))
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


def _exclusive(take: Take) -> Any:
    return Diarization.model_validate_json(take.payload).exclusive
