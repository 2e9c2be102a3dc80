"""Recordings, transcripts and sounds as resources: what a client can show, play, or put before its model.

URIs hold ids, never paths, and nothing read here says where a file lies.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio.to_thread
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.shared.exceptions import MCPError
from mcp.shared.uri_template import UriTemplate
from mcp_types import INVALID_PARAMS, Resource, ResourceTemplate

from auricle.domain import Recording, Span
from auricle.errors import AuricleError, NotFound, RequestError
from auricle.times import clock, parse_time, to_samples, to_seconds
from mcp_server.discretion import Discretion
from tools import clips
from tools.excerpts import READABLE, excerpt
from tools.export import FORMATS
from tools.ranges import span_of
from tools.toolbox import Toolbox

ALL = "auricle://recordings"
ONE = UriTemplate.parse(ALL + "/{recording}")
TRANSCRIPT = UriTemplate.parse(ALL + "/{recording}/transcript.{format}{?start,end}")
AUDIO = UriTemplate.parse(ALL + "/{recording}/audio.{format}{?start,end}")
VOICE = UriTemplate.parse(ALL + "/{recording}/voices/{speaker}.{format}")

MOST_LISTED = 100
"""Recordings in the list, the newest first; every other one can be read as well."""

_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", **{kind: FORMATS[kind].media_type for kind in READABLE}}

Contents = list[ReadResourceContents]


@dataclass(frozen=True)
class Kind:
    """One template: how it is told, what its ``format`` may be, and how it is read."""

    template: UriTemplate
    name: str
    title: str
    description: str
    formats: tuple[str, ...]
    read: Callable[..., Contents]


class Resources:
    """What can be read of a library.

    Args:
        toolbox: Over the library.
        discretion: What of the person's folders an error may tell.
    """

    def __init__(self, toolbox: Toolbox, discretion: Discretion) -> None:
        self._toolbox, self._discretion = toolbox, discretion
        sounds = tuple(clips.LONGEST)
        limits = ", ".join(f"{seconds:.0f} s as {kind}" for kind, seconds in clips.LONGEST.items())
        self.kinds: Sequence[Kind] = (
            Kind(
                ONE,
                "recording",
                "Recording",
                "Its length, language and voices, as far as they are known.",
                (),
                self._one,
            ),
            Kind(
                TRANSCRIPT,
                "transcript",
                "Transcript",
                "What is said, or a range of it; start and end are seconds, M:SS or H:MM:SS. A long one ends early and "
                "says how to read on.",
                READABLE,
                self._transcript,
            ),
            Kind(
                AUDIO,
                "audio",
                "Sound",
                f"A range of the sound to play, at most {limits}. Longer cuts: slice_audio.",
                sounds,
                self._audio,
            ),
            Kind(
                VOICE,
                "voice",
                "Voice",
                "A few seconds in which this speaker alone is heard; by name, label or id.",
                sounds,
                self._voice,
            ),
        )

    def listed(self) -> list[Resource]:
        """The recordings, and the transcripts of those that have one."""
        found = [
            Resource(
                uri=ALL,
                name="recordings",
                title="Recordings",
                description="The recordings in the library, with their ids.",
                mime_type=_TYPES["json"],
            )
        ]
        library = self._toolbox.library
        heard = library.takes.heard()
        for known in library.recordings.list()[: -MOST_LISTED - 1 : -1]:
            name, length = Path(known.path).name, clock(known.seconds)
            found.append(
                Resource(
                    uri=ONE.expand({"recording": known.id}),
                    name=known.id,
                    title=name,
                    description=f"What is known of {name} ({length}).",
                    mime_type=_TYPES["json"],
                )
            )
            if known.id in heard:
                found.append(
                    Resource(
                        uri=TRANSCRIPT.expand({"recording": known.id, "format": "txt"}),
                        name=f"{known.id}-transcript",
                        title=f"{name}: transcript",
                        description=f"What is said in {name} ({length}).",
                        mime_type=_TYPES["txt"],
                    )
                )
        return found

    def templates(self) -> list[ResourceTemplate]:
        """How to ask for anything else."""
        return [
            ResourceTemplate(
                uri_template=kind.template.template,
                name=kind.name,
                title=kind.title,
                description=kind.description,
                mime_type=None if kind.formats else _TYPES["json"],
            )
            for kind in self.kinds
        ]

    async def read(self, uri: str) -> Contents:
        """Reads one.

        Raises:
            ResourceNotFoundError: There is no such resource, recording or voice.
            MCPError: A range or a format that is not allowed, or something to be called before.
            ResourceError: It cannot be read.
        """
        try:
            return await anyio.to_thread.run_sync(self._read, uri, abandon_on_cancel=True)
        except NotFound as error:
            raise ResourceNotFoundError(self._discretion.sentence(error.message)) from None
        except RequestError as error:
            message = self._discretion.sentence(error.message)
            raise MCPError(code=INVALID_PARAMS, message=message, data={"uri": uri}) from None
        except AuricleError as error:
            raise ResourceError(self._discretion.sentence(error.message)) from None

    def recording(self, id: str) -> Recording:
        """A recording by its id alone: a name or a path is no part of a URI.

        Raises:
            NotFound: There is none.
        """
        known = next((known for known in self._toolbox.library.recordings.list() if known.id == id), None)
        if known is None:
            raise NotFound(f"There is no recording '{_shown(id)}': {ALL} lists those that are.")
        return known

    def _read(self, uri: str) -> Contents:
        if uri == ALL:
            return self._all()
        for kind in self.kinds:
            found = kind.template.match(uri)
            if found is not None:
                return kind.read(self.recording(str(found.pop("recording"))), **found)
        known = ", ".join([ALL, *(kind.template.template for kind in self.kinds)])
        raise NotFound(f"There is no resource '{_shown(uri)}': there are {known}.")

    def _all(self) -> Contents:
        listed = self._toolbox.list_recordings()
        told = [
            {**one.model_dump(exclude={"path"}), "name": Path(one.path).name, "uri": ONE.expand({"recording": one.id})}
            for one in listed.recordings
        ]
        return [_json({"recordings": told, "next": listed.next})]

    def _one(self, known: Recording) -> Contents:
        described = self._toolbox.describe_recording(known.id)
        told = {"name": Path(known.path).name, **described.model_dump(exclude={"path"})}
        told["transcript"] = TRANSCRIPT.expand({"recording": known.id, "format": "txt"})
        for speaker in told["speakers"]:
            speaker["voice"] = VOICE.expand({"recording": known.id, "speaker": speaker["id"], "format": "wav"})
        return [_json(told)]

    def _transcript(self, known: Recording, format: str, start: str | None = None, end: str | None = None) -> Contents:
        span = span_of(known, start, end)
        found = excerpt(self._toolbox.library, known, span, format)
        notes = [found.note] if found.note else []
        if found.goes_on is not None:
            following = TRANSCRIPT.expand({"recording": known.id, "format": format, "start": str(found.goes_on)})
            if end is not None:
                following += f"&end={to_seconds(span.end)}"
            told = f"{clock(to_seconds(found.span.start))} to {clock(found.goes_on)}"
            notes.append(f"This is {told} of {known.id}; it goes on: read {following}")
        contents = [ReadResourceContents(found.text, _TYPES[format])]
        if notes:
            contents.append(ReadResourceContents(" ".join(notes), _TYPES["txt"]))
        return contents

    def _audio(self, known: Recording, format: str, start: str | None = None, end: str | None = None) -> Contents:
        longest = clips.longest_of(format)
        if end is None:
            last = min(known.duration, to_samples(parse_time(start or 0) + longest))
            span = span_of(known, start, to_seconds(last))
        else:
            span = span_of(known, start, end)
        return [self._sound(known, span, format)]

    def _voice(self, known: Recording, speaker: str, format: str) -> Contents:
        clips.longest_of(format)
        return [self._sound(known, clips.of_voice(self._toolbox.library, known, speaker), format)]

    def _sound(self, known: Recording, span: Span, format: str) -> ReadResourceContents:
        data = clips.sound(self._toolbox.library, known, span, format)
        where = {"auricle/start": to_seconds(span.start), "auricle/end": to_seconds(span.end)}
        return ReadResourceContents(data, _TYPES[format], where)


def _json(told: dict[str, Any]) -> ReadResourceContents:
    return ReadResourceContents(json.dumps(told, ensure_ascii=False, indent=1), _TYPES["json"])


def _shown(text: str) -> str:
    """What somebody sent, short and printable."""
    kept = "".join(char if char.isprintable() else "?" for char in text[:60])
    return kept if len(text) <= 60 else kept + "…"
