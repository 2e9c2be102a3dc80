"""One task, done: a home of its own, the instruction carried out by the agent, and what came of it."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from agent.conversation import Conversation
from agent.referring import Unclear
from agent.run import Answer, ask
from auricle.errors import AuricleError
from auricle.settings import Settings
from auricle.times import to_seconds
from bench.eval_home import heard_home
from bench.grading import Cited, Heard, Seen, complaints, fabricated
from bench.staging import Stage
from bench.task import Exchange, Task
from engines.protocols import LLM, Engines, Message, Reply
from tools.toolbox import Toolbox
from tools.transcript import fold

_SOUND = {"wav", "mp3", "flac", "ogg"}


@dataclass
class Result:
    """What came of a task.

    Attributes:
        wrong: Empty where it passed.
        fabricated: Quotes that nobody said and that are shown as if somebody had.
        key: The task's, by which it is found again.
        version: Of the code.
        cut: The system did not see all of the transcript.
    """

    task: str
    system: str
    model: str
    passed: bool
    wrong: list[str]
    fabricated: list[str]
    calls: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    steps: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    key: str = ""
    version: str = ""
    cut: bool = False

    def as_row(self) -> dict[str, Any]:
        return asdict(self)


class CountingLLM:
    """Counts what is asked of an LLM, and says otherwise what that one says."""

    def __init__(self, llm: LLM) -> None:
        self._llm = llm
        self.name, self.traits = llm.name, llm.traits
        self.calls = self.prompt_tokens = self.completion_tokens = 0

    def chat(self, messages: Sequence[Message], **options: Any) -> Reply:
        reply = self._llm.chat(messages, **options)
        self.calls += 1
        self.prompt_tokens += reply.prompt_tokens
        self.completion_tokens += reply.completion_tokens
        return reply

    def __getattr__(self, name: str) -> Any:
        return getattr(self._llm, name)


@dataclass
class Scene:
    """A task's library, ready.

    Attributes:
        opened: The ids of the recordings that the instruction is about; none for the whole library.
        folder: Where files land.
        originals: The files that the recordings were added from.
        talk: It is a conversation of several turns.
        endings: Of the text files that are asked for.
    """

    toolbox: Toolbox
    opened: list[str]
    folder: Path
    originals: list[Path]
    talk: bool = False
    endings: list[str] = field(default_factory=list)

    @property
    def known(self) -> dict[str, str]:
        """The file names of the recordings that are meant, by id."""
        every = {each.id: Path(each.path).name for each in self.toolbox.library.recordings.list()}
        return {one: every[one] for one in self.opened} if self.opened else every


class System(Protocol):
    """Something that carries out instructions: the agent, or a baseline."""

    name: str
    cut: bool
    """Whether it did not see all of a transcript."""

    def say(self, instruction: str, scene: Scene, llm: CountingLLM) -> Answer:
        """Carries out one instruction; of several, one after the other."""
        ...

    def close(self) -> None:
        """Nothing more is said; the library is about to go."""
        ...


class Agent:
    """Auricle's own: `auricle ask`, and `auricle chat` where a task has several turns."""

    name = "auricle"
    cut = False

    def __init__(self) -> None:
        self._conversation: Conversation | None = None

    def say(self, instruction: str, scene: Scene, llm: CountingLLM) -> Answer:
        if not scene.talk:
            return ask(instruction, scene.opened, scene.toolbox, llm=llm)
        if self._conversation is None:
            self._conversation = Conversation(scene.toolbox, llm=llm)
            self._conversation.open(scene.opened)
        return self._conversation.say(instruction)

    def close(self) -> None:
        if self._conversation is not None:
            self._conversation.close()


