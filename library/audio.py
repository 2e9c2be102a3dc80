"""Any file a player would play, as 16 kHz mono wavs: decoded as a stream, and gone on with after a kill.

Time 0 is the player's zero: the container's own start is taken out, a later start of the sound is filled with silence.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import av.error

from auricle.errors import BadAudio
from library import resuming
from library.decoding import Decoding, Report, Sound
from library.resuming import Checkpoint, Differs

# These are not recordings but lists of other files and addresses: opening one would read those.
_LISTS = {"hls", "concat", "dash", "sdp", "rtsp", "rtp", "imf", "webm_dash_manifest", "lavfi", "image2", "tty", "txd"}


def decode(source: Path, stamp: str, target: Path, report: Report) -> Sound:
    """Writes the sound of ``source`` as 16-bit mono wav at 16 kHz, in bounded memory.

    The mix goes to ``target``; each channel beside it (``tracks.channel_part``) where they carry different voices. The
    default audio stream is taken, else the first. What is cut off or damaged keeps its good part. Where it is stopped
    or killed, what was written stays, and the next decoding to ``target`` goes on after it.

    Args:
        stamp: What ``files.stamp`` said of the source when it was known which file it is.

    Raises:
        BadAudio: There is no sound to decode, or under 0.1 s of it; or the file changed in the meantime.
        OSError: ``target`` cannot be written.
    """
    try:
        checkpoint = resuming.load(target)
        if checkpoint is not None:
            try:
                return _decode(source, stamp, target, report, checkpoint)
            except Differs:
                resuming.discard(target)
        return _decode(source, stamp, target, report, None)
    except BadAudio:
        resuming.discard(target)
        raise
    except BaseException:
        if resuming.load(target) is None:
            resuming.discard(target)
        raise


def _decode(source: Path, stamp: str, target: Path, report: Report, checkpoint: Checkpoint | None) -> Sound:
    with opened(source) as (container, stream), Decoding(container, stream, source, stamp, target, report) as decoding:
        if checkpoint is None:
            decoding.begin()
        else:
            decoding.go_on(checkpoint)
        return decoding.finish()


@contextmanager
def opened(source: Path) -> Iterator[tuple[Any, Any]]:
    """The container and the audio stream of a file.

    Raises:
        BadAudio: There is no sound to decode in it; or it turns out so while it is read.
    """
    try:
        # `file` only: whatever the file says, nothing is fetched from an address.
        with av.open(str(source), container_options={"protocol_whitelist": "file"}) as container:
            if _LISTS & set(container.format.name.split(",")):
                raise BadAudio(
                    f"{source.name} is no recording but a {container.format.name} list: give the audio file itself."
                )
            stream = audio_stream(container)
            if stream is None:
                raise BadAudio(f"{source.name} has no sound in it: give a file with an audio track.")
            yield container, stream
    except av.error.FFmpegError as error:
        raise BadAudio(
            f"{source.name} cannot be decoded ({error.strerror or type(error).__name__}): "
            "give a file that a media player plays, or convert it again."
        ) from error


def audio_stream(container: Any) -> Any | None:
    """The default audio stream of an open container, else its first; None where there is no sound."""
    streams = [stream for stream in container.streams.audio if stream.codec_context is not None]
    default = [stream for stream in streams if stream.disposition & stream.disposition.default]
    return next(iter(default or streams), None)


def duration_of(source: Path) -> float | None:
    """Seconds, as the container says and without decoding; None where it says nothing, or is no recording."""
    try:
        with opened(source) as (container, stream):
            if container.duration is not None:
                return float(container.duration / av.time_base)
            return float(stream.duration * stream.time_base) if stream.duration is not None else None
    except (BadAudio, OSError):
        return None
