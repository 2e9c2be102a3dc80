"""Who is who, from what was heard window by window. No weights are needed for it."""

from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from auricle.domain import Diarization
from auricle.errors import BadArgument
from auricle.times import SAMPLE_RATE
from engines.clustering import cluster as cluster_at
from engines.protocols import SpeakerCount, VoiceMap
from engines.turns import turns

STEP, FRAME = 1.0, 0.016875
WINDOW = 10.0
FRAMES = 589
ANNA, BERT, CARA = np.eye(3, 16)


def conversation(seconds: float, said: list[tuple[float, float, np.ndarray]]) -> VoiceMap:
    """What segmentation and embedding would hear of people who speak at known times.

    Args:
        seconds: Of the recording, 10 or more.
        said: (start, end, the person's voice).
    """
    rng = np.random.default_rng(5)
    windows = int(seconds - WINDOW) + 1
    people = {voice.tobytes(): voice for *_, voice in said}
    active = np.zeros((windows, FRAMES, 3), dtype=bool)
    embeddings = np.full((windows, 3, 16), np.nan, dtype=np.float32)
    for window in range(windows):
        times = window * STEP + FRAME * np.arange(FRAMES) + 0.03
        for local, (key, voice) in enumerate(people.items()):
            for start, end, whose in said:
                if whose.tobytes() == key:
                    active[window, (times >= start) & (times < end), local] = True
            if active[window, :, local].any():
                embeddings[window, local] = voice + rng.normal(scale=0.05, size=16)
    return VoiceMap(active, embeddings)


def cluster(voices: VoiceMap, count: SpeakerCount) -> Diarization:
    return cluster_at([voices], count, 0.8)


def told(diarization: Diarization) -> list[tuple[float, float, str]]:
    return [(round(t.start / SAMPLE_RATE), round(t.end / SAMPLE_RATE), t.label) for t in diarization.turns]


def test_two_people_are_told_apart_and_labelled_by_first_appearance() -> None:
    voices = conversation(40, [(2, 12, BERT), (12, 25, ANNA), (25, 38, BERT)])
    assert told(cluster(voices, SpeakerCount())) == [(2, 12, "0"), (12, 25, "1"), (25, 38, "0")]


def test_each_label_has_the_embedding_of_its_voice() -> None:
    found = cluster(conversation(40, [(0, 20, ANNA), (20, 40, BERT)]), SpeakerCount()).voices
    assert int(np.argmax(found["0"])) == int(np.argmax(ANNA))
    assert int(np.argmax(found["1"])) == int(np.argmax(BERT))


def test_overlap_is_in_the_turns_and_not_in_the_exclusive_ones() -> None:
    result = cluster(conversation(40, [(0, 24, ANNA), (20, 40, BERT)]), SpeakerCount())
    assert told(result) == [(0, 24, "0"), (20, 40, "1")]
    exclusive = sorted((turn.start, turn.end) for turn in result.exclusive)
    assert all(before[1] <= after[0] for before, after in pairwise(exclusive))


def test_the_number_of_people_can_be_given_exactly_or_between_bounds() -> None:
    voices = conversation(60, [(0, 20, ANNA), (20, 40, BERT), (40, 60, CARA)])
    for count, people in [
        (SpeakerCount(), 3),
        (SpeakerCount(exact=2), 2),
        (SpeakerCount(most=1), 1),
        (SpeakerCount(least=3), 3),
        (SpeakerCount(least=1, most=2), 2),
    ]:
        assert len(cluster(voices, count).voices) == people


def test_clustering_again_changes_nothing_in_what_was_heard() -> None:
    voices = conversation(40, [(0, 20, ANNA), (20, 40, BERT)])
    before = voices.embeddings.copy()
    first = cluster(voices, SpeakerCount())
    cluster(voices, SpeakerCount(exact=1))
    assert np.array_equal(voices.embeddings, before, equal_nan=True)
    assert cluster(voices, SpeakerCount()) == first


