"""Any file a player would play, as a 16 kHz mono wav: decoded as a stream, read by the window.

Time 0 is the player's zero: the container's own start is taken out, a later start of the sound is filled with silence.
"""

import os
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from auricle.domain import Span
from auricle.errors import BadAudio
from auricle.times import SAMPLE_RATE

Report = Callable[[float, float], None]
"""``report(done, total)`` in seconds of audio; ``total`` is 0 where the file does not say. It may raise to stop."""

SHORTEST = SAMPLE_RATE // 10
_BYTES = 2
_HEADER = 44
# A wav's sizes are 32 bits: 37 hours of this.
_LONGEST = (2**32 - 2**16) // _BYTES
# What sound is sampled at, DSD included. Beyond it a header is mangled, and resampling it would fill the disk.
_RATES = range(1_000, 3_000_001)
# Timestamps of small containers are coarse; a jump beyond this is a real gap.
_JITTER = SAMPLE_RATE // 10
_LONGEST_GAP = 3600 * SAMPLE_RATE
# These are not recordings but lists of other files and addresses: opening one would read those.
_LISTS = {"hls", "concat", "dash", "sdp", "rtsp", "rtp", "imf", "webm_dash_manifest", "lavfi", "image2", "tty", "txd"}
_REPORT_EVERY = SAMPLE_RATE * 2


class Sound(NamedTuple):
    """What was decoded: ``samples`` at 16 kHz, and the original's own rate (Hz), channels and codec."""

    samples: int
    sample_rate: int
    channels: int
    codec: str


def decode(source: Path, target: Path, report: Report) -> Sound:
    """Writes the sound of ``source`` to ``target`` as 16-bit mono wav at 16 kHz, in bounded memory.

    The default audio stream is taken, else the first. What is cut off or damaged keeps its good part.

    Raises:
        BadAudio: There is no sound to decode, or under 0.1 s of it.
        OSError: ``target`` cannot be written.
    """
    try:
        # `file` only: whatever the file says, nothing is fetched from an address.
        with av.open(str(source), container_options={"protocol_whitelist": "file"}) as container:
            return _decode(container, source, target, report)
    except av.error.FFmpegError as error:
        raise BadAudio(
            f"{source.name} cannot be decoded ({error.strerror or type(error).__name__}): "
            "give a file that a media player plays, or convert it again."
        ) from error


