"""What is doubtful about voices that were told apart: ghosts, two labels alike, one that sounds like two people."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from auricle.domain import Diarization, Turn
from auricle.times import SAMPLE_RATE
from engines.comparing import Calibration, halves
from engines.protocols import SpeakerCount, VoiceMap
from tools.transcript import Known
from tools.views import SpeakerView, Transcript

GHOST = 3.0
"""Seconds. A voice that speaks less is often no person: a cough, an echo, somebody else's laugh."""

_WINDOWS = 60
"""Of each voice are compared, at most."""

_APART = 4
"""Windows between two that are compared: those in a row hear mostly the same."""

_OWN = 0.8
"""Of what a local speaker says in a window has to be one voice's."""

_SAID = 2.0
"""Seconds that a local speaker has to say alone."""


def mixed(pieces: Sequence[VoiceMap], found: Diarization, measured: Calibration | None) -> tuple[str, ...]:
    """The labels whose windows sound like two people."""
    if measured is None:
        return ()
    heard: defaultdict[str, list[NDArray[np.float32]]] = defaultdict(list)
    for number in range(0, len(pieces), -(-len(pieces) // _WINDOWS) or 1):
        piece = pieces[number]
        for window in range(0, len(piece.active), _APART):
            for label, vector in _voices(piece, window, found.exclusive):
                if len(heard[label]) < _WINDOWS:
                    heard[label].append(vector)
    return tuple(label for label, vectors in heard.items() if halves(np.stack(vectors))[1] < measured.one_voice)


def _voices(piece: VoiceMap, window: int, turns: Sequence[Turn]) -> list[tuple[str, NDArray[np.float32]]]:
    """Who speaks in a window, by the turns at that time, with the direction of each embedding."""
    start = (piece.first + window) * piece.windows.step
    step = piece.windows.frame[1] * SAMPLE_RATE
    active = piece.active[window]
    alone = active & (active.sum(axis=1, keepdims=True) == 1)
    found = []
    for speaker in np.flatnonzero(np.isfinite(piece.embeddings[window]).all(axis=1)):
        times = start + np.flatnonzero(alone[:, speaker]) * step
        length = np.linalg.norm(piece.embeddings[window, speaker])
        if len(times) * step < _SAID * SAMPLE_RATE or not length:
            continue
        near = [turn for turn in turns if turn.start < start + piece.windows.length and turn.end > start]
        shares = {turn.label: 0 for turn in near}
        for turn in near:
            shares[turn.label] += int(((times >= turn.start) & (times < turn.end)).sum())
        label = max(shares, key=shares.__getitem__, default="")
        if label and shares[label] >= _OWN * len(times):
            found.append((label, np.asarray(piece.embeddings[window, speaker] / length, dtype=np.float32)))
    return found


def doubts(known: Known, transcript: Transcript, count: SpeakerCount, measured: Calibration | None) -> list[str]:
    """What to know of the voices, and what to do about it. What somebody corrected is not doubted."""
    views = transcript.speakers
    told = []
    ghosts = [view for view in views if view.seconds < GHOST]
    if ghosts and len(views) > 1:
        shown = ", ".join(f"{view.display} ({view.seconds:.1f} s)" for view in ghosts)
        told.append(
            f"Heard for less than {GHOST:.0f} s, maybe no people of their own: {shown}. If so, correct_speakers with "
            "action=merge, or diarize with the number of people."
        )
    if count.exact is not None and len(views) != count.exact:
        told.append(f"{count.exact} people were asked for and {len(views)} could be told apart.")
    if known.voices is None:
        return told
    found = Diarization.model_validate_json(known.voices.payload)
    settled = {voice for edit in known.edits if edit.kind != "name" for voice in (edit.speaker, edit.other)}
    by_label = {label: speaker.id for label, speaker in known.bound.items()}
    open_ = {view.id: view for view in views if view.id not in settled and view.seconds >= GHOST}
    told += _alike(found, by_label, open_, measured)
    for label in found.mixed:
        if view := open_.get(by_label.get(label, "")):
            told.append(
                f"{view.display} sounds like two people: listen to it, then diarize with one speaker more, or "
                "correct_speakers with action=split."
            )
    return told


def _alike(
    found: Diarization, by_label: dict[str, str], views: dict[str, SpeakerView], measured: Calibration | None
) -> list[str]:
    vectors = {
        by_label[label]: np.array(voice) / np.linalg.norm(voice)
        for label, voice in found.voices.items()
        if voice and by_label.get(label) in views
    }
    return [
        f"{views[one].display} and {views[other].display} sound alike: if they are one person, correct_speakers with "
        "action=merge."
        for one, other in combinations(vectors, 2)
        if measured is not None and float(vectors[one] @ vectors[other]) >= measured.alike
    ]
