"""Tasks as data: what lies in the library, what a person says, and how it is graded."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bench.grading import GRADERS
from bench.meeting import FOLDER as MEETINGS
from bench.meeting import Meeting, load_meeting

FOLDER = Path(__file__).parent / "tasks"
HALVES = ("tune", "report")
_EVAL = "eval:"


@dataclass(frozen=True)
class Staged:
    """A recording of a task: a meeting under a file name, or one of the evaluation recordings (``eval:ID``)."""

    source: str
    file: str = ""
    after: int = 0
    said: tuple[str, ...] = ()

    @property
    def eval_id(self) -> str:
        return self.source.removeprefix(_EVAL) if self.source.startswith(_EVAL) else ""

    @property
    def name(self) -> str:
        """Its file's name."""
        return self.file or f"{self.source}.wav"

    def meeting(self) -> Meeting:
        meeting = load_meeting(self.source)
        return meeting.with_said(self.source, self.after, self.said) if self.said else meeting


@dataclass(frozen=True)
class Exchange:
    """What the person says, and what must hold afterwards: a grader's name and what it is given."""

    say: str
    graders: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        id: ``family/name``.
        half: ``tune`` or ``report``.
        open: The recordings that the instruction is about; none for the whole library.
        library: Those that lie in the library besides.
        heard: Whether all of them have been transcribed and diarized before.
        exchanges: One, or several for a conversation.
    """

    id: str
    half: str
    open: tuple[Staged, ...]
    library: tuple[Staged, ...]
    heard: bool
    exchanges: tuple[Exchange, ...]
    data: dict[str, Any] = field(compare=False, repr=False)

    @property
    def family(self) -> str:
        return self.id.partition("/")[0]

    @property
    def recordings(self) -> tuple[Staged, ...]:
        return (*self.open, *self.library)

    @property
    def key(self) -> str:
        """A hash of all that makes the task what it is: its data and its meetings, and no code."""
        texts = [
            (MEETINGS / f"{each.source}.txt").read_text(encoding="utf-8")
            for each in self.recordings
            if not each.eval_id
        ]
        return hashlib.sha256(json.dumps([self.id, self.data, texts], sort_keys=True).encode()).hexdigest()[:16]


def load_tasks(folder: Path = FOLDER) -> list[Task]:
    """All tasks, by family; each file is one.

    Raises:
        ValueError: A task is not as it has to be.
    """
    tasks = [
        task(path.stem, row)
        for path in sorted(folder.glob("*.yaml"))
        for row in YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    ]
    names = [each.id for each in tasks]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"There are two tasks called {', '.join(sorted(twice))}.")
    return tasks


def task(family: str, row: dict[str, Any]) -> Task:
    """A task from its row of data.

    Raises:
        ValueError: A key or a grader is not known, or something is missing.
    """
    name = f"{family}/{row.get('id')}"
    unknown = set(row) - {"id", "half", "open", "library", "heard", "say", "graders", "turns"}
    if unknown or row.get("half") not in HALVES or ("say" in row) == ("turns" in row):
        raise ValueError(
            f"{name}: give id, half (tune or report), open, and say with graders or turns. {unknown or ''}"
        )
    exchanges = tuple(Exchange(each["say"], tuple(each.get("graders", ()))) for each in row.get("turns") or [row])
    for exchange in exchanges:
        for grader in exchange.graders:
            if len(grader) != 1 or not set(grader) <= set(GRADERS):
                raise ValueError(f"{name}: {grader} is no grader: there are {', '.join(GRADERS)}.")
    if not any(exchange.graders for exchange in exchanges):
        raise ValueError(f"{name}: nothing is graded.")
    return Task(
        id=name,
        half=row["half"],
        open=tuple(map(_staged, row.get("open", ()))),
        library=tuple(map(_staged, row.get("library", ()))),
        heard=bool(row.get("heard", not row.get("open"))),
        exchanges=exchanges,
        data=json.loads(json.dumps(row)),
    )


def _staged(entry: str | dict[str, Any]) -> Staged:
    if isinstance(entry, str):
        return Staged(entry)
    return Staged(entry["source"], entry.get("file", ""), entry.get("after", 0), tuple(entry.get("said", ())))
