"""What diarization heard is kept in a file that holds nothing but numbers."""

from pathlib import Path

import numpy as np
import pytest

from engines.voicemap import VoiceMap


def some_voices() -> VoiceMap:
    rng = np.random.default_rng(1)
    embeddings = rng.normal(size=(4, 3, 8)).astype(np.float32)
    embeddings[1, 2] = np.nan
    segmentations = (rng.random((4, 10, 3)) > 0.5).astype(np.float32)
    return VoiceMap(
        segmentations=segmentations,
        embeddings=embeddings,
        window=(0.0, 10.0, 1.0),
        frame=(0.0, 0.06, 1.0),
        length=208_000,
    )


def test_what_was_saved_is_read_back_exactly(tmp_path: Path) -> None:
    voices = some_voices()
    path = tmp_path / "v_abc"  # no .npz is appended to a name that lacks it
    voices.save(path)
    read = VoiceMap.load(path)
    assert read.window == voices.window
    assert read.frame == voices.frame
    assert read.length == voices.length
    assert np.array_equal(read.embeddings, voices.embeddings, equal_nan=True)
    assert np.array_equal(read.segmentations, voices.segmentations)
    assert read.embeddings.dtype == read.segmentations.dtype == np.float32


def test_saving_again_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "voices.npz"
    some_voices().save(path)
    some_voices().save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["voices.npz"]


def test_a_file_with_python_objects_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "voices.npz"
    np.savez(path, segmentations=np.array([{"a": 1}], dtype=object), embeddings=0, window=0, frame=0)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        VoiceMap.load(path)
