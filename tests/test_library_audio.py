"""Any file a player plays becomes 16 kHz mono on the player's clock; anything else is refused in one line."""

import os
import socket
import struct
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from auricle.domain import Span
from auricle.errors import AuricleError, BadArgument, BadAudio, NotFound
from auricle.times import SAMPLE_RATE
from library import Library
from tests.fakes import tone

BROKEN = (
    "awful.wav",
    "bad.wav",
    "evil.wav",
    "missing_wav_header.wav",
    "mono.empty.wav",
    "mono.invalid.wav",
    "mono.zero.wav",
)
LENGTHS = {"p001": 8.995, "sample": 30.0, "whatstheweatherlike": 2.03}


def quiet(_done: float, _total: float) -> None:
    pass


def leftovers(library: Library) -> list[Path]:
    return [path for path in (library.home / "audio").iterdir() if path.suffix != ".lock"]


@pytest.fixture
def refused(library: Library) -> Iterator[Library]:
    yield library
    assert library.recordings.list() == []
    assert leftovers(library) == []


def test_every_container_has_the_length_of_its_recording(library: Library, eval_dir: Path) -> None:
    files = sorted((eval_dir / "formats").iterdir())
    assert files
    for file in files:
        family = next(name for name in LENGTHS if file.name.startswith(name))
        assert library.recordings.add(file, quiet).seconds == pytest.approx(LENGTHS[family], abs=0.1), file.name


def test_what_loses_nothing_gives_the_same_samples_as_far_as_it_is_whole(library: Library, eval_dir: Path) -> None:
    """The last 391 samples of the FLAC, at 44.1 kHz, cannot be decoded by any decoder."""
    added = [library.recordings.add(eval_dir / "formats" / f"p001.{kind}", quiet) for kind in ("wav", "aiff", "flac")]
    whole, *others = (library.recordings.read(recording) for recording in added)
    settled = 16  # where a resampler meets the end
    for samples in others:
        assert len(whole) - len(samples) <= 391 * 16_000 / 44_100 + 1
        assert np.array_equal(samples[:-settled], whole[: len(samples) - settled])


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_fails_in_one_line(refused: Library, eval_dir: Path, name: str) -> None:
    with pytest.raises(BadAudio) as raised:
        refused.recordings.add(eval_dir / "broken" / name, quiet)
    assert name in raised.value.message


def test_text_called_mp3_is_no_recording(refused: Library, tmp_path: Path) -> None:
    (tmp_path / "notes.mp3").write_text("Dear diary, nothing was recorded today.\n" * 200)
    with pytest.raises(BadAudio):
        refused.recordings.add(tmp_path / "notes.mp3", quiet)


def test_noise_of_bytes_called_mp3_is_no_recording(refused: Library, tmp_path: Path) -> None:
    (tmp_path / "noise.mp3").write_bytes(np.random.default_rng(1).bytes(200_000))
    with pytest.raises(BadAudio):
        refused.recordings.add(tmp_path / "noise.mp3", quiet)


def test_a_playlist_is_not_followed(refused: Library, tmp_path: Path) -> None:
    tone(tmp_path / "real.wav", 1)
    for name, text in {
        "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
        "list.wav": "ffconcat version 1.0\nfile real.wav\n",
    }.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(BadAudio):
            refused.recordings.add(tmp_path / name, quiet)