@contextmanager
def scene_of(task: Task, real: Engines, llm: LLM) -> Iterator[Scene]:
    """A task's recordings in a home of its own, and the current folder an empty one."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="auricle-task-") as name:
        place = Path(name)
        home, folder, recordings = place / "home", place / "files", place / "recordings"
        folder.mkdir()
        recordings.mkdir()
        eval_ids = {each.eval_id for each in task.recordings if each.eval_id}
        known = heard_home(eval_ids, home) if eval_ids else {}
        stage = Stage()
        toolbox = Toolbox(Settings(home=home, worker="inline"), engines=stage.engines(real, lambda _: llm))
        ids: list[str] = []
        originals: list[Path] = []
        for each in task.recordings:
            if each.eval_id:
                ids.append(known[each.eval_id])
                continue
            path = stage.put(each.meeting(), recordings / each.name)
            originals.append(path)
            ids.append(toolbox.add_recording(str(path)).id)
        if task.heard:
            for one in ids:
                toolbox.transcribe(one)
                toolbox.diarize(one)
        os.chdir(folder)
        try:
            yield Scene(toolbox, ids[: len(task.open)], folder, originals, talk=len(task.exchanges) > 1)
        finally:
            os.chdir(before)
            toolbox.close()
            shutil.rmtree(home, ignore_errors=True)


def run_task(task: Task, system: System, llm: LLM, real: Engines) -> Result:
    """Does all of a task's exchanges and grades each."""
    counting = CountingLLM(llm)
    wrong: list[str] = []
    false: list[str] = []
    steps: list[str] = []
    answers: list[str] = []
    with scene_of(task, real, llm) as scene:
        began = time.perf_counter()
        for number, exchange in enumerate(task.exchanges, 1):
            scene.endings = _endings(exchange)
            seen = _seen(exchange, system, scene, counting)
            place = f"turn {number}: " if len(task.exchanges) > 1 else ""
            wrong += [f"{place}{each}" for each in complaints(seen, exchange.graders)]
            false += fabricated(seen)
            steps += [tool for tool, _ in seen.steps]
            answers.append(seen.answer or seen.error)
        seconds = time.perf_counter() - began
        system.close()
    return Result(
        task=task.id,
        system=system.name,
        model=llm.name,
        passed=not wrong,
        wrong=wrong,
        fabricated=false,
        calls=counting.calls,
        prompt_tokens=counting.prompt_tokens,
        completion_tokens=counting.completion_tokens,
        seconds=round(seconds, 2),
        steps=steps,
        answers=answers,
        key=task.key,
        cut=system.cut,
    )


def _seen(exchange: Exchange, system: System, scene: Scene, llm: CountingLLM) -> Seen:
    library = scene.toolbox.library
    recordings_before = {recording.id: Path(recording.path).name for recording in library.recordings.list()}
    files_before = _files(scene.folder)
    seen = Seen(said=exchange.say, ids=recordings_before)
    seen.opened = [recordings_before[one] for one in scene.opened]
    try:
        answer = system.say(exchange.say, scene, llm)
    except Unclear as question:
        seen.answer = f"Which one? {', '.join(recordings_before[one] for one in question.options)}"
    except AuricleError as error:
        seen.error = str(error)
    else:
        seen.answer = answer.answer
        seen.citations = [Cited(c.recording, c.start, c.end, c.quote, c.verified) for c in answer.citations]
        seen.steps = [(step.tool, step.arguments) for step in answer.steps]
    after = _files(scene.folder)
    seen.files = [path for path, stamp in after.items() if files_before.get(path) != stamp]
    left = {recording.id for recording in library.recordings.list()}
    seen.lost = [name for one, name in recordings_before.items() if one not in left]
    seen.lost += [path.name for path in [*scene.originals, *files_before] if not path.is_file()]
    for recording in library.recordings.list():
        transcript = fold(library, recording)
        name = Path(recording.path).name
        seen.transcripts[name] = [
            Heard(to_seconds(word.start), to_seconds(word.end), word.text, transcript.display(word.speaker) or "")
            for utterance in transcript.utterances
            for word in utterance.words
        ]
        seen.names[name] = [view.name for view in transcript.speakers if view.name]
    return seen


def _endings(exchange: Exchange) -> list[str]:
    wanted = [grader["file"]["ending"] for grader in exchange.graders if "file" in grader]
    wanted += ["json" for grader in exchange.graders if "json_keys" in grader]
    return [ending for ending in dict.fromkeys(wanted) if ending not in _SOUND]


def _files(folder: Path) -> dict[Path, tuple[int, int]]:
    """Everything in the folder with size and time: what is written over counts as new."""
    return {
        path: (path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(folder.rglob("*")) if path.is_file()
    }
