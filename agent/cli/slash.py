"""The chat's slash commands. Only a line that the person types is one: what a model or a recording says is not."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from rich.console import RenderableType

from agent.cli.context import ensure_llm, recording_id
from agent.cli.output import table
from agent.cli.progress import CommandLineWork
from agent.cli.render import length, one_line
from auricle.errors import BadArgument

if TYPE_CHECKING:
    from agent.conversation import Conversation
    from tools.toolbox import Toolbox

Lines = Sequence[RenderableType]


class SlashCommands:
    """What a line that begins with a slash does.

    Args:
        conversation: Whose recordings, turns and model they show and change.
        toolbox: The tools.
        work: Told how far it is.
    """

    def __init__(self, conversation: "Conversation", toolbox: "Toolbox", work: CommandLineWork) -> None:
        self._conversation = conversation
        self._toolbox = toolbox
        self._work = work
        self._commands: dict[str, tuple[Callable[[list[str]], Lines], str]] = {
            "help": (self._help, "this list"),
            "recordings": (self._recordings, "[add FILE... | switch RECORDING... | all]: what the talk is about"),
            "speakers": (self._speakers, "[LABEL NAME]: who speaks how long; or gives a voice a name"),
            "files": (self._files, "the files written in this conversation"),
            "export": (self._export, "FORMAT [FILE]: writes the transcript"),
            "undo": (self._undo, "takes the last name given back"),
            "history": (self._history, "what was said here"),
            "model": (self._model, "[M]: which LLM answers; or another one from now on"),
            "new": (self._new, "forgets what was said; what was heard is kept"),
        }

    def __call__(self, line: str) -> Lines:
        """Carries a command out and returns what to show.

        Raises:
            BadArgument: There is no such command, or it wants something else.
            AuricleError: As the tools do.
        """
        try:
            name, *words = shlex.split(line[1:]) or [""]
        except ValueError:
            name, *words = line[1:].split() or [""]
        if name not in self._commands:
            raise BadArgument(f"There is no /{name}: /help lists the commands.")
        return self._commands[name][0](words)

    def _help(self, _: list[str]) -> Lines:
        told = [
            f"/{name} {what}" if what[0] in "[F" else f"/{name}: {what}" for name, (_, what) in self._commands.items()
        ]
        return [*told, "/quit: leaves. Removing a recording is left to `auricle remove`, which asks first."]

    def _recordings(self, words: list[str]) -> Lines:
        match words:
            case ["add", _, *_]:
                added = [recording_id(self._toolbox, path, self._work) for path in words[1:]]
                self._conversation.open([*self._conversation.recordings, *added])
            case ["switch", _, *_]:
                self._conversation.open([recording_id(self._toolbox, one, self._work) for one in words[1:]])
            case ["all"]:
                self._conversation.open([])
            case []:
                pass
            case _:
                raise BadArgument("Give /recordings, /recordings add FILE, /recordings switch RECORDING, or all.")
        about = set(self._conversation.recordings)
        shown = table("", "id", "length", "path")
        for known in self._toolbox.list_recordings().recordings:
            mark = "*" if known.id in about or not about else ""
            shown.add_row(mark, known.id, length(known.duration), one_line(known.path))
        return (
            [shown, "* is what the talk is about."]
            if shown.row_count
            else ["The library is empty: /recordings add FILE."]
        )

    def _speakers(self, words: list[str]) -> Lines:
        about = self._about()
        if words:
            if len(about) != 1 or len(words) < 2:
                raise BadArgument(
                    'Give a voice and its name, such as /speakers "Speaker 1" Diane, with one recording open.'
                )
            self._toolbox.name_speakers(about[0], names={words[0]: " ".join(words[1:])}, work=self._work)
        lines: list[RenderableType] = []
        for recording in about:
            told = self._toolbox.describe_recording(recording)
            if len(about) > 1:
                lines.append(f"{told.id}  {one_line(told.path)}")
            lines += [
                f"{voice.speaker}: {length(voice.seconds)} ({voice.share:.0%}, {voice.turns} turns)"
                for voice in told.speakers
            ] or ["Voices have not been told apart yet: ask who speaks."]
        return lines

    def _files(self, _: list[str]) -> Lines:
        written = dict.fromkeys(
            file for turn in self._conversation.turns for file in (turn["answer"] or {}).get("files", [])
        )
        return [f"{one_line(file)}{'' if Path(file).is_file() else '  (gone)'}" for file in written] or [
            "No file was written."
        ]

    def _export(self, words: list[str]) -> Lines:
        from tools.export import FORMATS
        from tools.toolbox import TranscriptFormat

        kinds: dict[str, TranscriptFormat] = {kind: kind for kind in get_args(TranscriptFormat)}
        if not 1 <= len(words) <= 2 or words[0] not in kinds:
            raise BadArgument(f"Give /export FORMAT [FILE], with one of {', '.join(kinds)}.")
        about, form = self._about(), FORMATS[words[0]]
        path = words[1] if len(words) == 2 else None
        if path and len(about) != 1:
            raise BadArgument("One file is for one recording: /recordings switch RECORDING first.")
        lines: list[RenderableType] = []
        for recording in about:
            described = self._toolbox.describe_recording(recording)
            if form.of_words:
                self._toolbox.transcribe(recording, work=self._work)
            if form.of_voices:
                count: dict[str, Any] = described.speaker_count
                self._toolbox.diarize(recording, **count, work=self._work)
            done = self._toolbox.export_transcript(recording, kinds[words[0]], path=path, work=self._work)
            lines += [f"Wrote {one_line(done.path)}.", *filter(None, [done.note])]
        return lines

    def _undo(self, _: list[str]) -> Lines:
        step = self._toolbox.library.edits.undo_last(self._about())
        if step is None:
            return ["There is nothing to undo: nothing was decided about these voices."]
        names = ", ".join(edit.name for edit in step.edits if edit.name)
        told = f"Taken back: {step.note}." if step.note else f"{names} is not that voice's name any more."
        return [told, *self._speakers([])]

    def _history(self, _: list[str]) -> Lines:
        lines: list[RenderableType] = []
        for turn in self._conversation.turns:
            answer = (turn["answer"] or {}).get("answer") or f"({turn['trouble']})"
            lines += [f"> {one_line(turn['said'])}", str(answer), ""]
        return lines or ["Nothing was said yet."]

    def _model(self, words: list[str]) -> Lines:
        if len(words) > 1:
            raise BadArgument("Give /model M: auto, local:[NAME or GGUF path], ollama:NAME or openai:NAME.")
        if words:
            ensure_llm(words[0], self._work)
            self._conversation.use(words[0])
        return [f"{self._conversation.model or self._toolbox.settings.model} answers."]

    def _new(self, _: list[str]) -> Lines:
        self._conversation.begin_anew()
        return ["What was said is forgotten; what was heard is kept."]

    def _about(self) -> list[str]:
        return self._conversation.recordings or [known.id for known in self._toolbox.list_recordings().recordings]
