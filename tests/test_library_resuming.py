"""A decoding that was killed goes on near where it was, and the sound is the same bit for bit."""

import hashlib
import json
import random
import signal
import subprocess
import sys
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from auricle.domain import Recording
from auricle.errors import BadAudio
from auricle.times import SAMPLE_RATE
from library import Library

SECONDS = 60
EVERY = 20
ADD = """
import os, signal, sys
from pathlib import Path
from library import Library, resuming
resuming.EVERY = 20 * 16_000
def report(done, total):
    if done >= float(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
with Library(Path(sys.argv[1])) as library:
    library.recordings.add(Path(sys.argv[2]), report)
"""

# name: (encoder, container options, encoder options, rate, channels, pause and start in seconds)
EXACT = {
    "plain.wav": ("pcm_s16le", {}, 16_000, 1, 0, 0),
    "stereo.wav": ("pcm_s24le", {}, 44_100, 2, 0, 0),
    "stereo16k.wav": ("pcm_s16le", {}, 16_000, 2, 0, 0),
    "telephone.wav": ("pcm_mulaw", {}, 8_000, 2, 0, 0),
    "six.wav": ("pcm_s16le", {}, 48_000, 6, 0, 0),
    "a.flac": ("flac", {}, 44_100, 2, 0, 0),
    "constant.mp3": ("libmp3lame", {"b": "128k"}, 44_100, 2, 0, 0),
    "variable.mp3": ("libmp3lame", {"q": "4"}, 48_000, 2, 0, 0),
    "slow.mp3": ("libmp3lame", {"q": "6"}, 22_050, 1, 0, 0),
    "a.opus": ("libopus", {}, 48_000, 2, 0, 0),
    "b.ogg": ("libopus", {"b": "24k"}, 48_000, 1, 0, 0),
    "alac.m4a": ("alac", {}, 44_100, 2, 0, 0),
    "pcm.mkv": ("pcm_s16le", {}, 48_000, 2, 0, 0),
    "late.mkv": ("libopus", {}, 48_000, 1, 0, 3),
    "gaps.mkv": ("flac", {}, 44_100, 2, 4, 0),
    "gaps and late.mkv": ("libmp3lame", {}, 48_000, 1, 2, 1.5),
    "a.mp4": ("libmp3lame", {}, 44_100, 2, 0, 0),
}
AGAIN = {
    "a.m4a": ("aac", {}, 44_100, 2, 0, 0),
    "raw.aac": ("aac", {}, 48_000, 1, 0, 0),
    "film.mkv": ("ac3", {}, 48_000, 2, 0, 2),
}


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("library.resuming.EVERY", EVERY * SAMPLE_RATE)


class Killed(BaseException):
    """Ends a decoding in the middle of it."""


