"""The file a recording was made from: what became of it, and a range of it at its own rate and channels."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from auricle.domain import Original
from library.audio import audio_stream

Pcm = NDArray[np.int16]
"""Sound as (samples, channels)."""

ADVICE: dict[Original, str] = {
    "there": "",
    "missing": "The file has moved or is gone: `auricle add NEWPATH` links it again; all else works without it.",
    "changed": "The file was edited after it was added: `auricle add PATH` takes it in as a recording of its own.",
}
"""What to tell of a recording's file."""

_INDEXED = {"wav", "aiff", "flac", "ogg", "matroska", "webm", "mov", "mp4", "m4a", "w64", "caf"}
"""Containers whose timestamps are right after seeking; others (MP3, AAC) only guess, and are read from the start."""

_BEFORE = 2.0
"""Seconds to seek ahead of the range, so that decoders have settled when it begins."""

_JITTER = 0.1
_LONGEST_GAP = 3600.0


def read_original(path: Path, start: float, end: float, beat: Callable[[], None]) -> Iterator[tuple[int, Pcm]]:
    """Decodes [start, end), in seconds on the player's clock.

    Args:
        beat: Called for every piece that was decoded, also before the range; it may raise to stop.

    Yields:
        (sample rate in Hz, samples) piece by piece; less in all than asked for where the file cannot be decoded.
    """
    try:
        with av.open(str(path), container_options={"protocol_whitelist": "file"}) as container:
            stream = audio_stream(container)
            if stream is None:
                return
            zero = None if container.start_time is None else container.start_time / av.time_base
            if start > _BEFORE and _INDEXED & set(container.format.name.split(",")):
                zero = zero or 0.0
                container.seek(int((start - _BEFORE + zero) / stream.time_base), stream=stream)
            yield from _cut(_timed(container, stream, zero), start, end, beat)
    except (av.error.FFmpegError, ValueError):
        return  # damaged, or another rate in the middle: the caller sees that some of it is missing


def _cut(
    pieces: Iterator[tuple[float, int, Pcm]], start: float, end: float, beat: Callable[[], None]
) -> Iterator[tuple[int, Pcm]]:
    for at, rate, sound in pieces:
        beat()
        if at >= end:
            return
        first = max(0, round((start - at) * rate))
        last = min(len(sound), round((end - at) * rate))
        if first < last:
            yield rate, sound[first:last]


def _timed(container: Any, stream: Any, zero: float | None) -> Iterator[tuple[float, int, Pcm]]:
    """Sound with its time in seconds; gaps are filled with silence, as in the stored copy.

    Args:
        zero: The player's zero on the container's clock; the first frame's time where nobody knows.
    """
    resampler: Any = None
    rate = channels = 0
    position: float | None = None
    for frame in _good_frames(container, stream):
        if not frame.samples:
            continue
        if resampler is None:
            rate, channels = frame.sample_rate, frame.layout.nb_channels
            resampler = av.AudioResampler(format="s16", layout=frame.layout.name, rate=rate)
        at = None if frame.pts is None or frame.time_base is None else float(frame.pts * frame.time_base)
        if at is not None:
            zero = at if zero is None else zero
            at -= zero
        if position is None:
            position = at if at is not None and at >= -10 else 0.0
        elif at is not None and _JITTER < at - position <= _LONGEST_GAP:
            # In parts, since a gap may be long and only a little of it asked for.
            while at - position > 1 / rate:
                part = min(1.0, at - position)
                yield position, rate, np.zeros((round(part * rate), channels), np.int16)
                position += part
        frame.pts = None
        for converted in resampler.resample(frame):
            sound = converted.to_ndarray().reshape(-1, channels)
            yield position, rate, sound
            position += len(sound) / rate


def _good_frames(container: Any, stream: Any) -> Iterator[Any]:
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError):
            return
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue
