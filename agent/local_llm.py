"""The local LLM as a face sees it: it lives in the worker, and a turn is a job like any other."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from auricle.errors import NotFound
from auricle.settings import Settings
from engines.counting import Counting
from engines.llamacpp import DEFAULT_MODEL, gguf_in
from engines.manifest import anchored, load_manifest
from engines.protocols import LLMTraits, Message, OnText, Reply
from tools.work import Work

_BEFORE_LISTENING = 1
"""A turn is short: it goes before listening for whoever is as important."""


class RunsJobs(Protocol):
    """What of ``tools.jobs.Jobs`` is used here."""

    def run(
        self,
        kind: str,
        args: dict[str, Any],
        work: Work,
        priority: int | None = None,
        on_text: OnText | None = None,
    ) -> dict[str, Any]: ...


class PreparesJobs(Protocol):
    """What of ``tools.jobs.Jobs`` is used before there is anything to do."""

    def prepare(self, kind: str, args: dict[str, Any], priority: int) -> None: ...


def load_soon(model: str, jobs: PreparesJobs, work: Work) -> None:
    """Lets the worker load a model while the face gets ready to ask it."""
    jobs.prepare("load", {"model": f"local:{anchored(model)}"}, work.priority + _BEFORE_LISTENING)


class LocalLLM:
    """A model of the manifest or a GGUF file.

    Args:
        model: Its name or path; empty for the default.
        jobs: Where turns are done.
        work: Told how far it is, and asked whether to stop.
        settings: The length of its context.

    Raises:
        NotFound: There is neither such a name nor such a file.
    """

    def __init__(self, model: str, jobs: RunsJobs, work: Work, settings: Settings) -> None:
        model = model or DEFAULT_MODEL
        known = {known.name: known for known in load_manifest().models.values() if known.role == "llm"}
        if model not in known and not Path(model).expanduser().exists():
            raise NotFound(f"There is no local LLM '{model}': give {', '.join(known)}, or the path of a GGUF file.")
        self.name = f"local:{anchored(model)}"  # the worker stands elsewhere
        traits = LLMTraits(
            tools=known[model].calls_tools if model in known else True,
            context=settings.context_tokens,
            identity=f"local:{model}@{known[model].identity}" if model in known else _identity(Path(model)),
        )
        self._counting = Counting(self.name, traits, settings)
        self._jobs = jobs
        self._work = work

    @property
    def traits(self) -> LLMTraits:
        return self._counting.traits

    def chat(
        self,
        messages: Sequence[Message],
        *,
        schema: dict[str, Any] | None = None,
        tools: Sequence[dict[str, Any]] = (),
        max_tokens: int = 512,
        on_text: OnText | None = None,
    ) -> Reply:
        """One turn, in the worker."""
        args = {
            "model": self.name,
            "messages": [asdict(message) for message in messages],
            "schema": schema,
            "tools": list(tools),
            "max_tokens": max_tokens,
        }
        told = self._jobs.run("chat", args, self._work, self._work.priority + _BEFORE_LISTENING, on_text)
        reply = Reply(**{**told, "tool_calls": tuple(told.get("tool_calls") or ())})
        self._counting.learn(messages, tools, reply)
        return reply


def _identity(path: Path) -> str:
    """Of a person's own file: who changes it gets another."""
    stat = gguf_in(path.expanduser()).stat()
    return f"local:{path.name}@{stat.st_size}-{stat.st_mtime_ns}"
