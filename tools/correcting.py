"""Corrections of who speaks: each one a step that can be undone and redone, and that later listening leaves alone."""

from collections.abc import Sequence
from typing import Literal

from auricle.domain import Change, Recording, Span, Step
from auricle.errors import BadArgument
from auricle.times import clock, parse_time, to_samples, to_seconds
from engines.comparing import halves
from library import Library
from tools.identifying import measured
from tools.jobs import Jobs
from tools.naming import clean, find_voice
from tools.ranges import Time, span_of
from tools.results import CorrectedSpeakers, Decision
from tools.transcript import fold
from tools.views import SpeakerView, Transcript
from tools.voices import pieces, vectors
from tools.work import Work

Action = Literal["rename", "merge", "split", "reassign", "undo", "redo", "history"]

_LONG_ENOUGH = to_samples(1.5)
"""Of a turn, to be told apart by its sound."""

_NEAR = to_samples(2)
"""So far from a time may the turn lie that is meant."""

_SHOWN = 20


def correct(
    library: Library,
    jobs: Jobs,
    recording: Recording,
    action: Action,
    speaker: str | None,
    to: str | None,
    start: Time | None,
    end: Time | None,
    work: Work,
) -> CorrectedSpeakers:
    """Writes a correction down, or takes one back.

    Raises:
        BadArgument: Voices are not told apart, something is missing, or nothing would change.
        NotFound: There is no such voice.
    """
    if action == "history":
        return _told(library, recording, "What was decided, the newest last.")
    if action in ("undo", "redo"):
        step = (library.edits.undo_last if action == "undo" else library.edits.redo_last)([recording.id])
        done = (
            f"{'Taken back' if action == 'undo' else 'Done again'}: {_shown(step)}."
            if step
            else f"Nothing to {action}."
        )
        return _told(library, recording, done)
    transcript = fold(library, recording)
    if not transcript.diarized:
        raise BadArgument(f"Voices are not told apart in {recording.id} yet: call diarize first.")
    match action:
        case "rename":
            changes, note = _rename(transcript, _given(speaker, "speaker", action), _given(to, "to", action))
        case "merge":
            changes, note = _merge(transcript, _given(speaker, "speaker", action), _given(to, "to", action))
        case "reassign":
            changes, note = _reassign(transcript, recording, _given(to, "to", action), speaker, start, end)
        case "split":
            view = find_voice(transcript, _given(speaker, "speaker", action))
            changes, note = _split(library, jobs, recording, transcript, view, start, end, work)
    library.edits.record(changes, note)
    return _told(library, recording, f"Done: {note}.")


def _given(value: str | None, name: str, action: str) -> str:
    if not value:
        raise BadArgument(f"To {action}, give {name}: a voice's label or name.")
    return value


def _rename(transcript: Transcript, speaker: str, to: str) -> tuple[list[Change], str]:
    view, name = find_voice(transcript, speaker), clean(to)
    for other in transcript.speakers:
        if other.id != view.id and name.casefold() in ((other.name or "").casefold(), other.label.casefold()):
            raise BadArgument(
                f"{other.display} is called {name} already: if both are one person, use action=merge, speaker="
                f'"{view.display}", to="{other.display}".'
            )
    change = Change(recording=transcript.recording, kind="name", speaker=view.id, name=name)
    return [change], f"{view.display} is called {name}"


def _merge(transcript: Transcript, speaker: str, to: str) -> tuple[list[Change], str]:
    view, into = find_voice(transcript, speaker), find_voice(transcript, to)
    if view.id == into.id:
        raise BadArgument(f"{view.display} is one voice already: give another one as to.")
    changes = [Change(recording=transcript.recording, kind="merge", speaker=view.id, other=into.id)]
    if view.name and not into.name:
        evidence = view.evidence or changes[0].evidence
        changes.append(
            Change(recording=transcript.recording, kind="name", speaker=into.id, name=view.name, evidence=evidence)
        )
    return changes, f"{view.display} and {into.display} are one person"


