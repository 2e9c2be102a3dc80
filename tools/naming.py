"""Naming voices: by a person's word, by what is said, or not at all."""

from collections.abc import Mapping, Sequence
from textwrap import shorten

from auricle.domain import Evidence, Recording
from auricle.errors import BadArgument, NotFound
from auricle.times import clock, to_seconds
from engines.protocols import Judge
from library import Library
from tools.identifying import recognised
from tools.jobs import Jobs
from tools.mentions import Mention, candidates, find, namesakes
from tools.names import Rivals, decide, judged, same, supported
from tools.results import NameCandidate, NamedSpeaker, SpeakerNames, SpeakerRole
from tools.roles import RoleFound, roles
from tools.transcript import fold
from tools.views import SpeakerView, Transcript
from tools.work import Work

LONGEST_NAME = 80
MOST_PEOPLE = 50
MOST_CANDIDATES = 20

_WORDS_TO_KNOW = 4
_LONGEST_QUOTE = 80


def name_speakers(
    library: Library,
    jobs: Jobs,
    recording: Recording,
    people: Sequence[str] | None,
    names: Mapping[str, str] | None,
    judge: Judge | None,
    work: Work,
) -> SpeakerNames:
    """Stores names that are given or that what is said supports; without either, lists candidates.

    Where what is said leaves voices open to a name, the person is asked; where they cannot be, the result has the
    question.

    Raises:
        BadArgument: Nothing is transcribed or diarized, or a name is not allowed or already somebody else's.
        NotFound: A voice that the recording does not have.
    """
    transcript = _ready(library, recording)
    listed = list(dict.fromkeys(clean(name) for name in people or ()))
    if len(listed) > MOST_PEOPLE:
        raise BadArgument(f"{len(listed)} people are too many: list at most {MOST_PEOPLE}, only those who speak.")
    sounding = recognised(library, jobs, recording, work)
    if names:
        _store_given(library, transcript, names, sounding)
        transcript = fold(library, recording)
    conflicts: list[str] = []
    mentions: list[Mention] = []
    question = ""
    # One voice must not get a name that is two people's.
    listed = [full for name in listed for full in namesakes(transcript, name) or [name]]
    if listed:
        mentions = find(transcript, listed)
        if judge is not None:
            mentions = judged(mentions, judge)
        settled = {view.id: view.name for view in transcript.speakers if view.name}
        told: dict[str, tuple[str, Evidence]] = {}
        while (decision := decide(transcript, listed, mentions, settled, sounding)).rivals:
            rivals = decision.rivals[0]
            asked = _question(transcript, rivals, mentions)
            choices = {transcript.display(voice) or voice: voice for voice in rivals.voices}
            answer = work.choose(asked, list(choices))
            if not answer:
                question = asked if answer is None else ""
                break
            settled[choices[answer]] = rivals.name
            told[choices[answer]] = (rivals.name, Evidence(source="person"))
        conflicts = decision.conflicts
        for voice, (name, evidence) in {**told, **decision.names}.items():
            library.edits.append(recording.id, "name", voice, name, evidence)
        transcript = fold(library, recording)
    elif not names:
        mentions = find(transcript, candidates(transcript))
    else:
        conflicts = _against(transcript, sounding)
    return _told(transcript, mentions, conflicts, listed, question, sounding)


def _against(transcript: Transcript, sounding: Mapping[str, tuple[str, Evidence]]) -> list[str]:
    """Where what a person said is not what a voiceprint says: theirs stands, and they are told."""
    return [
        f"{view.display} sounds like {sounding[view.id][0]}, whose voice is known: the name that was given stands."
        for view in transcript.speakers
        if view.id in sounding and view.name and not same(view.name, sounding[view.id][0])
    ]


def _question(transcript: Transcript, rivals: Rivals, mentions: Sequence[Mention]) -> str:
    """Whose name it is, with words of each voice to know it by: those that say the name, else its first ones."""
    told = []
    for voice in rivals.voices:
        named = (item for item in mentions if (item.voice, item.name) == (voice, rivals.name))
        first = (line for line in transcript.utterances if line.speaker == voice and len(line.words) >= _WORDS_TO_KNOW)
        quotes = [(item.quote, item.start) for item in named] or [(line.text, line.start) for line in first]
        shown = transcript.display(voice) or voice
        for quote, start in quotes[:1]:
            shown += f' ("{shorten(quote, _LONGEST_QUOTE, placeholder="…")}" at {clock(to_seconds(start))})'
        told.append(shown)
    return f"Which voice is {rivals.name}: {', '.join(told[:-1])} or {told[-1]}?"


def clean(name: str) -> str:
    """A name as it is stored.

    Raises:
        BadArgument: Empty, too long, or with characters that cannot be shown.
    """
    text = " ".join(name.split())
    if not text or len(text) > LONGEST_NAME or not name.strip().isprintable() or not any(map(str.isalnum, text)):
        raise BadArgument(f"A name is 1 to {LONGEST_NAME} printable characters with a letter in it: give such a one.")
    return text


def _ready(library: Library, recording: Recording) -> Transcript:
    transcript = fold(library, recording)
    missing = [
        step for step, done in (("transcribe", bool(transcript.heard)), ("diarize", transcript.diarized)) if not done
    ]
    if missing:
        raise BadArgument(
            f"Names come from who says what: call {' and '.join(missing)} on {recording.id} first, then name_speakers."
        )
    return transcript


