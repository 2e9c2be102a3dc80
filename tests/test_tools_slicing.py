import wave
from pathlib import Path

import av
import numpy as np
import pytest

from auricle.domain import Recording, Span
from auricle.errors import Cancelled, WorkError
from auricle.times import SAMPLE_RATE, to_samples
from library import Library
from tests.fakes import tone
from tools.slicing import FORMATS, write_slice
from tools.work import Quiet


def add(library: Library, path: Path) -> Recording:
    return library.recordings.add(path, lambda done, total: None)


def span(start: float, end: float) -> Span:
    return Span(start=to_samples(start), end=to_samples(end))


def heard(path: Path) -> tuple[np.ndarray, int]:
    """(channels, samples) as floats, and the rate."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    resampler = av.AudioResampler(format="fltp", layout=frames[0].layout.name, rate=frames[0].sample_rate)
    parts = [part.to_ndarray() for frame in frames for part in resampler.resample(frame)]
    return np.concatenate(parts, axis=1), frames[0].sample_rate


def steps(path: Path, rate: int = 44_100, channels: int = 2, seconds: int = 12) -> Path:
    """A wav whose loudness tells the second it belongs to."""
    loudness = np.repeat(np.arange(1, seconds + 1) * 1000, rate)
    wavering = loudness * np.sin(2 * np.pi * 500 * np.arange(seconds * rate) / rate)
    with wave.open(str(path), "wb") as out:
        out.setparams((channels, 2, rate, 0, "NONE", ""))
        out.writeframes(np.repeat(wavering.astype("<i2"), channels).tobytes())
    return path


def loudest(sound: np.ndarray) -> float:
    return float(np.abs(sound).max() * 32768)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_slice_has_the_range_at_the_originals_rate_and_channels(kind: str, library: Library, tmp_path: Path) -> None:
    recording = add(library, steps(tmp_path / "a.wav"))
    target = tmp_path / f"cut.{kind}"
    assert write_slice(library, recording, span(5, 7.5), target, kind, Quiet())
    sound, rate = heard(target)
    assert (rate, sound.shape[0]) == (44_100, 2)
    assert sound.shape[1] / rate == pytest.approx(2.5, abs=0.06)
    assert loudest(sound[:, int(0.3 * rate) : int(0.7 * rate)]) == pytest.approx(6000, rel=0.1)
    assert loudest(sound[:, int(1.3 * rate) : int(1.7 * rate)]) == pytest.approx(7000, rel=0.1)


def test_a_wav_slice_is_exact_but_for_its_fades(library: Library, tmp_path: Path) -> None:
    recording = add(library, steps(tmp_path / "a.wav"))
    write_slice(library, recording, span(5, 7), tmp_path / "cut.wav", "wav", Quiet())
    given, _ = heard(tmp_path / "a.wav")
    cut, rate = heard(tmp_path / "cut.wav")
    inside = slice(rate // 10, rate)
    np.testing.assert_array_equal(cut[:, inside], given[:, 5 * rate :][:, inside])
    assert loudest(cut[:, :5]) < 200


def test_a_slice_longer_than_a_piece_has_no_seams(library: Library, tmp_path: Path) -> None:
    recording = add(library, tone(tmp_path / "a.wav", 70, rate=8000))
    write_slice(library, recording, span(1, 69), tmp_path / "cut.wav", "wav", Quiet())
    given, _ = heard(tmp_path / "a.wav")
    cut, _ = heard(tmp_path / "cut.wav")
    np.testing.assert_array_equal(cut[:, 800:-800], given[:, 8000:-8000][:, 800:-800])


def test_without_the_original_the_stored_copy_is_cut(library: Library, tmp_path: Path) -> None:
    recording = add(library, steps(tmp_path / "a.wav"))
    (tmp_path / "a.wav").unlink()
    assert not write_slice(library, recording, span(5, 6), tmp_path / "cut.wav", "wav", Quiet())
    sound, rate = heard(tmp_path / "cut.wav")
    assert (rate, sound.shape) == (SAMPLE_RATE, (1, SAMPLE_RATE))


def test_another_file_at_the_originals_place_is_not_cut(library: Library, tmp_path: Path) -> None:
    recording = add(library, steps(tmp_path / "a.wav"))
    tone(tmp_path / "a.wav", 12)
    assert not write_slice(library, recording, span(5, 6), tmp_path / "cut.wav", "wav", Quiet())


@pytest.mark.parametrize(
    "name", ["sample.mp3", "sample.m4a", "sample.opus", "sample_video.mkv", "p001.aac", "p001.ogg"]
)
def test_a_slice_lies_where_the_stored_copy_has_it(name: str, library: Library, tmp_path: Path, eval_dir: Path) -> None:
    recording = add(library, eval_dir / "formats" / name)
    end = min(recording.seconds, 14.0)
    wanted = span(end - 3, end - 1)
    assert write_slice(library, recording, wanted, tmp_path / "cut.wav", "wav", Quiet())
    add(library, tmp_path / "cut.wav")
    cut = library.recordings.read(add(library, tmp_path / "cut.wav"))
    stored = library.recordings.read(recording, wanted)
    length = min(cut.size, stored.size)
    together = np.correlate(cut[:length], stored[800 : length - 800], mode="valid")
    assert abs(int(np.argmax(together)) - 800) < 80  # 5 ms


def test_a_cancelled_slice_leaves_nothing(library: Library, tmp_path: Path) -> None:
    class Stopped(Quiet):
        def check_cancelled(self) -> None:
            raise Cancelled("stop")

    recording = add(library, steps(tmp_path / "a.wav"))
    (tmp_path / "out").mkdir()
    with pytest.raises(Cancelled):
        write_slice(library, recording, span(1, 2), tmp_path / "out" / "cut.mp3", "mp3", Stopped())
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_is_gone_is_one_clear_line(library: Library, tmp_path: Path) -> None:
    recording = add(library, steps(tmp_path / "a.wav"))
    for kind in ("wav", "mp3"):
        with pytest.raises(WorkError):
            write_slice(library, recording, span(1, 2), tmp_path / "gone" / f"cut.{kind}", kind, Quiet())