def _reassign(
    transcript: Transcript, recording: Recording, to: str, speaker: str | None, start: Time | None, end: Time | None
) -> tuple[list[Change], str]:
    target = find_voice(transcript, to)
    source = find_voice(transcript, speaker) if speaker else None
    span = _meant(transcript, recording, source, start, end)
    if source is not None and source.id == target.id:
        raise BadArgument(f"{source.display} has it already: give another voice as to.")
    change = _assign(transcript, span, source, target.id)
    return [change], f"{clock(to_seconds(span.start))} to {clock(to_seconds(span.end))} is {target.display}'s"


def _split(
    library: Library,
    jobs: Jobs,
    recording: Recording,
    transcript: Transcript,
    view: SpeakerView,
    start: Time | None,
    end: Time | None,
    work: Work,
) -> tuple[list[Change], str]:
    """A range of a voice becomes a new one's; without a range, what sounds different."""
    if start is not None or end is not None:
        spans = [span_of(recording, start, end)]
    else:
        spans = _odd_ones(library, jobs, recording, transcript, view, work)
    used = {speaker.label for speaker in library.speakers.of(recording.id)}
    number = next(n for n in range(1, len(used) + 2) if f"Speaker {n}" not in used)
    made = library.speakers.create(recording.id, f"Speaker {number}")
    seconds = sum(span.seconds for span in spans)
    changes = [_assign(transcript, span, view, made.id) for span in spans]
    return changes, f"{seconds:.0f} s of {view.display} are a voice of their own, {made.label}"


def _odd_ones(
    library: Library, jobs: Jobs, recording: Recording, transcript: Transcript, view: SpeakerView, work: Work
) -> list[Span]:
    """The turns of a voice that sound like somebody else."""
    turns = [turn for turn in transcript.turns if turn.label == view.id and turn.length >= _LONG_ENOUGH]
    parts = [part for turn in turns for part in pieces([turn])]
    odd: list[Span] = []
    if parts:
        smaller, alike = halves(vectors(library, jobs, recording, parts, work))
        if alike < measured(jobs).one_voice:
            odd = [span for part, other in zip(parts, smaller, strict=True) if other for span in part]
    if not odd:
        raise BadArgument(
            f"{view.display} sounds like one person throughout: give start and end of what is somebody else's."
        )
    shared = {turn: sum(turn.shared_with(span) for span in odd) for turn in turns}
    return [Span(start=turn.start, end=turn.end) for turn, samples in shared.items() if 2 * samples > turn.length]


def _assign(transcript: Transcript, span: Span, source: SpeakerView | None, speaker: str) -> Change:
    return Change(
        recording=transcript.recording,
        kind="assign",
        speaker=speaker,
        other=source.id if source else None,
        start=span.start,
        end=span.end,
    )


def _meant(
    transcript: Transcript, recording: Recording, source: SpeakerView | None, start: Time | None, end: Time | None
) -> Span:
    """The range; with a start alone, what is said in one breath there, else the turn."""
    if start is None:
        raise BadArgument("Give start, and end for more than what is said in one breath there.")
    if end is not None:
        return span_of(recording, start, end)
    at = to_samples(parse_time(start))
    said: Sequence[Span] = [one for one in transcript.utterances if source is None or one.speaker == source.id]
    said = said or [turn for turn in transcript.turns if source is None or turn.label == source.id]
    nearest = min(said, key=lambda one: max(one.start - at, at - one.end, 0), default=None)
    if nearest is None or max(nearest.start - at, at - nearest.end, 0) > _NEAR:
        raise BadArgument(f"Nobody speaks at {start}: read_transcript tells when somebody does.")
    return Span(start=nearest.start, end=nearest.end)


def _told(library: Library, recording: Recording, done: str) -> CorrectedSpeakers:
    transcript = fold(library, recording)
    steps = library.edits.steps([recording.id])[-_SHOWN:]
    return CorrectedSpeakers(
        recording=recording.id,
        revision=transcript.revision,
        speakers={view.display: round(view.seconds, 1) for view in transcript.speakers},
        history=[Decision(what=_shown(step), undone=step.undone, recordings=len(_concerned(step))) for step in steps],
        next=f"{done} Every transcript and export follows; action=undo takes the last step back, redo does it again.",
    )


def _concerned(step: Step) -> set[str]:
    return {edit.recording for edit in step.edits}


def _shown(step: Step) -> str:
    if step.note:
        return step.note
    names = [edit.name for edit in step.edits if edit.kind == "name"]
    return f"a voice is called {', '.join(names)}" if names else "a correction"
