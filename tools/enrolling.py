"""Learning a person's voice, with that person's consent and from speech that is good enough; and forgetting it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.domain import Change, Person, Recording, Span, Speaker
from auricle.errors import BadArgument, NotConfirmed, NotFound
from auricle.times import SAMPLE_RATE, clock, to_seconds
from engines.comparing import halves, matches
from library import Library
from tools.hearing import overlap
from tools.identifying import measured
from tools.jobs import Jobs
from tools.naming import clean, find_voice
from tools.ranges import Time, span_of
from tools.results import KnownPerson, KnownVoices
from tools.spans import union, without
from tools.transcript import fold
from tools.views import Transcript
from tools.voices import LEAST, clearest, length, pieces, vectors
from tools.work import Work

_CLIPPED = 0.01
"""Share of the samples at full scale from which speech is distorted."""

_LOUDER = 6.0
"""dB by which speech must be louder than what is heard beside it."""

_OTHERS = 0.05
"""Share of a range's speech that may be somebody else's: a word in between."""

_OVERLAP = 0.1


def enroll(
    library: Library,
    jobs: Jobs,
    recording: Recording,
    name: str,
    speaker: str | None,
    start: Time | None,
    end: Time | None,
    agreed_by: str | None,
    until: str | None,
    work: Work,
) -> KnownVoices:
    """Keeps a voiceprint of a speaker, of a range, or of a recording of that one person.

    Raises:
        NotConfirmed: Nobody said that the person agrees.
        BadArgument: The speech is too little, too noisy, of two people, or somebody else's who is known.
        NotFound: There is no such voice.
    """
    name, limit = clean(name), _limit(until)
    by = clean(agreed_by) if agreed_by else name
    span = _asked_for(library, recording, speaker, start, end)
    where = f"only until {until}" if until else "until somebody asks to forget it"
    if not work.confirm(
        f"Does {by} agree that a voiceprint of {name} is kept on this machine ({where}), to name that voice in "
        "recordings?"
    ):
        raise NotConfirmed(
            f"{name}'s voice was not learnt: only with that person's consent, which a person gives with "
            f'`auricle speakers enroll "{name}" {recording.id} --consent`.'
        )
    transcript, voice, spans = _speech(library, jobs, recording, speaker, span, work)
    _check_sound(library, transcript, recording, spans)
    parts = pieces(spans)
    heard = vectors(library, jobs, recording, [spans, *parts], work)
    _check_one_voice(heard[1:], parts, jobs)
    known = library.voiceprints.find(name)
    _check_whose(library, jobs, heard[0], to_seconds(length(spans)), name, known)
    person = library.voiceprints.agreed(name, by, limit)
    library.voiceprints.add(
        person,
        _speaker(library, recording, voice),
        Path(recording.path).name,
        spans,
        jobs.embedding_model,
        heard[0].tobytes(),
    )
    _name_there(library, recording, transcript, voice, person)
    return people(library, jobs).model_copy(
        update={
            "next": f"{person.name} is known now: identify_speakers without a recording shows where else that voice is "
            "heard, and with label=true names it there."
        }
    )


def people(library: Library, jobs: Jobs) -> KnownVoices:
    """Everybody whose voice is known, and what is kept of them."""
    ended = library.voiceprints.expire()
    known = [_told(library, person, jobs.embedding_model) for person in library.voiceprints.people()]
    over = f"The consent of {', '.join(ended)} has ended: their voiceprints are erased. " if ended else ""
    advice = "identify_speakers looks for them." if known else "known_voices with action=enroll learns a voice."
    return KnownVoices(people=known, next=over + advice)


def forget(library: Library, jobs: Jobs, name: str, work: Work) -> KnownVoices:
    """Erases a person's voiceprints and all that was derived from them.

    Raises:
        NotFound: Nobody is known by this name.
        NotConfirmed: Nobody said yes.
    """
    person = library.voiceprints.find(name)
    if person is None:
        known = ", ".join(each.name for each in library.voiceprints.people()) or "nobody"
        raise NotFound(f"No voice of '{name[:40]}' is known: there is {known}.")
    if not work.confirm(f"Erase {person.name}'s voiceprints and the names that rest on them? It cannot be undone."):
        raise NotConfirmed(
            f"{person.name} was not forgotten: only a person can say yes to it, with "
            f'`auricle speakers forget "{person.name}" --yes`.'
        )
    library.voiceprints.forget(person.id)
    told = f"{person.name}'s voiceprints are erased, and the names that rested on them; names given by hand stay."
    return people(library, jobs).model_copy(update={"next": told})


def _limit(until: str | None) -> float | None:
    """The end of a day, in seconds since 1970."""
    if not until:
        return None
    try:
        day = datetime.strptime(until.strip(), "%Y-%m-%d").replace(hour=23, minute=59, second=59, tzinfo=UTC)
    except ValueError:
        raise BadArgument(f"The day '{until[:20]}' is not understood: give it as 2027-12-31.") from None
    if day <= datetime.now(UTC):
        raise BadArgument(f"{until} is over already: give a day to come, or leave it out.")
    return day.timestamp()


def _asked_for(
    library: Library, recording: Recording, speaker: str | None, start: Time | None, end: Time | None
) -> Span:
    """Checks what can be checked before anybody is asked anything."""
    span = span_of(recording, start, end)
    if speaker and (start is not None or end is not None):
        raise BadArgument("Give either a speaker or a range: a speaker's voice is taken from the whole recording.")
    if speaker:
        transcript = fold(library, recording)
        if not transcript.diarized:
            raise BadArgument(f"Voices are not told apart in {recording.id} yet: call diarize first, or give a range.")
        find_voice(transcript, speaker)
    return span


def _speech(
    library: Library, jobs: Jobs, recording: Recording, speaker: str | None, span: Span, work: Work
) -> tuple[Transcript, str, list[Span]]:
    """The voice that is meant, and where it is heard alone."""
    transcript = fold(library, recording)
    if any(without(span, transcript.told_apart)) and not speaker:
        jobs.run("diarize", {"recording": recording.id, "start": span.start, "end": span.end}, work)
        transcript = fold(library, recording)
    voice = find_voice(transcript, speaker).id if speaker else _only_voice(transcript, span)
    turns = [
        turn.model_copy(update={"start": max(turn.start, span.start), "end": min(turn.end, span.end)})
        for turn in transcript.turns
        if turn.shared_with(span)
    ]
    spans = clearest(turns, voice)
    if to_seconds(length(spans)) < LEAST:
        raise BadArgument(
            f"{transcript.display(voice)} speaks alone for {to_seconds(length(spans)):.1f} s there: a voiceprint needs "
            f"{LEAST:.0f} s of one person speaking alone. Give a longer range or another recording."
        )
    return transcript, voice, spans


def _only_voice(transcript: Transcript, span: Span) -> str:
    """The voice of a range in which one person speaks."""
    turns = tuple(turn for turn in transcript.turns if turn.shared_with(span))
    shares = {
        view.id: sum(turn.shared_with(span) for turn in turns if turn.label == view.id) for view in transcript.speakers
    }
    total = sum(shares.values())
    if not total:
        raise BadArgument("Nobody is heard there: give a range in which the person speaks.")
    voice = max(shares, key=shares.__getitem__)
    present = [transcript.display(one) or one for one, samples in shares.items() if samples > _OTHERS * total]
    if len(present) > 1:
        raise BadArgument(
            f"{len(present)} voices speak there ({', '.join(present)}): a voiceprint is of one person. Give speaker, "
            "or a range in which only that person speaks."
        )
    if overlap(turns) > _OVERLAP * total:
        raise BadArgument("Others speak at the same time there: give a range in which the person speaks alone.")
    return voice


def _check_sound(library: Library, transcript: Transcript, recording: Recording, spans: Sequence[Span]) -> None:
    sound = np.concatenate([library.recordings.read(recording, span) for span in spans])
    clipped = float(np.mean(np.abs(sound) > 0.999))
    if clipped > _CLIPPED:
        raise BadArgument(
            f"The speech there is distorted ({clipped:.0%} of it at full scale): enroll from a better one."
        )
    around = Span(start=max(0, spans[0].start - SAMPLE_RATE), end=min(recording.duration, spans[-1].end + SAMPLE_RATE))
    gaps = [gap for gap in without(around, union(transcript.turns)) if gap.length > SAMPLE_RATE // 4]
    if not gaps:
        return  # nothing to compare with: one breath after the other
    quiet = np.concatenate([library.recordings.read(recording, gap) for gap in gaps[:20]])
    louder = 10 * np.log10((np.mean(np.square(sound)) + 1e-12) / (np.mean(np.square(quiet)) + 1e-12))
    if louder < _LOUDER:
        raise BadArgument(
            f"The speech there is only {louder:.0f} dB louder than the noise beside it, and {_LOUDER:.0f} dB are "
            "needed: enroll from a quieter recording."
        )


def _check_one_voice(heard: NDArray[np.float32], parts: Sequence[Sequence[Span]], jobs: Jobs) -> None:
    smaller, alike = halves(heard)
    if alike < measured(jobs).one_voice:
        at = ", ".join(clock(to_seconds(part[0].start)) for part, odd in zip(parts, smaller, strict=True) if odd)
        raise BadArgument(
            f"It sounds like two people, the other one at {at}: a voiceprint is of one. Give a range of one of them, "
            "or correct_speakers with action=split first."
        )


def _check_whose(
    library: Library, jobs: Jobs, vector: NDArray[np.float32], seconds: float, name: str, known: Person | None
) -> None:
    gallery = library.voiceprints.gallery(jobs.embedding_model)
    if not gallery.people:
        return
    (match,) = matches(vector[None], [seconds], gallery.people, gallery.vectors, measured(jobs))
    names = {person.id: person.name for person in library.voiceprints.people()}
    if match.name is not None and (known is None or match.name != known.id):
        raise BadArgument(
            f"This voice is known as {names[match.name]} already: enroll it under that name, or forget "
            f"{names[match.name]} first."
        )
    if known is not None and known.id in gallery.people and match.name is None:
        raise BadArgument(
            f"This voice does not sound like the {name} that is known: give another name, or forget {name} first."
        )


def _speaker(library: Library, recording: Recording, voice: str) -> Speaker:
    return next(speaker for speaker in library.speakers.of(recording.id) if speaker.id == voice)


def _name_there(library: Library, recording: Recording, transcript: Transcript, voice: str, person: Person) -> None:
    """The person who enrolls a voice says whose it is in that recording, too, unless somebody said otherwise."""
    view = next(view for view in transcript.speakers if view.id == voice)
    taken = {(one.name or one.label).casefold() for one in transcript.speakers if one.id != voice}
    if view.name is None and person.name.casefold() not in taken:
        change = Change(recording=recording.id, kind="name", speaker=voice, name=person.name)
        library.edits.record([change], f"{view.label} is {person.name}")


def _told(library: Library, person: Person, model: str) -> KnownPerson:
    voiceprints = library.voiceprints.of(person)
    return KnownPerson(
        name=person.name,
        id=person.id,
        agreed_by=person.agreed_by,
        agreed=_day(person.agreed) or "",
        until=_day(person.until),
        seconds=round(sum(each.seconds for each in voiceprints), 1),
        sources=[f"{each.recording or 'removed'} ({each.source})" for each in voiceprints],
        usable=any(model in each.models for each in voiceprints),
    )


def _day(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