def _store_given(
    library: Library,
    transcript: Transcript,
    names: Mapping[str, str],
    sounding: Mapping[str, tuple[str, Evidence]],
) -> None:
    """Checks all the names before it stores one."""
    given: dict[str, str] = {}
    for label, name in names.items():
        view = find_voice(transcript, label)
        if given.get(view.id, name) != name:
            raise BadArgument(f"{view.display} is given two names: give one.")
        given[view.id] = clean(name)
    owners: dict[str, SpeakerView] = {}
    for view in transcript.speakers:
        for taken in {given.get(view.id) or view.name or view.label, view.label}:
            other = owners.setdefault(taken.casefold(), view)
            if other.id != view.id:
                raise BadArgument(
                    f"{other.display} and {view.display} would both be called {taken}: give each a name of its own."
                )
    voices = [view.id for view in transcript.speakers]
    for view in transcript.speakers:
        if view.id in given and given[view.id] not in (view.name, view.label):
            mentions = find(transcript, [given[view.id]])
            known, by_voice = sounding.get(view.id, ("", None))
            by_voice = by_voice if known.casefold() == given[view.id].casefold() else None
            evidence = supported(mentions, view.id, voices) or by_voice or Evidence(source="person")
            library.edits.append(transcript.recording, "name", view.id, given[view.id], evidence)


def only_of(transcript: Transcript, voices: Sequence[str] | None) -> Transcript:
    """What some voices say, without the others; all of it where none are given.

    Args:
        voices: Names, labels or ids.

    Raises:
        NotFound: There is no such voice; the message lists those that are.
    """
    if not voices:
        return transcript
    wanted = {find_voice(transcript, voice).id for voice in voices}
    return transcript.model_copy(
        update={
            "utterances": tuple(said for said in transcript.utterances if said.speaker in wanted),
            "turns": tuple(turn for turn in transcript.turns if turn.label in wanted),
            "speakers": tuple(view for view in transcript.speakers if view.id in wanted),
        }
    )


def find_voice(transcript: Transcript, label: str) -> SpeakerView:
    """A voice by its id, label or present name.

    Raises:
        NotFound: There is none; the message lists those that are.
    """
    asked = " ".join(label.split()).casefold()
    for view in transcript.speakers:
        if label.strip() == view.id or asked == view.label.casefold():
            return view
    for view in transcript.speakers:
        if view.name and asked == view.name.casefold():
            return view
    known = ", ".join(f"{view.label} ({view.name})" if view.name else view.label for view in transcript.speakers)
    raise NotFound(f"There is no voice '{label[:40]}' in {transcript.recording}: there are {known or 'none'}.")


def _told(
    transcript: Transcript,
    mentions: Sequence[Mention],
    conflicts: list[str],
    listed: Sequence[str],
    question: str,
    sounding: Mapping[str, tuple[str, Evidence]],
) -> SpeakerNames:
    unnamed = [view.display for view in transcript.speakers if view.name is None]
    # Where everybody has a name there is nothing to choose any more.
    shown = sorted(mentions, key=lambda mention: -abs(mention.strength))[:MOST_CANDIDATES] if unnamed else []
    return SpeakerNames(
        recording=transcript.recording,
        revision=transcript.revision,
        speakers=[_speaker(view) for view in transcript.speakers],
        candidates=[
            *_known(transcript, sounding),
            *(_candidate(transcript, mention) for mention in sorted(shown, key=lambda mention: mention.start)),
        ],
        roles=[_role(transcript, found) for found in roles(transcript)],
        conflicts=conflicts,
        question=question,
        next=_next(unnamed, bool(shown or sounding), bool(conflicts), bool(listed), question),
    )


def _known(transcript: Transcript, sounding: Mapping[str, tuple[str, Evidence]]) -> list[NameCandidate]:
    """Whose voices are known and not named yet."""
    return [
        NameCandidate(
            name=sounding[view.id][0],
            speaker=view.label,
            quote=f"(sounds like {sounding[view.id][0]}, whose voice is known)",
            start=to_seconds(min(turn.start for turn in transcript.turns if turn.label == view.id)),
            points_at="speaker",
        )
        for view in transcript.speakers
        if view.name is None and view.id in sounding
    ]


def _role(transcript: Transcript, found: RoleFound) -> SpeakerRole:
    return SpeakerRole(
        speaker=transcript.display(found.voice) or found.voice,
        role=found.role,
        quote=shorten(found.quote, _LONGEST_QUOTE, placeholder="…"),
        start=to_seconds(found.start),
    )


def _speaker(view: SpeakerView) -> NamedSpeaker:
    evidence = view.evidence
    return NamedSpeaker(
        id=view.id,
        label=view.label,
        name=view.name,
        source=evidence.source if evidence else None,
        quote=evidence.quote if evidence else "",
        start=to_seconds(evidence.at) if evidence and evidence.at is not None else None,
    )


def _candidate(transcript: Transcript, mention: Mention) -> NameCandidate:
    return NameCandidate(
        name=mention.name,
        speaker=transcript.display(mention.voice) or "unknown",
        quote=mention.quote,
        start=to_seconds(mention.start),
        points_at="not the speaker" if mention.kind == "denial" else mention.points_at or "unclear",
    )


def _next(unnamed: list[str], shown: bool, conflicts: bool, listed: bool, question: str) -> str:
    if not unnamed:
        return (
            "Every voice has a name: call read_transcript to read it, or export_transcript to write a file. Who agrees "
            "to it is known again in other recordings after known_voices with action=enroll."
        )
    example = f'names={{"{unnamed[0]}": "…"}}'
    if question:
        return f"Ask the person: {question} Then call name_speakers with their answer, as {example}."
    if conflicts:
        return f"What is said contradicts itself: listen to the quotes, then call name_speakers with {example}."
    if shown:
        return f"Decide from the quotes, then call name_speakers with {example}; leave out who stays unclear."
    if listed:
        return f"Nothing said names {', '.join(unnamed)}: leave them so, or call name_speakers with {example}."
    return f"Nobody is named in what is said: call name_speakers with people or {example} if you know who speaks."
