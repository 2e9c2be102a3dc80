"""A part of the sound as a file of its own, in memory that does not grow with its length."""

import contextlib
import subprocess
import tempfile
import warnings
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from auricle.domain import Recording, Span
from auricle.errors import BadArgument, WorkError
from auricle.times import SAMPLE_RATE, clock, to_seconds
from library import Library
from tools.context import Context
from tools.original import Pcm, read_original
from tools.paths import cannot_write, output_path, partial_path
from tools.ranges import range_of
from tools.work import Work

with warnings.catch_warnings():
    # pydub looks for an ffmpeg on the PATH and complains; ours comes with imageio-ffmpeg.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment

FORMATS = {"wav": ".wav", "mp3": ".mp3", "flac": ".flac", "ogg": ".ogg"}
"""What a slice can be written as, and the endings."""

FADE_MS = 10
"""Short enough not to be heard, long enough against the click of a cut."""

_PIECE_SECONDS = 30
_MOST_MISSING = 0.5
_WAV_LIMIT = 2**32 - 2**16
_MP3_CHANNELS = 2
_SMALL = "32k"
"""Bits a second that are enough for speech: 14 MB an hour."""

Sound = Iterator[tuple[int, Pcm]]
"""Pieces of (sample rate in Hz, samples)."""


def cut(context: Context, args: dict[str, Any], work: Work) -> dict[str, Any]:
    """Cuts a range out: what the worker does where that takes long.

    Args:
        args: ``recording``, ``start`` and ``end`` in samples, ``format``, ``path`` or null, ``folder`` for a new file.

    Returns:
        ``path``, ``bytes``, and ``whole``: the original was cut, not the stored copy.
    """
    recording = context.library.recordings.get(args["recording"])
    span = range_of(recording, args["start"], args["end"])
    target = target_of(recording, span, args["format"], args["path"], Path(args["folder"]))
    whole = write_slice(context.library, recording, span, target, args["format"], work)
    return {"path": str(target), "bytes": target.stat().st_size, "whole": whole}


def target_of(recording: Recording, span: Span, kind: str, path: str | None, folder: Path) -> Path:
    """Where a slice goes: to ``path``, else to a new file in ``folder``.

    Raises:
        BadArgument: As ``output_path``.
    """
    stem = f"{Path(recording.path).stem} {clock(to_seconds(span.start))}-{clock(to_seconds(span.end))}".replace(
        ":", "."
    )
    return output_path(path, stem, FORMATS[kind], keep=Path(recording.path), folder=folder)


def write_slice(library: Library, recording: Recording, span: Span, target: Path, kind: str, work: Work) -> bool:
    """Writes a range of a recording, faded in and out.

    Args:
        kind: One of ``FORMATS``.

    Returns:
        Whether the original was cut; else it is the stored 16 kHz mono copy.

    Raises:
        BadArgument: The range is too long for a wav.
        WorkError: The file cannot be written.
    """
    partial = partial_path(target)
    try:
        seconds = 0.0
        if library.recordings.original(recording) == "there":
            sound = read_original(
                Path(recording.path), span.start / SAMPLE_RATE, span.end / SAMPLE_RATE, work.check_cancelled
            )
            seconds = _write(sound, partial, kind, span.seconds, work)
        whole = seconds >= span.seconds - min(_MOST_MISSING, span.seconds / 2)
        if not whole:
            _write(_stored(library, recording, span), partial, kind, span.seconds, work)
        partial.replace(target)
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        partial.unlink(missing_ok=True)
    return whole


def write_copy(library: Library, recording: Recording, span: Span, target: Path, kind: str, work: Work) -> None:
    """The same from the stored 16 kHz mono copy, whatever the original is: its size is known beforehand."""
    _write(_stored(library, recording, span), target, kind, span.seconds, work)


def write_small(context: Context, args: dict[str, Any], work: Work) -> dict[str, Any]:
    """A small mp3 of the stored copy, for a page: what the worker does where that takes long.

    Args:
        args: ``recording``, ``start`` and ``end`` in samples, ``path``.

    Returns:
        ``path`` and ``bytes``.
    """
    recording = context.library.recordings.get(args["recording"])
    span, target = range_of(recording, args["start"], args["end"]), Path(args["path"])
    partial = partial_path(target)
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(_stored(context.library, recording, span), partial, "mp3", span.seconds, work, small=True)
        partial.replace(target)
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        partial.unlink(missing_ok=True)
    return {"path": str(target), "bytes": target.stat().st_size}