def _decode(container: Any, source: Path, target: Path, report: Report) -> Sound:
    if _LISTS & set(container.format.name.split(",")):
        raise BadAudio(f"{source.name} is no recording but a {container.format.name} list: give the audio file itself.")
    stream = audio_stream(container)
    if stream is None:
        raise BadAudio(f"{source.name} has no sound in it: give a file with an audio track.")
    with target.open("wb") as raw, wave.open(raw, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(_BYTES)
        out.setframerate(SAMPLE_RATE)
        writer = _Writer(out, container, stream, source, report)
        for frame in writer.good_frames():
            writer.write(frame)
        writer.finish()
        raw.flush()
        os.fsync(raw.fileno())
    if writer.samples < SHORTEST:
        seconds = writer.samples / SAMPLE_RATE
        raise BadAudio(f"{source.name} has only {seconds:.3f} s of sound: at least 0.1 s is needed.")
    context = stream.codec_context
    return Sound(writer.samples, writer.rate, context.channels, str(context.codec.canonical_name))


def audio_stream(container: Any) -> Any | None:
    """The default audio stream of an open container, else its first; None where there is no sound."""
    streams = [stream for stream in container.streams.audio if stream.codec_context is not None]
    default = [stream for stream in streams if stream.disposition & stream.disposition.default]
    return next(iter(default or streams), None)


class _Writer:
    """Frames in, samples on the player's clock out."""

    def __init__(self, out: wave.Wave_write, container: Any, stream: Any, source: Path, report: Report) -> None:
        self.samples = 0
        self.rate = 0
        self._out, self._container, self._stream = out, container, stream
        self._source, self._report = source, report
        self._zero: float | None = None if container.start_time is None else container.start_time / av.time_base
        duration = container.duration
        self._total = 0.0 if duration is None or duration < 0 else duration / av.time_base
        self._resampler: Any = None
        self._form: tuple[object, ...] = ()
        self._begun = False
        self._taken = 0.0  # seconds on the player's clock given to the resampler, which holds some back
        self._moved = 0.0  # seconds by which broken timestamps were set right
        self._surplus = 0  # samples before zero, still to be dropped
        self._reported = 0

    def good_frames(self) -> Iterator[Any]:
        """Decodes what can be decoded; a tag or damage in between is left out, a cut end ends it."""
        good = bad = 0
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except av.error.FFmpegError:
                if not good:
                    raise
                break
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                bad += 1
                continue
            good += bool(frames)
            yield from frames
        if bad > good:
            raise BadAudio(
                f"{self._source.name} cannot be decoded (more of it is damaged than whole): "
                "give a file that a media player plays."
            )

    def write(self, frame: Any) -> None:
        if not frame.samples:
            return
        if frame.sample_rate not in _RATES:
            raise BadAudio(f"{self._source.name} claims {frame.sample_rate} samples a second: its header is mangled.")
        self.rate = self.rate or frame.sample_rate
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._form:
            self._drain()
            self._resampler, self._form = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE), form
        self._keep_time(frame)
        self._taken += frame.samples / frame.sample_rate
        frame.pts = None  # the resampler only counts; the clock is kept here
        self._put(self._resampler.resample(frame))

    def finish(self) -> None:
        self._drain()
        self._report(self.samples / SAMPLE_RATE, max(self._total, self.samples / SAMPLE_RATE))

    def _keep_time(self, frame: Any) -> None:
        """Holds the samples written so far against the frame's time on the player's clock."""
        if frame.pts is None or frame.time_base is None:
            return
        at = float(frame.pts * frame.time_base)
        if self._zero is None:
            self._zero = at
        first, self._begun = not self._begun, True
        gap = round((at - self._zero + self._moved - self._taken) * SAMPLE_RATE)
        if first and gap < 0 and -gap <= SAMPLE_RATE * 10:
            self._surplus = -gap
            self._taken = gap / SAMPLE_RATE
        elif (first and 0 < gap <= _LONGEST_GAP) or (_JITTER < gap <= self._longest_gap()):
            self._drain()
            self._resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
            self._silence(gap)
            self._taken += gap / SAMPLE_RATE
        elif abs(gap) > _JITTER:
            # The clock jumps back, or farther than the file is long: the timestamps are wrong, the sound is not.
            self._moved -= gap / SAMPLE_RATE

    def _longest_gap(self) -> int:
        if not self._total:
            return _LONGEST_GAP
        return min(_LONGEST_GAP, round((self._total + 1 - self._taken) * SAMPLE_RATE))

    def _drain(self) -> None:
        if self._resampler is not None and self._form:
            self._put(self._resampler.resample(None))
            self._resampler = None

    def _put(self, frames: list[Any]) -> None:
        for frame in frames:
            sound = frame.to_ndarray().reshape(-1)
            skipped = min(self._surplus, sound.size)
            self._surplus -= skipped
            self._append(sound[skipped:].tobytes())

    def _silence(self, samples: int) -> None:
        for start in range(0, samples, SAMPLE_RATE):
            self._append(bytes(_BYTES * min(SAMPLE_RATE, samples - start)))

    def _append(self, data: bytes) -> None:
        self.samples += len(data) // _BYTES
        if self.samples > _LONGEST:
            raise BadAudio(f"{self._source.name} is longer than 37 hours: cut it into parts.")
        self._out.writeframesraw(data)
        if self.samples - self._reported >= _REPORT_EVERY:
            self._reported = self.samples
            self._report(self.samples / SAMPLE_RATE, self._total)


def intact(path: Path, samples: int) -> bool:
    """Whether the stored wav is there with all its samples."""
    try:
        return path.stat().st_size == _HEADER + _BYTES * samples
    except OSError:
        return False


def read(path: Path, span: Span) -> NDArray[np.float32]:
    """A window of a stored wav, by seek and read: mapped pages would count as memory.

    Returns:
        float32 in [-1, 1), shape (samples,), at 16 kHz.
    """
    with path.open("rb") as file:
        file.seek(_HEADER + _BYTES * span.start)
        data = file.read(_BYTES * span.length)
    return np.frombuffer(data, dtype="<i2").astype(np.float32) / np.float32(32768)
