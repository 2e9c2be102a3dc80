"""Whose voices are heard: recordings compared with the voiceprints of people who agreed, and labelled in one step."""

from collections.abc import Sequence
from dataclasses import dataclass

from auricle.domain import Change, Evidence, Person, Recording, Span, Voiceprint
from auricle.errors import BadArgument
from auricle.times import to_samples, to_seconds
from engines.comparing import Calibration, Match, calibration, matches
from library import Library
from tools.jobs import Jobs
from tools.results import Identification, VoiceMatch
from tools.spans import without
from tools.transcript import fold
from tools.views import SpeakerView, Transcript
from tools.voices import LEAST, clearest, length, vectors
from tools.work import Work

NOBODY = "No voice is enrolled, so everybody is a stranger: known_voices with action=enroll learns one, with consent."


@dataclass(frozen=True)
class Found:
    """What is known of one voice of a recording, and what keeps a known one from being labelled."""

    view: SpeakerView
    match: Match
    seconds: float
    person: Person | None
    second: Person | None
    conflict: str

    @property
    def new(self) -> bool:
        """Whether labelling would change anything."""
        return self.match.name is not None and self.person is not None and not self.conflict and not self.view.name


def identify(
    library: Library, jobs: Jobs, recordings: Sequence[Recording], label: bool, everywhere: bool, work: Work
) -> Identification:
    """Looks for known voices; with ``label`` names those that are clear, all in one step.

    Args:
        recordings: Those without told-apart voices are left out, unless only one was asked for.

    Raises:
        BadArgument: The one recording has no voices told apart.
    """
    if not everywhere and not fold(library, recordings[0]).diarized:
        raise BadArgument(
            f"Voices are not told apart in {recordings[0].id} yet: call diarize first, then identify_speakers."
        )
    warnings = renew(library, jobs, work)
    told: list[VoiceMatch] = []
    changes: list[Change] = []
    for number, recording in enumerate(recordings):
        work.report(number, len(recordings), "looking for known voices")
        work.check_cancelled()
        for found in find(library, jobs, recording, work):
            told.append(_told(recording, found))
            warnings += [found.conflict] if found.conflict else []
            if found.new and found.person:
                changes.append(_change(recording, found, found.person))
    if label and changes:
        people = ", ".join(dict.fromkeys(change.name for change in changes))
        library.edits.record(changes, f"labelled by voice: {people}")
    shown = [match for match in told if match.name or match.would_label] if everywhere else told
    return Identification(
        matches=shown,
        strangers=sum(match.name is None for match in told),
        labelled=len(changes) if label else 0,
        would_label=0 if label else len(changes),
        warnings=warnings,
        next=_next(library, len(changes), label, everywhere),
    )


def find(library: Library, jobs: Jobs, recording: Recording, work: Work) -> list[Found]:
    """Every voice of a recording, judged. Where nobody is enrolled, nothing is computed of anybody's voice."""
    transcript = fold(library, recording)
    voices = list(transcript.speakers)
    spans = [clearest(transcript.turns, view.id) for view in voices]
    seconds = [to_seconds(length(each)) for each in spans]
    gallery = library.voiceprints.gallery(jobs.embedding_model)
    if not voices or not gallery.people:
        judged = [Match(None, None, 0.0, 0.0, "unknown") for _ in voices]
    else:
        heard = vectors(library, jobs, recording, spans, work)
        judged = matches(heard, seconds, gallery.people, gallery.vectors, measured(jobs))
    near = {name for match in judged for name in (match.best, match.second) if name}
    people = library.voiceprints.named(near)
    return [
        Found(
            view=view,
            match=match,
            seconds=length_,
            person=people.get(match.best or ""),
            second=people.get(match.second or ""),
            conflict=_conflict(recording, transcript, view, people.get(match.name or "")),
        )
        for view, match, length_ in zip(voices, judged, seconds, strict=True)
    ]


def recognised(library: Library, jobs: Jobs, recording: Recording, work: Work) -> dict[str, tuple[str, Evidence]]:
    """The known people among the voices of a recording, by speaker id, with how clear that is."""
    if not library.voiceprints.people():
        return {}
    found = [each for each in find(library, jobs, recording, work) if each.match.name and each.person]
    return {each.view.id: (each.person.name, _evidence(each, each.person)) for each in found if each.person}