def _stored(library: Library, recording: Recording, span: Span) -> Sound:
    step = _PIECE_SECONDS * SAMPLE_RATE
    for start in range(span.start, span.end, step):
        audio = library.recordings.read(recording, Span(start=start, end=min(start + step, span.end)))
        yield SAMPLE_RATE, np.round(audio * 32768).clip(-32768, 32767).astype(np.int16).reshape(-1, 1)


def _write(sound: Sound, target: Path, kind: str, total: float, work: Work, *, small: bool = False) -> float:
    """Encodes piece by piece; returns the seconds written."""
    sink: _Wav | _Encoder | None = None
    held: Any = None
    done = 0.0
    try:
        for segment in _segments(sound):
            work.check_cancelled()
            if sink is None:
                made = (target, kind, segment.frame_rate, segment.channels)
                sink = _Wav(*made) if kind == "wav" else _Encoder(*made, small=small)
                held = segment.fade_in(min(FADE_MS, len(segment) // 2))
            else:
                sink.write(held.raw_data)
                held = segment
            done += segment.frame_count() / segment.frame_rate
            work.report(min(done, total), total, "cutting")
        if sink is not None:
            sink.write(held.fade_out(min(FADE_MS, len(held) // 2)).raw_data)
            sink.finish()
    finally:
        if sink is not None:
            sink.close()
    return done


def _segments(sound: Sound) -> Iterator[Any]:
    """Pieces of some length as pydub's segments."""
    held: list[Pcm] = []
    size = rate = 0
    for rate, piece in sound:
        held.append(piece)
        size += len(piece)
        if size >= _PIECE_SECONDS * rate:
            yield _segment(held, rate)
            held, size = [], 0
    if held:
        yield _segment(held, rate)


def _segment(pieces: list[Pcm], rate: int) -> Any:
    data = np.concatenate(pieces)
    return AudioSegment(data=data.tobytes(), sample_width=2, frame_rate=rate, channels=data.shape[1])


class _Wav:
    def __init__(self, target: Path, kind: str, rate: int, channels: int) -> None:
        self._size = 0
        self._file = target.open("wb")
        self._out: wave.Wave_write = wave.open(self._file, "wb")  # noqa: SIM115 - closed by close()
        self._out.setparams((channels, 2, rate, 0, "NONE", ""))

    def write(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > _WAV_LIMIT:
            raise BadArgument("This range is too long for a wav file (4 GB): give a shorter one, or the format flac.")
        self._out.writeframesraw(data)

    def finish(self) -> None:
        """All is written."""

    def close(self) -> None:
        self._out.close()
        self._file.close()


class _Encoder:
    """The ffmpeg that comes with imageio-ffmpeg, fed with raw PCM: it needs no ffprobe for that."""

    def __init__(self, target: Path, kind: str, rate: int, channels: int, *, small: bool = False) -> None:
        import imageio_ffmpeg

        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        mixed = ["-ac", str(_MP3_CHANNELS)] if kind == "mp3" and channels > _MP3_CHANNELS else []
        quality = ["-b:a", _SMALL] if small else {"mp3": ["-q:a", "2"], "ogg": ["-q:a", "6"]}.get(kind, [])
        self._process = subprocess.Popen(
            [
                *(imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error"),
                *("-f", "s16le", "-ar", str(rate), "-ac", str(channels), "-i", "pipe:0"),
                *(*mixed, *quality, "-f", kind, str(target)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
        )
        self._kind = kind

    def write(self, data: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        try:
            self._process.stdin.write(data)
        except BrokenPipeError:
            raise self._failed() from None

    def finish(self) -> None:
        self._end_input()
        if self._process.wait():
            raise self._failed()

    def close(self) -> None:
        self._end_input()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._errors.close()

    def _end_input(self) -> None:
        if self._process.stdin is not None and not self._process.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()

    def _failed(self) -> WorkError:
        self._process.wait()
        self._errors.seek(0)
        why = self._errors.read().decode(errors="replace").strip().splitlines()
        return WorkError(
            f"The {self._kind} encoder failed ({why[-1][:200] if why else 'no reason given'}): try the format wav."
        )
