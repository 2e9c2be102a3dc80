"""What the steps of a script can use by name: results, and who speaks and what is said at this moment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.script import Step
from auricle.domain import Recording
from auricle.times import to_seconds
from tools.export.source import Source
from tools.export.text import lines_of, one_line
from tools.toolbox import Toolbox
from tools.transcript import fold


class Scope:
    """What the steps of a recording, or of all of them together, can use by name."""

    def __init__(self, names: Mapping[str, Any], ids: Iterable[str], live: "Live | None" = None) -> None:
        self.names = dict(names)
        self.ids = list(ids)
        self.heard: list[Any] = []
        self._live = live

    @classmethod
    def of_recording(cls, toolbox: Toolbox, recording: str, values: Mapping[str, Any]) -> "Scope":
        known = toolbox.library.recordings.get(recording)
        about = {"id": known.id, "path": known.path, "name": Path(known.path).name, "stem": Path(known.path).stem}
        return cls({**values, "recording": {**about, "duration": known.seconds}}, [known.id], Live(toolbox, known))

    @classmethod
    def of_all(
        cls, recordings: Iterable[Mapping[str, Any]], heard: Iterable[Any], values: Mapping[str, Any]
    ) -> "Scope":
        """Of recordings with their results; ``heard`` are the steps by which they were heard."""
        listed = [dict(one) for one in recordings]
        scope = cls({**values, "recordings": listed}, [one["id"] for one in listed])
        scope.heard = list(heard)
        return scope

    def values(self) -> dict[str, Any]:
        """All of it at this moment: who speaks and what is said may have changed since the last step."""
        return {**(self._live.values() if self._live else {}), **self.names}


@dataclass
class Live:
    """What is read anew for each step: the voices and lines of a recording."""

    toolbox: Toolbox
    recording: Recording

    def values(self) -> dict[str, Any]:
        transcript = fold(self.toolbox.library, self.recording)
        talk = self.toolbox.describe_recording(self.recording.id).speakers
        lines = lines_of(Source(title="", transcript=transcript, span=self.recording.span))
        return {
            "speakers": [
                {"name": each.speaker, "seconds": each.seconds, "share": each.share, "turns": each.turns}
                for each in talk
            ],
            "segments": [
                {
                    "start": to_seconds(line.start),
                    "end": to_seconds(line.end),
                    "speaker": transcript.display(line.speaker) or "",
                    "text": one_line(line.text),
                }
                for line in lines
            ],
        }


@dataclass(frozen=True)
class Round:
    """One time that a step is done: what it can use, and about which recordings it is."""

    values: dict[str, Any]
    ids: list[str]
    heard: list[Any]
    item: Any = None

    def told(self, step: Step, result: Any) -> Any:
        """A round's result; in a loop with what it was about beside it."""
        if not step.items:
            return result
        about = {step.item: self.item}
        return {**about, **result} if isinstance(result, dict) else {**about, "result": result}