def measured(jobs: Jobs) -> Calibration:
    """What is known of the embedding model in use.

    Raises:
        BadArgument: Nobody has measured it, so no score of it means anything.
    """
    found = calibration(jobs.embedding_model)
    if found is None:
        raise BadArgument(
            f"The embedding model {jobs.embedding_model} was never calibrated, so nobody is recognised with it: use "
            "the profile's own, or measure it with bench/calibrate.py."
        )
    return found


def renew(library: Library, jobs: Jobs, work: Work) -> list[str]:
    """Brings voiceprints up to date, from the recordings that are still there: with corrections, and with the model.

    Returns:
        Who is not recognised until their voice is enrolled again, in words.
    """
    lost = []
    model, store = jobs.embedding_model, library.voiceprints
    doubtful = store.doubtful(model)
    people = store.named(each.person for each in doubtful)
    for each in doubtful:
        recording = library.recordings.get(each.recording) if each.recording else None
        if recording is None:
            continue
        spans = left_of(library, each)
        if length(spans) < min(length(each.spans), to_samples(LEAST)):
            store.drop(each.id)
            lost.append(
                f"{people[each.person].name}'s voice was learnt from speech that is somebody else's: enroll it again."
            )
        elif spans != list(each.spans):
            (vector,) = vectors(library, jobs, recording, [spans], work)
            store.learnt_anew(each.id, spans, model, vector.tobytes())
        elif model not in each.models:
            (vector,) = vectors(library, jobs, recording, [spans], work)
            store.embedded(each.id, model, vector.tobytes())
    for person in people.values():
        known = store.of(person)
        if known and not any(model in each.models for each in known):
            lost.append(
                f"{person.name}'s voiceprint is another embedding model's and its recording is gone: enroll it again."
            )
    return lost


def left_of(library: Library, voiceprint: Voiceprint) -> list[Span]:
    """The speech of a voiceprint that nobody has given to another voice since."""
    if voiceprint.recording is None or voiceprint.speaker is None:
        return list(voiceprint.spans)
    edits = library.edits.of(voiceprint.recording)
    own = {voiceprint.speaker} | {
        edit.other for edit in edits if (edit.kind, edit.speaker) == ("merge", voiceprint.speaker)
    }
    taken = [
        Span(start=edit.start, end=edit.end)
        for edit in edits
        if edit.kind == "assign" and edit.speaker not in own and edit.start is not None and edit.end is not None
    ]
    return [part for span in voiceprint.spans for part in without(span, taken)]


def _conflict(recording: Recording, transcript: Transcript, view: SpeakerView, person: Person | None) -> str:
    if person is None or (view.name or "").casefold() == person.name.casefold():
        return ""
    if view.name:
        source = view.evidence.source if view.evidence else "person"
        return (
            f"{recording.id}: the voice called {view.name} ({source}) sounds like {person.name}; it keeps its name "
            f"until a person decides: correct_speakers with action=rename."
        )
    other = next((one for one in transcript.speakers if (one.name or "").casefold() == person.name.casefold()), None)
    if other is None:
        return ""
    return (
        f"{recording.id}: {view.label} sounds like {person.name}, who is {other.label} there: listen to both, then "
        f"correct_speakers with action=merge or action=rename."
    )


def _change(recording: Recording, found: Found, person: Person) -> Change:
    evidence = _evidence(found, person)
    return Change(recording=recording.id, kind="name", speaker=found.view.id, name=person.name, evidence=evidence)


def _evidence(found: Found, person: Person) -> Evidence:
    return Evidence(source="voiceprint", person=person.id, score=round(found.match.score, 2))


def _told(recording: Recording, found: Found) -> VoiceMatch:
    match = found.match
    return VoiceMatch(
        recording=recording.id,
        id=found.view.id,
        speaker=found.view.display,
        name=found.person.name if match.name and found.person else None,
        best=found.person.name if found.person else None,
        second=found.second.name if found.second else None,
        score=round(match.score, 2),
        margin=round(match.margin, 2),
        seconds=round(found.seconds, 1),
        decision=match.verdict,
        would_label=found.new,
    )


def _next(library: Library, changes: int, label: bool, everywhere: bool) -> str:
    if not library.voiceprints.people():
        return NOBODY
    if label and changes:
        return "Labelled in one step: correct_speakers with action=undo takes all of it back."
    if changes:
        return f"Nothing was changed yet: call identify_speakers with label=true to name {changes} voice(s) so."
    where = "there" if everywhere else "here"
    return f"Nothing to label {where}: the others stay strangers, and name_speakers may find names in what is said."