def test_more_people_than_voices_were_heard_gives_fewer_and_writes_nothing_to_stdout(
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = cluster(conversation(11, [(0, 11, ANNA)]), SpeakerCount(exact=9))
    assert 1 <= len(result.voices) < 9
    assert capsys.readouterr().out == ""


def test_where_nobody_speaks_there_is_nobody() -> None:
    assert cluster(conversation(20, [(0, 0, ANNA)]), SpeakerCount(exact=2)) == Diarization(
        turns=(), exclusive=(), voices={}
    )


def test_a_voice_heard_too_briefly_has_turns_but_no_embedding() -> None:
    result = cluster(conversation(10, [(4.0, 4.5, ANNA)]), SpeakerCount())
    assert [turn.label for turn in result.turns] == ["0"]
    assert result.voices == {"0": ()}


def parts(voices: VoiceMap, *cuts: int) -> list[VoiceMap]:
    """The same voices in pieces."""
    return [
        replace(voices, active=voices.active[a:b], embeddings=voices.embeddings[a:b], first=a)
        for a, b in pairwise([0, *cuts, len(voices.active)])
    ]


def test_pieces_tell_what_the_whole_tells() -> None:
    voices = conversation(60, [(2, 12, BERT), (12, 25, ANNA), (22, 38, BERT), (40, 58, CARA)])
    assert cluster_at(parts(voices, 3, 4, 30), SpeakerCount(), 0.8) == cluster(voices, SpeakerCount())


def test_a_piece_that_is_missing_tells_nothing_and_disturbs_nothing() -> None:
    voices = conversation(90, [(0, 30, ANNA), (30, 60, BERT), (60, 90, ANNA)])
    first, _, last = parts(voices, 20, 61)
    assert told(cluster_at([first, last], SpeakerCount(), 0.8)) == [(0, 29, "0"), (61, 90, "0")]


@pytest.mark.parametrize("seed", range(5))
def test_turns_are_those_of_pyannotes_own_rules(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyannote.audio.pipelines.utils.diarization import SpeakerDiarizationMixin as Rules
    from pyannote.core import SlidingWindow, SlidingWindowFeature

    # Where two voices have as many votes, the first has it: numpy's default leaves that open.
    monkeypatch.setattr(np, "argsort", partial(np.argsort, kind="stable"))
    dice = np.random.default_rng(seed)
    active = np.repeat(dice.random((40, 31, 3)) < 0.4, 19, axis=1)
    local = np.array([dice.permutation(4)[:3] for _ in range(40)])
    voices = VoiceMap(active, np.zeros((40, 3, 4), np.float32))
    windows, frames = SlidingWindow(WINDOW, STEP, 0.0), SlidingWindow(*voices.windows.frame, 0.0)
    counted = Rules.speaker_count(SlidingWindowFeature(active.astype(float), windows), frames, warm_up=(0.0, 0.0))
    merged = np.full((*active.shape[:2], 4), np.nan)
    for window, voice in np.ndindex(local.shape):
        merged[window, :, local[window, voice]] = active[window, :, voice]
    theirs = Rules.to_annotation(Rules.to_diarization(SlidingWindowFeature(merged, windows), counted))
    ours, _ = turns([voices], lambda _: local, 4, None)
    tracks = sorted((v, s.start, s.end) for s, _, v in theirs.itertracks(yield_label=True) if s.end < 48)
    found = sorted((int(t.label), t.start / SAMPLE_RATE, t.end / SAMPLE_RATE) for t in ours if t.end < 48 * SAMPLE_RATE)
    assert len(tracks) > 100
    assert np.allclose(tracks, found, atol=1e-3)


def test_hours_are_clustered_by_a_sample_and_everybody_is_still_told_apart() -> None:
    people = [(start, start + 50, (ANNA, BERT, CARA)[start // 50 % 3]) for start in range(0, 6000, 50)]
    result = cluster(conversation(6000, people), SpeakerCount())
    assert told(result)[:4] == [(0, 50, "0"), (50, 100, "1"), (100, 150, "2"), (150, 200, "0")]
    assert len(result.voices) == 3


@pytest.mark.parametrize("count", [SpeakerCount(exact=0), SpeakerCount(least=-1), SpeakerCount(least=3, most=2)])
def test_impossible_counts_are_refused(count: SpeakerCount) -> None:
    with pytest.raises(BadArgument):
        cluster(conversation(10, [(0, 5, ANNA)]), count)