def speechlike(seconds: float, rate: int, channels: int, seed: int = 1) -> np.ndarray:
    """Noise and tones that come and go, other ones in each channel."""
    generator = np.random.default_rng(seed)
    times = np.arange(round(seconds * rate)) / rate
    rows = []
    for channel in range(channels):
        loud = np.repeat(generator.uniform(0, 1, int(seconds * 4) + 1), rate // 4)[: times.size]
        hum = np.sin(2 * np.pi * (200 + 70 * channel) * times) + 0.3 * generator.normal(0, 1, times.size)
        rows.append(loud * hum * 6000)
    return np.clip(np.stack(rows), -32768, 32767).astype(np.int16)


def encoded(
    path: Path, codec: str, options: dict[str, str], rate: int, channels: int, pause: float, start: float
) -> Path:
    """A file of ``SECONDS``, paused after each third of it, from ``start`` on."""
    sound = speechlike(SECONDS, rate, channels)
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=1) if path.suffix in (".mkv", ".mp4") else None
        if picture is not None:
            picture.width = picture.height = 64
            picture.pix_fmt = "yuv420p"
        stream = container.add_stream(codec, rate=rate, layout=layout, options=options)
        if picture is not None:
            for number in range(round(start) + 5):
                image = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
                image.pts, image.time_base = number, Fraction(1, 1)
                container.mux(picture.encode(image))
            container.mux(picture.encode())
        resampler = av.AudioResampler(
            format=stream.codec_context.format.name, layout=layout, rate=rate, frame_size=stream.frame_size or 1024
        )
        done = 0

        def put(frames: list[av.AudioFrame]) -> None:
            nonlocal done
            for frame in frames:
                frame.time_base = Fraction(1, rate)
                frame.pts = done + round((start + pause * (3 * done // sound.shape[1])) * rate)
                done += frame.samples
                container.mux(stream.encode(frame))

        for at in range(0, sound.shape[1], 4096):
            piece = np.ascontiguousarray(sound[:, at : at + 4096].T.reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(piece, format="s16", layout=layout)
            frame.sample_rate = rate
            put(resampler.resample(frame))
        put(resampler.resample(None))
        container.mux(stream.encode())
    return path


def quiet(_done: float, _total: float) -> None:
    pass


def killing(at: float) -> Callable[[float, float], None]:
    def report(done: float, total: float) -> None:
        if done >= at:
            raise Killed

    return report


class Listener:
    def __init__(self) -> None:
        self.told: list[float] = []

    def __call__(self, done: float, total: float) -> None:
        if total:  # not while the file is hashed
            self.told.append(done)


def stored(library: Library, recording: Recording) -> dict[str, bytes]:
    """The stored wavs by the ends of their names."""
    found = (library.home / "audio").glob("*.wav")
    return {file.name.removeprefix(recording.sha256): file.read_bytes() for file in found}


def undisturbed(tmp_path: Path, file: Path) -> tuple[Recording, dict[str, bytes]]:
    with Library(tmp_path / "undisturbed") as library:
        recording = library.recordings.add(file, quiet)
        return recording, stored(library, recording)


def parts(library: Library) -> list[Path]:
    return sorted((library.home / "audio").glob("*.part*"))


@pytest.mark.parametrize("name", [*EXACT, *AGAIN])
def test_an_interrupted_decoding_ends_as_an_undisturbed_one(library: Library, tmp_path: Path, name: str) -> None:
    file = encoded(tmp_path / name, *(EXACT | AGAIN)[name])
    expected, sound = undisturbed(tmp_path, file)
    at = random.Random(name).uniform(40, SECONDS - 3)
    with pytest.raises(Killed):
        library.recordings.add(file, killing(at))
    listener = Listener()
    recording = library.recordings.add(file, listener)
    assert stored(library, recording) == sound
    assert recording.model_copy(update={"id": "", "added": 0}) == expected.model_copy(update={"id": "", "added": 0})
    assert parts(library) == []
    assert (min(listener.told) >= EVERY) is (name in EXACT), (
        "it goes on where it can be exact, and begins anew elsewhere"
    )


def test_a_process_killed_twice_goes_on_twice(home: Path, tmp_path: Path) -> None:
    file = encoded(tmp_path / "a.wav", "pcm_s16le", {}, 44_100, 2, 0, 0)
    expected, sound = undisturbed(tmp_path, file)
    for at in (30, 52):
        command = [sys.executable, "-c", ADD, str(home), str(file), str(at)]
        assert subprocess.run(command, cwd=Path(__file__).parent.parent).returncode == -signal.SIGKILL
    with Library(home) as library:
        listener = Listener()
        recording = library.recordings.add(file, listener)
        assert min(listener.told) >= 2 * EVERY
        assert stored(library, recording) == sound
        assert recording.sound == expected.sound


@pytest.fixture
def interrupted(library: Library, tmp_path: Path) -> Path:
    """A file whose decoding was killed near its end."""
    file = encoded(tmp_path / "a.flac", "flac", {}, 44_100, 2, 0, 0)
    with pytest.raises(Killed):
        library.recordings.add(file, killing(50))
    return file


def part_of(library: Library, file: Path, ending: str = "") -> Path:
    return library.home / "audio" / f"{hashlib.sha256(file.read_bytes()).hexdigest()}.part{ending}"


@pytest.mark.parametrize("harm", ["byte", "short", "gone", "channel", "checkpoint", "decoder", "count"])
def test_what_does_not_hold_is_decoded_anew(library: Library, tmp_path: Path, interrupted: Path, harm: str) -> None:
    _, sound = undisturbed(tmp_path, interrupted)
    part, place = part_of(library, interrupted), part_of(library, interrupted, ".json")
    data, checkpoint = bytearray(part.read_bytes()), json.loads(place.read_text())
    if harm == "byte":
        data[100_000] ^= 1
        part.write_bytes(data)
    elif harm == "short":
        part.write_bytes(data[:500_000])
    elif harm == "gone":
        part.unlink()
    elif harm == "channel":
        part_of(library, interrupted, ".1").unlink()
    elif harm == "checkpoint":
        place.write_text(place.read_text()[:100])
    else:
        # As if another decoder gave other samples, or as many as it did not.
        if harm == "decoder":
            data[44 + 2 * checkpoint["samples"] - 40_000] ^= 1
            part.write_bytes(data)
            checkpoint["digests"][0] = hashlib.sha256(data[44 : 44 + 2 * checkpoint["samples"]]).hexdigest()
        else:  # as if packets gave more sound than they did
            checkpoint["given"] += 1
        place.write_text(json.dumps(checkpoint))
    listener = Listener()
    recording = library.recordings.add(interrupted, listener)
    assert min(listener.told) < EVERY
    assert stored(library, recording) == sound


def test_silence_goes_on_too(library: Library, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "silence.wav"), "wb") as out:
        out.setparams((1, 2, 44_100, 0, "NONE", ""))
        out.writeframes(bytes(44_100 * 2 * SECONDS))
    with pytest.raises(Killed):
        library.recordings.add(tmp_path / "silence.wav", killing(40))
    listener = Listener()
    recording = library.recordings.add(tmp_path / "silence.wav", listener)
    assert min(listener.told) >= EVERY
    assert recording.duration == SECONDS * SAMPLE_RATE


def test_other_bytes_never_go_on_with_this_ones_part(library: Library, tmp_path: Path, interrupted: Path) -> None:
    interrupted.unlink()
    encoded(interrupted, "flac", {}, 48_000, 1, 0, 0)
    _, sound = undisturbed(tmp_path, interrupted)
    listener = Listener()
    recording = library.recordings.add(interrupted, listener)
    assert min(listener.told) < EVERY
    assert stored(library, recording) == sound


def test_a_file_that_changes_while_it_is_decoded_leaves_nothing(library: Library, tmp_path: Path) -> None:
    file = encoded(tmp_path / "a.wav", "pcm_s16le", {}, 16_000, 1, 0, 0)

    def change(done: float, total: float) -> None:
        with file.open("ab") as more:
            more.write(b"and more")

    with pytest.raises(BadAudio, match="changed"):
        library.recordings.add(file, change)
    assert parts(library) == []


def test_parts_that_nobody_came_back_for_go_after_a_week(
    library: Library, tmp_path: Path, interrupted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = encoded(tmp_path / "other.wav", "pcm_s16le", {}, 8_000, 1, 0, 0)
    third = encoded(tmp_path / "third.wav", "pcm_s16le", {}, 11_025, 1, 0, 0)
    library.recordings.add(other, quiet)
    assert parts(library)
    monkeypatch.setattr("library.resuming._WEEK", -1)
    library.recordings.add(third, quiet)
    assert parts(library) == []


def test_parts_of_others_go_when_space_is_short(
    library: Library, tmp_path: Path, interrupted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("library.resuming._SHORT", 2**62)
    with pytest.raises(Killed):
        library.recordings.add(interrupted, killing(55))
    assert parts(library), "its own stay"
    library.recordings.add(encoded(tmp_path / "other.wav", "pcm_s16le", {}, 8_000, 1, 0, 0), quiet)
    assert parts(library) == []
