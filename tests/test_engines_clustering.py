"""Who is who, from what was heard window by window. No weights are needed for it."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from auricle.domain import Diarization
from auricle.errors import BadArgument
from auricle.times import SAMPLE_RATE, to_samples
from engines.clustering import cluster
from engines.protocols import SpeakerCount, VoiceMap

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
    segmentations = np.zeros((windows, FRAMES, 3), dtype=np.float32)
    embeddings = np.full((windows, 3, 16), np.nan, dtype=np.float32)
    for window in range(windows):
        times = window * STEP + FRAME * np.arange(FRAMES) + 0.03
        for local, (key, voice) in enumerate(people.items()):
            for start, end, whose in said:
                if whose.tobytes() == key:
                    segmentations[window, (times >= start) & (times < end), local] = 1.0
            if segmentations[window, :, local].any():
                embeddings[window, local] = voice + rng.normal(scale=0.05, size=16)
    return VoiceMap(segmentations=segmentations, embeddings=embeddings, window=(0.0, WINDOW, STEP))


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


def test_turns_end_with_the_audio() -> None:
    voices = conversation(40, [(0, 20, ANNA), (20, 39, BERT), (39, 40, CARA)])
    cut = replace(voices, length=to_samples(38.5))
    result = cluster(cut, SpeakerCount())
    assert max(turn.end for turn in result.turns) == to_samples(38.5)
    assert set(result.voices) == {turn.label for turn in result.turns}


@pytest.mark.parametrize("count", [SpeakerCount(exact=0), SpeakerCount(least=-1), SpeakerCount(least=3, most=2)])
def test_impossible_counts_are_refused(count: SpeakerCount) -> None:
    with pytest.raises(BadArgument):
        cluster(conversation(10, [(0, 5, ANNA)]), count)
