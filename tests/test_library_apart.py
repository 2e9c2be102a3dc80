"""Channels that carry different voices are kept each; all others only as their mix."""

import json
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from auricle.domain import Recording, Span
from auricle.errors import BadArgument
from auricle.times import SAMPLE_RATE
from library import Library
from tests.fakes import tone

CALL = "calls/auto_repairs_40.stereo8k.flac"
RATE = 8000


def quiet(_done: float, _total: float) -> None:
    pass


def written(path: Path, sound: np.ndarray, rate: int = RATE) -> Path:
    """(channels, samples) as a wav."""
    with wave.open(str(path), "wb") as out:
        out.setparams((len(sound), 2, rate, 0, "NONE", ""))
        out.writeframes(np.clip(sound, -32768, 32767).astype("<i2").T.tobytes())
    return path


def turns(seconds: int = 40, rate: int = RATE, people: int = 2) -> np.ndarray:
    """Tones that take turns of two seconds, one in each channel."""
    times = np.arange(seconds * rate) / rate
    tones = [np.sin(2 * np.pi * (300 + 100 * person) * times) * 8000 for person in range(people)]
    return np.stack([sound * (times // 2 % people == person) for person, sound in enumerate(tones)])


def add(library: Library, path: Path) -> Recording:
    return library.recordings.add(path, quiet)


@pytest.fixture
def call(eval_dir: Path) -> np.ndarray:
    """A real call, one person a channel."""
    with av.open(str(eval_dir / CALL)) as container:
        frames = [frame.to_ndarray().reshape(-1, 2) for frame in container.decode(audio=0)]
    return np.concatenate(frames).T.astype(float)


def test_two_people_on_a_line_are_kept_apart(library: Library, eval_dir: Path) -> None:
    recording = add(library, eval_dir / CALL)
    assert recording.apart
    left, right = (library.recordings.read(recording, channel=channel) for channel in (0, 1))
    both = library.recordings.read(recording)
    assert left.size == right.size == both.size == recording.duration
    assert np.abs((left + right) / 2 - both).mean() < 1e-4
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.1


@pytest.mark.parametrize("people", [2, 4])
def test_voices_that_take_turns_are_apart(library: Library, tmp_path: Path, people: int) -> None:
    recording = add(library, written(tmp_path / "a.wav", turns(people=people)))
    assert recording.apart
    for person in range(people):
        window = Span(start=2 * person * SAMPLE_RATE, end=2 * (person + 1) * SAMPLE_RATE)
        heard = [np.abs(library.recordings.read(recording, window, channel)).max() for channel in range(people)]
        assert [level > 0.1 for level in heard] == [channel == person for channel in range(people)]


def test_a_call_with_some_echo_and_one_faint_side_is_apart(library: Library, tmp_path: Path, call: np.ndarray) -> None:
    noise = np.random.default_rng(1).normal(0, 30, call.shape)
    crossed = np.array([[1, 0.01], [0.03, 0.15]]) @ call + noise
    assert add(library, written(tmp_path / "a.wav", crossed)).apart


ORDINARY = {
    "dual mono": [[0.5, 0.5], [0.5, 0.5]],
    "panned": [[0.7, 0.35], [0.35, 0.7]],
    "one louder": [[0.7, 0.6], [0.1, 0.12]],
    "a dead channel": [[1, 1], [0, 0]],
    "one side of a call": [[1, 0], [0, 0]],
}


@pytest.mark.parametrize("kind", ORDINARY)
def test_ordinary_stereo_is_not(library: Library, tmp_path: Path, call: np.ndarray, kind: str) -> None:
    recording = add(library, written(tmp_path / "a.wav", np.array(ORDINARY[kind]) @ call))
    assert not recording.apart
    assert [path.suffix for path in (library.home / "audio").iterdir() if path.suffix != ".lock"] == [".wav"]


def test_a_room_is_not_apart(library: Library, tmp_path: Path, call: np.ndarray) -> None:
    generator = np.random.default_rng(2)

    def reverberant(sound: np.ndarray, delay: int) -> np.ndarray:
        response = generator.normal(0, 0.02, 1600) * np.exp(-np.arange(1600) / 500)
        response[delay] = 1
        return np.convolve(sound, response)[: sound.size]

    left = reverberant(call[0], 3) + 0.6 * reverberant(call[1], 12)
    right = 0.6 * reverberant(call[0], 14) + reverberant(call[1], 2)
    assert not add(library, written(tmp_path / "a.wav", np.stack([left, right]) / 2)).apart


@pytest.mark.parametrize("loud", [100, 3000])
def test_noise_is_no_voice(library: Library, tmp_path: Path, call: np.ndarray, loud: int) -> None:
    noise = np.random.default_rng(3).normal(0, loud, call.shape[1])
    assert not add(library, written(tmp_path / "a.wav", np.stack([call[0] + call[1], noise]))).apart


def test_two_steady_tones_are_not_voices(library: Library, tmp_path: Path) -> None:
    times = np.arange(30 * RATE) / RATE
    sound = np.stack([np.sin(2 * np.pi * pitch * times) * 8000 for pitch in (300, 500)])
    assert not add(library, written(tmp_path / "a.wav", sound)).apart


def test_voices_at_once_for_long_are_given_up_early(
    library: Library, tmp_path: Path, call: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("library.apart._EARLY", 20 * 20)
    kept: list[int] = []

    def report(done: float, total: float) -> None:
        kept.append(len(list((library.home / "audio").glob("*.part.[01]"))))

    library.recordings.add(written(tmp_path / "a.wav", np.array(ORDINARY["panned"]) @ call), report)
    assert (max(kept), kept[-1]) == (2, 0)


def test_a_channel_that_is_not_kept_is_refused(library: Library, tmp_path: Path) -> None:
    mix = add(library, tone(tmp_path / "a.wav", 2, channels=2))
    with pytest.raises(BadArgument, match="only the mix"):
        library.recordings.read(mix, channel=0)
    apart = add(library, written(tmp_path / "b.wav", turns()))
    for channel in (-1, 2):
        with pytest.raises(BadArgument, match="0 to 1"):
            library.recordings.read(apart, channel=channel)


def test_a_lost_channel_is_decoded_again(library: Library, tmp_path: Path) -> None:
    recording = add(library, written(tmp_path / "a.wav", turns()))
    before = library.recordings.read(recording, channel=1)
    assert library.recordings.verify(recording)
    lost = library.recordings.stored_files(recording)[2]
    data = bytearray(lost.read_bytes())
    data[-2] ^= 1
    lost.write_bytes(data)
    assert not library.recordings.verify(recording)
    lost.unlink()
    assert not library.recordings.intact(recording)
    assert np.array_equal(library.recordings.read(recording, channel=1), before)
    assert library.recordings.verify(recording)


def test_removing_removes_the_channels(library: Library, tmp_path: Path) -> None:
    recording = add(library, written(tmp_path / "a.wav", turns()))
    assert len(list((library.home / "audio").glob("*.wav"))) == 3
    library.recordings.remove(recording.id)
    assert not list((library.home / "audio").glob("*.wav"))


def test_the_channels_go_on_after_a_kill_as_well(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("library.resuming.EVERY", 20 * SAMPLE_RATE)
    file = written(tmp_path / "a.wav", turns(60, 44_100), 44_100)
    with Library(tmp_path / "undisturbed") as other:
        undisturbed = add(other, file)
        expected = [path.read_bytes() for path in other.recordings.stored_files(undisturbed)]

    def killed(done: float, total: float) -> None:
        if done > 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.recordings.add(file, killed)
    (place,) = (library.home / "audio").glob("*.part.json")
    assert len(json.loads(place.read_text())["digests"]) == 3
    told: list[float] = []
    recording = library.recordings.add(file, lambda done, total: told.append(done))
    assert min(done for done in told if done) >= 20  # before that the file is hashed
    assert recording.apart
    assert recording.sound == undisturbed.sound
    assert [path.read_bytes() for path in library.recordings.stored_files(recording)] == expected
