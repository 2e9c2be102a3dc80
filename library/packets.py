"""The packets of one stream, in order: passed over, or decoded as far as they are good."""

from pathlib import Path
from typing import Any

import av
import av.error

from auricle.errors import BadAudio


class Packets:
    """Reads a stream packet by packet.

    Attributes:
        count: Packets read so far.
        good: Those that gave sound.
        bad: Those that could not be decoded: a tag or damage in between, which is left out.
    """

    def __init__(self, container: Any, stream: Any, source: Path) -> None:
        self.count = self.good = self.bad = 0
        self._packets = container.demux(stream)
        self._source = source

    def next(self) -> Any | None:
        """The next packet; None at the end, and where the file is cut off.

        Raises:
            av.error.FFmpegError: Nothing of it can be read.
        """
        try:
            packet = next(self._packets)
        except StopIteration:
            return None
        except av.error.FFmpegError:
            if not self.good:
                raise
            return None
        self.count += 1
        return packet

    def decode(self, packet: Any) -> list[Any]:
        """The frames that a packet completes."""
        try:
            frames: list[Any] = packet.decode()
        except av.error.FFmpegError:
            self.bad += 1
            return []
        self.good += bool(frames)
        return frames

    def check(self) -> None:
        """At the end.

        Raises:
            BadAudio: More of it is damaged than whole.
        """
        if self.bad > self.good:
            raise BadAudio(
                f"{self._source.name} cannot be decoded (more of it is damaged than whole): "
                "give a file that a media player plays."
            )
