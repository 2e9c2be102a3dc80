"""One decoding: a stream's packets in, samples on the player's clock out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Self

import av
import av.error
import numpy as np

from auricle.errors import BadAudio
from auricle.times import SAMPLE_RATE
from library import files, resuming
from library.clock import PlayersClock
from library.mixing import Form, Mixer, Rows, without_first
from library.packets import Packets
from library.resuming import Checkpoint, Differs, Mark, Marks
from library.stored import LONGEST
from library.tracks import Tracks

Report = Callable[[float, float], None]
"""``report(done, total)`` in seconds of audio; ``total`` is 0 where the file does not say. It may raise to stop."""

SHORTEST = SAMPLE_RATE // 10
# What sound is sampled at, DSD included. Beyond it a header is mangled, and resampling it would fill the disk.
_RATES = range(1_000, 3_000_001)
_REPORT_EVERY = SAMPLE_RATE * 2
_REPORT_PACKETS = 5000
# A resampler that begins in the middle needs some sound before it gives what it would have.
_SETTLED = SAMPLE_RATE // 10
_COMPARED = 2 * SAMPLE_RATE


class Sound(NamedTuple):
    """What was decoded.

    Attributes:
        samples: At 16 kHz.
        sample_rate: The original's own, in Hz; so are its channels and codec.
        sha256: Of the samples; where ``apart``, of the hashes of the mix and of each channel.
        apart: The channels carry different voices, and each was written.
    """

    samples: int
    sample_rate: int
    channels: int
    codec: str
    sha256: str
    apart: bool


class Decoding:
    """Decodes a stream to ``target``, from its beginning or from a checkpoint on.

    Args:
        stamp: What ``files.stamp`` said of the source when it was known which file it is.
    """

    def __init__(self, container: Any, stream: Any, source: Path, stamp: str, target: Path, report: Report) -> None:
        self._source, self._stamp, self._target, self._report = source, stamp, target, report
        self._packets = Packets(container, stream, source)
        self._context = stream.codec_context
        self._can_resume = resuming.can_resume(self._codec)
        zero = None if container.start_time is None else container.start_time / av.time_base
        duration = container.duration
        self._clock = PlayersClock(zero, 0.0 if duration is None or duration < 0 else duration / av.time_base)
        self._tracks: Tracks
        self._mixer: Mixer | None = None
        self._marks = Marks()
        self._rate = 0
        self._surplus = 0  # samples before zero, still to be dropped
        self._reported = self._saved = 0  # samples there were then

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        if hasattr(self, "_tracks"):
            self._tracks.close()

    @property
    def _codec(self) -> str:
        return str(self._context.codec.canonical_name)

    def begin(self) -> None:
        """Makes the files.

        Raises:
            OSError: They cannot be written.
        """
        self._tracks = Tracks(self._target)

    def go_on(self, checkpoint: Checkpoint) -> None:
        """Takes the files up to a checkpoint as they stand, and decodes the last of it again to see that they are so.

        Raises:
            Differs: They are not.
        """
        try:
            self._tracks = Tracks(self._target, len(checkpoint.digests) - 1, checkpoint.samples)
        except OSError as error:
            raise Differs from error
        if tuple(self._tracks.digests()) != checkpoint.digests:
            raise Differs
        self._clock, self._rate = checkpoint.clock, checkpoint.rate
        self._reported = self._saved = checkpoint.samples
        try:
            self._mixer = self._mixer_at(checkpoint)
        except (av.error.FFmpegError, ValueError) as error:
            raise Differs from error
        self._packets.good, self._packets.bad = checkpoint.good, checkpoint.bad

    def finish(self) -> Sound:
        """Decodes what is left.

        Raises:
            BadAudio: It is damaged, too short or too long, or the source changed in the meantime.
            OSError: It cannot be written.
        """
        while (packet := self._packets.next()) is not None:
            for frame in self._packets.decode(packet):
                if frame.samples:
                    self._write(frame)
            self._pass_by()
        self._drain()
        self._packets.check()
        self._check_source()
        seconds = self._tracks.samples / SAMPLE_RATE
        if self._tracks.samples < SHORTEST:
            raise BadAudio(f"{self._source.name} has only {seconds:.3f} s of sound: at least 0.1 s is needed.")
        self._report(seconds, max(self._clock.total, seconds))
        sha256, apart = self._tracks.finish()
        return Sound(self._tracks.samples, self._rate, self._context.channels, self._codec, sha256, apart)

    def _mixer_at(self, checkpoint: Checkpoint) -> Mixer:
        """The resampler as it was, out of the packets before the checkpoint; what it gives must be what stands."""
        begin, start, here = checkpoint.lead[0], checkpoint.lead[-2], checkpoint.here
        seconds = checkpoint.samples / SAMPLE_RATE
        while self._packets.count < begin.packets:
            if self._packets.count % _REPORT_PACKETS == 0:
                self._report(seconds, max(self._clock.total, seconds))
            self._next()
        while self._packets.count < start.packets:
            self._packets.decode(self._next())
        mixer = Mixer(checkpoint.form, self._tracks.channels)
        late = mixer.begin_at(start.fed)
        pieces = []
        while self._packets.count < here.packets:
            for frame in self._packets.decode(self._next()):
                if Form.of(frame) != checkpoint.form:
                    raise Differs
                skipped = min(late, frame.samples)
                late -= skipped
                if skipped < frame.samples:
                    pieces.append(mixer.feed(without_first(frame, skipped) if skipped else frame))
        if not pieces or (mixer.fed, mixer.given) != (here.fed, checkpoint.given):
            raise Differs
        rows = np.concatenate(pieces, axis=1)[:, _SETTLED:]
        if rows.shape[1] < _COMPARED or not np.array_equal(rows, self._tracks.tail(rows.shape[1])):
            raise Differs
        return mixer

    def _next(self) -> Any:
        packet = self._packets.next()
        if packet is None:
            raise Differs
        return packet

    def _write(self, frame: Any) -> None:
        if frame.sample_rate not in _RATES:
            raise BadAudio(f"{self._source.name} claims {frame.sample_rate} samples a second: its header is mangled.")
        form = Form.of(frame)
        mixer = self._mixer
        if mixer is None:
            self._rate = frame.sample_rate
            self._tracks.begin(frame.layout.nb_channels)
        elif form.layout != mixer.form.layout:
            self._tracks.drop_channels()
        if mixer is None or form != mixer.form:
            mixer = self._new_mixer(form)
        lead = self._clock.place(frame)
        if lead < 0:
            self._surplus = -lead
        elif lead > 0:
            mixer = self._new_mixer(form)
            self._silence(lead)
        if not self._tracks.channels:
            mixer.leave_channels()
        self._append(mixer.feed(frame))

    def _new_mixer(self, form: Form) -> Mixer:
        self._drain()
        self._mixer = Mixer(form, self._tracks.channels)
        self._marks.clear()
        return self._mixer

    def _drain(self) -> None:
        if self._mixer is not None:
            self._append(self._mixer.drain())

    def _silence(self, samples: int) -> None:
        for start in range(0, samples, SAMPLE_RATE):
            self._append(np.zeros((1 + self._tracks.channels, min(SAMPLE_RATE, samples - start)), np.int16))

    def _append(self, rows: Rows) -> None:
        skipped = min(self._surplus, rows.shape[1])
        self._surplus -= skipped
        if self._tracks.samples + rows.shape[1] > LONGEST:
            raise BadAudio(f"{self._source.name} is longer than 37 hours: cut it into parts.")
        self._tracks.append(rows[:, skipped:])
        if self._tracks.samples - self._reported >= _REPORT_EVERY:
            self._reported = self._tracks.samples
            self._report(self._reported / SAMPLE_RATE, self._clock.total)

    def _pass_by(self) -> None:
        """Between two packets: remembers the place, and now and then writes a checkpoint."""
        mixer = self._mixer
        if mixer is None or self._surplus or not self._can_resume:
            return
        lead = self._marks.pass_by(Mark(self._packets.count, mixer.fed), mixer.form.rate)
        if not lead or self._tracks.samples - self._saved < resuming.EVERY:
            return
        self._check_source()
        self._tracks.flush()
        self._saved = self._tracks.samples
        checkpoint = Checkpoint(
            lead=lead,
            form=mixer.form,
            given=mixer.given,
            samples=self._saved,
            digests=tuple(self._tracks.digests()),
            clock=self._clock,
            rate=self._rate,
            good=self._packets.good,
            bad=self._packets.bad,
        )
        resuming.save(checkpoint, self._target)

    def _check_source(self) -> None:
        try:
            same = files.stamp(self._source) == self._stamp
        except OSError:
            same = False
        if not same:
            raise BadAudio(f"{self._source.name} changed while it was read: add it again when it is complete.")
