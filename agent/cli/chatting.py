"""`auricle chat`: instructions one after the other, about the same recordings, with a memory."""

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.asking import HEARING, Model, answer_lines, steps_to
from agent.cli.command import add, plural
from agent.cli.context import ensure_llm, ensure_models, recording_ids, working
from agent.cli.errors import Stopped
from agent.cli.output import Shown, print_human, say
from agent.cli.progress import CommandLineWork
from agent.cli.slash import SlashCommands
from agent.drafting import ANEW
from auricle.errors import AuricleError

if TYPE_CHECKING:
    from agent.conversation import Conversation

PANEL = "Ask"

HELLO = "Say what you want of {about}. /help lists the commands, Ctrl-C stops an answer, Ctrl-D leaves."
GO_ON = 'Stopped. What was heard is kept: "go on" does it again from there.'
UNFINISHED = 'This was not finished: "{said}". "go on" does it.'
LEAVING = {"/quit", "/exit"}


def register(app: typer.Typer) -> None:
    add(app, "chat", PANEL)(chat)


def chat(
    recordings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RECORDING]...", help="Files or ids. Without one: those of before, or the whole library."
        ),
    ] = None,
    model: Model = None,
    session: Annotated[str, typer.Option(metavar="NAME", help="Which conversation to go on with.")] = "chat",
    new: Annotated[bool, typer.Option("--new", help="Forget what was said in it, and begin anew.")] = False,
) -> Shown:
    """Instructions one after the other; they may refer back. Lines are read from standard input."""
    from agent.conversation import Conversation

    with working() as (toolbox, work):
        ids = recording_ids(toolbox, recordings or [], work)
        conversation = Conversation(toolbox, session=session, model=model)
        try:
            if new:
                conversation.begin_anew()
            if new or ids:
                conversation.open(ids)
            said = _Loop(conversation, work, SlashCommands(conversation, toolbox, work)).run()
            document = {"session": session, "recordings": conversation.recordings, "answers": said}
        finally:
            conversation.close()
    # What the person stopped has not failed.
    failed = [one["error"] for one in said if "error" in one and one["error"]["code"] != Stopped.code]
    return Shown({**({"error": failed[0]} if failed else {}), **document}, exit_code=1 if failed else 0)


class Words:
    """Shows an answer's words as they come, on a terminal; elsewhere the checked answer alone is shown."""

    def __init__(self, work: CommandLineWork) -> None:
        self.shown = ""
        self._work = work
        self._terminal = sys.stdout.isatty()

    def __call__(self, piece: str) -> None:
        if not self._terminal:
            return
        if piece == ANEW:
            self.end()
            self.shown = ""
            return
        if not self.shown:
            self._work.rest()
        self.shown += piece
        sys.stdout.write("".join(char if char.isprintable() or char == "\n" else " " for char in piece))
        sys.stdout.flush()

    def end(self) -> None:
        if self.shown:
            sys.stdout.write("\n")
            sys.stdout.flush()


class _Loop:
    """Reads, answers, and goes on until the end of the input."""

    def __init__(self, conversation: "Conversation", work: CommandLineWork, commands: SlashCommands) -> None:
        self._conversation = conversation
        self._commands = commands
        self._work = work
        self._said: list[dict[str, Any]] = []
        self._ready = False

    def run(self) -> list[dict[str, Any]]:
        """What was said, as ``--json`` prints it."""
        self._work.rest()
        many = self._conversation.recordings
        say(HELLO.format(about=plural(len(many), "recording") if many else "your whole library"))
        if unanswered := self._conversation.unanswered:
            say(UNFINISHED.format(said=unanswered))
        for line in _lines():
            if line in LEAVING:
                break
            with contextlib.suppress(KeyboardInterrupt):  # just after an answer: there is nothing to stop any more
                if line:
                    self._answer(line)
        return self._said

    def _answer(self, line: str) -> None:
        try:
            if line.startswith("/"):
                print_human([*self._commands(line), ""])
            else:
                self._say(line)
        except AuricleError as error:
            self._said.append({"said": line, "error": error.as_dict()})
            say(f"Error: {error.message}")
        except KeyboardInterrupt:
            self._said.append({"said": line, "error": Stopped(GO_ON).as_dict()})
            say(GO_ON)
        finally:
            self._work.rest()

    def _say(self, line: str) -> None:
        if not self._ready:
            ensure_models(HEARING, self._work)
            ensure_llm(self._conversation.model, self._work)
            self._ready = True
        words = Words(self._work)
        try:
            answer = self._conversation.say(line, work=self._work, on_step=steps_to(self._work), on_text=words)
        finally:
            self._work.rest()
            words.end()
        self._said.append(answer.model_dump(mode="json"))
        shown = answer_lines(answer)
        print_human([*(shown[1:] if words.shown == answer.answer else shown), ""])


def _lines() -> Iterator[str]:
    """What the person types, or a script of lines; Ctrl-C at the prompt empties it, twice in a row leaves."""
    terminal = sys.stdin.isatty() and sys.stderr.isatty()
    if terminal:
        import readline  # noqa: F401  (input() edits lines with it)
    stopped = False
    while True:
        try:
            if terminal:
                line = input("> ")
            else:
                line = sys.stdin.readline()
                if not line:
                    return
            stopped = False
        except EOFError:
            return
        except KeyboardInterrupt:
            if stopped:
                return
            stopped = True
            say("Ctrl-D or /quit leaves.")
            continue
        yield line.strip()
