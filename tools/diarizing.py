"""Who speaks when: listened to once, clustered for each count of speakers, the same people kept through all of them."""

import contextlib
import hashlib
import zipfile
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from auricle.domain import Diarization, Recording, Span, Speaker, Take, Turn
from engines.protocols import Diarizer, SpeakerCount, VoiceMap
from library import Library
from tools.context import Context
from tools.matching import match
from tools.work import Work


def diarize(context: Context, args: dict[str, Any], work: Work) -> dict[str, Any]:
    """Finds who speaks when in a whole recording; another count only clusters again.

    Args:
        args: ``recording`` (id), ``exact``, ``least``, ``most`` (speakers; None where nobody knows).

    Returns:
        ``take``: the id of the diarization take.
    """
    stored = recall(context, args)
    if stored is not None:
        return stored
    library = context.library
    recording = library.recordings.get(args["recording"])
    count, diarizer = _count(args), context.engines.diarizer()
    before = [take for take in library.takes.find(recording.id, "diarization") if library.speakers.bound(take.id)]
    voices = _voices(library, recording, diarizer, work)
    work.report(recording.seconds, recording.seconds, "telling the voices apart")
    work.check_cancelled()
    found = _within(diarizer.cluster(voices, count), recording.span)
    take = library.takes.add(
        recording.id, "diarization", diarizer.identity, asdict(count), recording.span, found.model_dump_json()
    )
    _bind(library, take, before[-1] if before else None)
    return {"take": take.id}


def recall(context: Context, args: dict[str, Any]) -> dict[str, Any] | None:
    """What ``diarize`` would return, if it has been done; needs no weights."""
    library = context.library
    recording = library.recordings.get(args["recording"])
    takes = library.takes.find(recording.id, "diarization")
    engine, params = context.engines.diarizer().identity, asdict(_count(args))
    known = [take for take in takes if take.engine == engine and take.params == params]
    # Binding comes last: a take with voices and no speakers is one whose worker died in between.
    if not known or (_labels(known[-1]) and not library.speakers.bound(known[-1].id)):
        return None
    if known[-1] != takes[-1]:
        library.takes.again([known[-1].id])
    return {"take": known[-1].id}


def _count(args: dict[str, Any]) -> SpeakerCount:
    return SpeakerCount(args.get("exact"), args.get("least"), args.get("most"))


def _voices(library: Library, recording: Recording, diarizer: Diarizer, work: Work) -> VoiceMap:
    """The stored voices of a recording, or else the slow half of diarization."""
    name = f"{recording.sha256[:24]}-{hashlib.sha256(diarizer.identity.encode()).hexdigest()[:12]}.npz"
    blob = library.takes.blob_path(name)
    work.report(0, recording.seconds, "loading the diarization models")
    work.check_cancelled()
    if library.takes.find(recording.id, "voices", diarizer.identity, {}):
        # A file that is gone, damaged or of an earlier version only costs listening again.
        with contextlib.suppress(OSError, ValueError, KeyError, zipfile.BadZipFile):
            return VoiceMap.load(blob)

    def progress(share: float) -> None:
        work.report(share * recording.seconds, recording.seconds, "listening for voices")
        work.check_cancelled()

    voices = diarizer.listen(library.recordings.read(recording), progress)
    voices.save(blob)
    library.takes.add(recording.id, "voices", diarizer.identity, {}, recording.span, name)
    return voices


def _within(found: Diarization, span: Span) -> Diarization:
    """Models round their last frame up: nobody speaks after the end."""

    def clamp(turns: Iterable[Turn]) -> tuple[Turn, ...]:
        cut = (turn.model_copy(update={"start": max(turn.start, 0), "end": min(turn.end, span.end)}) for turn in turns)
        return tuple(turn for turn in cut if turn.length > 0)

    return found.model_copy(update={"turns": clamp(found.turns), "exclusive": clamp(found.exclusive)})


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
