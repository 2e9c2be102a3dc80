"""The quick ways with real weights, beside the slow ones they stand for."""

import numpy as np
import pytest
import torch
from rapidfuzz import fuzz

from auricle.settings import Settings
from auricle.times import SAMPLE_RATE
from engines import diarization, weights
from engines.batching import Batches
from engines.build import build
from engines.protocols import Audio, Engines, HearingOptions, SpeakerCount
from engines.recognition import SileroDetector, WhisperRecognizer
from engines.segmenting import Segmentation
from tests.sample import sample

pytestmark = pytest.mark.models

CALL_BEGINS = 8 * SAMPLE_RATE


@pytest.fixture(scope="module")
def call() -> Audio:
    from faster_whisper import decode_audio

    audio: Audio = decode_audio(str(sample()), sampling_rate=SAMPLE_RATE)
    return audio


@pytest.fixture(scope="module")
def recognizer() -> WhisperRecognizer:
    return WhisperRecognizer(weights.resolve("whisper-base", Settings()), "own@1")


def words(recognizer: WhisperRecognizer, audio: Audio) -> str:
    heard = recognizer.transcribe(audio, SileroDetector().speech(audio), HearingOptions())
    return " ".join(segment.text for window in heard for segment in window.recognition.segments)


def test_batches_hear_what_is_heard_one_after_the_other(recognizer: WhisperRecognizer, call: Audio) -> None:
    twice = np.concatenate([call, call])
    one_by_one = words(recognizer, twice)
    recognizer._batches = Batches(4)
    try:
        at_once = words(recognizer, twice)
    finally:
        recognizer._batches = None
    assert fuzz.ratio(at_once.lower(), one_by_one.lower()) > 80
    assert at_once.count("New Jersey") == one_by_one.count("New Jersey") > 2


def test_a_few_seconds_are_heard_in_a_short_window_with_their_language(
    recognizer: WhisperRecognizer, call: Audio
) -> None:
    clip = call[CALL_BEGINS : CALL_BEGINS + 6 * SAMPLE_RATE]
    (begun, *_) = recognizer.transcribe(clip, SileroDetector().speech(clip), HearingOptions())
    assert begun.recognition.language == "en"
    assert begun.recognition.language_probability > 0.8
    heard = words(recognizer, clip)
    assert "New Jersey" in heard
    in_long_window = words(recognizer, np.concatenate([clip, np.zeros(2 * SAMPLE_RATE, dtype=np.float32)]))
    assert fuzz.ratio(heard.lower(), in_long_window.lower()) > 80


def test_every_quality_tells_two_people_apart(call: Audio) -> None:
    def told(engines: Engines) -> int:
        diarizer = engines.diarizer()
        found = diarizer.listen(call, engines.detector().speech(call), lambda share: None)
        return len(diarizer.cluster([found], SpeakerCount(), 0.8).voices)

    fast, best = build(Settings(quality="fast")), build(Settings(quality="best"))
    assert fast.diarizer().identity != best.diarizer().identity
    assert (told(fast), told(best)) == (2, 2)


def test_filters_that_go_over_the_sound_once_give_what_each_window_would_give(call: Audio) -> None:
    path = weights.resolve("segmentation-3.0", Settings())
    plain = diarization._load_segmentation(path)
    windows, _, powerset = diarization._shape(plain, 0.1)
    numbers, waveform = [3, 7, 12], torch.from_numpy(call)
    alone = torch.stack([waveform[number * windows.step :][: windows.length] for number in numbers])
    with torch.inference_mode():
        expected = powerset.to_multilabel(plain(alone[:, None])).numpy() > 0.5
    shared = Segmentation(plain, powerset, windows)
    found = np.stack(shared.active(waveform, shared.filtered(waveform), numbers))
    assert expected.any()
    assert (found == expected).mean() > 0.999
