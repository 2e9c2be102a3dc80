"""What diarization heard is kept as bytes that hold nothing but numbers."""

import io

import numpy as np
import pytest

from auricle.times import SAMPLE_RATE
from engines.voicemap import VoiceMap, Windows


def some_voices() -> VoiceMap:
    rng = np.random.default_rng(1)
    embeddings = rng.normal(size=(4, 3, 8)).astype(np.float32)
    embeddings[1, 2] = np.nan
    return VoiceMap(
        rng.random((4, 11, 3)) > 0.5, embeddings, Windows(length=80_000, step=8_000, frame=(0.06, 0.017)), 30
    )


def test_what_was_kept_is_read_back_exactly() -> None:
    voices = some_voices()
    read = VoiceMap.from_bytes(voices.to_bytes())
    assert (read.windows, read.first) == (voices.windows, voices.first)
    assert np.array_equal(read.embeddings, voices.embeddings, equal_nan=True)
    assert np.array_equal(read.active, voices.active)
    assert (read.embeddings.dtype, read.active.dtype) == (np.float32, np.bool_)


def test_silence_takes_next_to_no_room() -> None:
    silence = VoiceMap(np.zeros((30, 589, 3), bool), np.full((30, 3, 192), np.nan, np.float32))
    assert len(silence.to_bytes()) < 3000
    assert np.isnan(VoiceMap.from_bytes(silence.to_bytes()).embeddings).all()


def test_bytes_with_python_objects_are_refused() -> None:
    file = io.BytesIO()
    np.savez(file, shape=[1], heard=[1], embeddings=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        VoiceMap.from_bytes(file.getvalue())


@pytest.mark.parametrize(("seconds", "windows"), [(0.1, 1), (10, 1), (10.1, 2), (11, 2), (60, 51)])
def test_windows_see_all_of_the_audio(seconds: float, windows: int) -> None:
    cut, samples = Windows(), round(seconds * SAMPLE_RATE)
    assert cut.count(samples) == windows
    assert cut.covered(windows) >= samples