def test_a_video_without_sound_says_so(refused: Library, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "silent.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(5):
            for packet in stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    with pytest.raises(BadAudio, match="no sound"):
        refused.recordings.add(tmp_path / "silent.mp4", quiet)


def test_under_a_tenth_of_a_second_is_too_short(refused: Library, tmp_path: Path) -> None:
    with pytest.raises(BadAudio, match=r"0\.1 s"):
        refused.recordings.add(tone(tmp_path / "click.wav", 0.09), quiet)


def test_what_is_no_file_is_refused(refused: Library, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "empty.wav").touch()
    with socket.socket(socket.AF_UNIX) as listening:
        where = os.path.relpath(tmp_path / "s")  # a socket's address may not be long
        listening.bind(where if len(where) < 100 else str(tmp_path / "s"))
        cases: list[tuple[Path, type[AuricleError]]] = [
            (tmp_path / "missing.wav", NotFound),
            (tmp_path / "empty.wav" / "below.wav", NotFound),
            (tmp_path, BadArgument),
            (tmp_path / "pipe.wav", BadArgument),
            (tmp_path / "s", BadArgument),
            (Path("/dev/zero"), BadArgument),
            (tmp_path / "empty.wav", BadAudio),
            (tmp_path / "a\0b.wav", BadArgument),
            (tmp_path / "\udcff.wav", BadArgument),
            (tmp_path / ("x" * 5000), BadArgument),
        ]
        for path, error in cases:
            with pytest.raises(error):
                refused.recordings.add(path, quiet)


def test_a_header_of_absurd_rate_does_not_fill_the_disk(refused: Library, tmp_path: Path) -> None:
    file = tone(tmp_path / "slow.wav", 1)
    data = bytearray(file.read_bytes())
    data[24:28] = struct.pack("<I", 1)
    file.write_bytes(data)
    with pytest.raises(BadAudio):
        refused.recordings.add(file, quiet)


def test_a_file_cut_off_keeps_its_good_part(library: Library, tmp_path: Path) -> None:
    whole = tone(tmp_path / "whole.wav", 10).read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[: len(whole) // 2])
    assert library.recordings.add(tmp_path / "cut.wav", quiet).seconds == pytest.approx(5, abs=0.1)


def test_silence_is_a_recording(library: Library, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "silence.wav"), "wb") as out:
        out.setparams((1, 2, 16000, 0, "NONE", ""))
        out.writeframes(bytes(32000))
    assert library.recordings.add(tmp_path / "silence.wav", quiet).seconds == 1


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44100, 2), (48000, 6), (16000, 1), (192000, 3), (22050, 5)])
def test_any_rate_and_channels_become_16_khz_mono(library: Library, tmp_path: Path, rate: int, channels: int) -> None:
    recording = library.recordings.add(tone(tmp_path / "x.wav", 3, rate, channels), quiet)
    sound = library.recordings.read(recording)
    assert (recording.sample_rate, recording.channels) == (rate, channels)
    assert sound.dtype == np.float32
    assert sound.shape == (recording.duration,)
    assert recording.duration == pytest.approx(3 * SAMPLE_RATE, abs=160)
    spectrum = np.abs(np.fft.rfft(sound[:SAMPLE_RATE]))
    assert int(np.argmax(spectrum)) == 440


def test_16_khz_mono_passes_unchanged(library: Library, tmp_path: Path) -> None:
    file = tone(tmp_path / "x.wav", 2)
    with wave.open(str(file)) as original:
        samples = np.frombuffer(original.readframes(original.getnframes()), "<i2")
    recording = library.recordings.add(file, quiet)
    assert np.array_equal(library.recordings.read(recording) * 32768, samples)
    window = Span(start=1000, end=1500)
    assert np.array_equal(library.recordings.read(recording, window) * 32768, samples[1000:1500])


def video_with_late_sound(path: Path, late: float, pause: float = 0.0) -> Path:
    """A video from zero on whose second of tone begins ``late``, with a ``pause`` in its middle."""
    times = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    sound = (np.sin(2 * np.pi * 440 * times) * 8000).astype(np.int16)
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=10)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=SAMPLE_RATE, layout="mono")
        for number in range(40):
            picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, 10)
            container.mux(video.encode(picture))
        for at in range(0, SAMPLE_RATE, 1600):
            frame = av.AudioFrame.from_ndarray(sound[None, at : at + 1600], format="s16", layout="mono")
            frame.sample_rate, frame.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
            frame.pts = at + round((late + (pause if at >= SAMPLE_RATE // 2 else 0)) * SAMPLE_RATE)
            container.mux(audio.encode(frame))
        container.mux(video.encode())
        container.mux(audio.encode())
    return path


def test_sound_that_begins_late_is_at_the_players_time(library: Library, tmp_path: Path) -> None:
    recording = library.recordings.add(video_with_late_sound(tmp_path / "late.mkv", 1.5), quiet)
    sound = library.recordings.read(recording)
    assert int(np.argmax(np.abs(sound) > 0.01)) / SAMPLE_RATE == pytest.approx(1.5, abs=0.01)
    assert recording.seconds == pytest.approx(2.5, abs=0.05)


def test_a_hole_in_the_sound_keeps_what_follows_at_its_time(library: Library, tmp_path: Path) -> None:
    recording = library.recordings.add(video_with_late_sound(tmp_path / "hole.mkv", 0, pause=2), quiet)
    sound = np.abs(library.recordings.read(recording))
    assert recording.seconds == pytest.approx(3, abs=0.05)
    assert sound[round(0.6 * SAMPLE_RATE) : round(2.4 * SAMPLE_RATE)].max() < 0.001
    assert sound[round(2.6 * SAMPLE_RATE) :].max() > 0.1


def test_progress_is_told_in_seconds_of_sound(library: Library, tmp_path: Path) -> None:
    told: list[tuple[float, float]] = []
    library.recordings.add(tone(tmp_path / "x.wav", 10), lambda done, total: told.append((done, total)))
    assert told[-1] == (10, 10)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert len(told) > 2


def test_stopping_while_decoding_leaves_nothing(refused: Library, tmp_path: Path) -> None:
    def stop(done: float, total: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refused.recordings.add(tone(tmp_path / "x.wav", 10), stop)
