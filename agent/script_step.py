"""One step of a script: its rounds, its arguments filled in, and what it came to before."""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from agent.script import ASK, Script, Step
from agent.script_check import checked, spec_of
from agent.script_scope import Round, Scope
from agent.script_terms import filled, in_words, own_words, value_of
from auricle.errors import AuricleError, BadArgument
from tools.toolbox import Toolbox
from tools.work import Work

KEPT = frozenset({ASK, "name_speakers", "slice_audio"})
"""What costs something each time. The library itself remembers what was heard; reading and exporting are quick."""

HEARING = frozenset({"transcribe", "diarize", "name_speakers"})
"""What decides how a recording reads: where such a step was changed, what was asked after it is asked again."""

MOST_ROUNDS = 1000

_VERSION = 1
"""Of what is kept; another one makes all of it anew."""


@dataclass(frozen=True)
class Outcome:
    """What a step came to. ``kept``: it was known from before."""

    result: Any
    files: list[str]
    citations: list[dict[str, Any]]
    arguments: dict[str, Any]
    seconds: float
    kept: bool


@dataclass
class Doing:
    """Carries steps out.

    Attributes:
        fresh: What was kept is not looked at.
        asking: Held while an LLM is asked: where recordings are worked at side by side, they share one.
    """

    script: Script
    toolbox: Toolbox
    model: str | None
    work: Work
    fresh: bool = False
    asking: AbstractContextManager[Any] = field(default_factory=nullcontext)
    elsewhere: dict[str, list[int]] = field(default_factory=dict)

    def rounds(self, step: Step, scope: Scope) -> Iterator[Round]:
        """Each time a step is done; once where it is no loop."""
        if not step.items:
            yield Round(scope.values(), scope.ids, scope.heard)
            return
        things = self._at(step, lambda: value_of(step.items, scope.values()))
        if not isinstance(things, list | tuple):
            raise BadArgument(f"{self.script.place(step)}: '{step.items}' is no list that one could go over.")
        if len(things) > MOST_ROUNDS:
            raise BadArgument(
                f"{self.script.place(step)}: {len(things)} rounds are more than {MOST_ROUNDS}: choose fewer, as with "
                f"`{step.items} | batch` or a `[:{MOST_ROUNDS}]`."
            )
        for thing in things:
            values = {**scope.values(), step.item: thing}
            ids = [thing["id"]] if step.item == "recording" and isinstance(thing, dict) else scope.ids
            yield Round(values, ids, scope.heard, thing)

    def wanted(self, step: Step, round_: Round) -> bool:
        """Whether its condition holds."""
        return not step.when or bool(self._at(step, lambda: value_of(step.when, round_.values)))

    def do(self, step: Step, round_: Round) -> Outcome:
        """Carries a step out, or recalls what it came to.

        Raises:
            AuricleError: As the tools and the agent do; a template's mistakes name the line.
        """
        asked = self.asked(step, round_)
        if step.tool in HEARING:
            round_.heard.append([step.tool, asked.arguments])
        known = self.known(asked)
        if known is not None:
            return Outcome(known["result"], known["files"], known["citations"], asked.arguments, 0.0, kept=True)
        began = time.monotonic()
        with ExitStack() as stack:
            if step.tool == ASK:
                stack.enter_context(self.asking)
            for recording in round_.ids:
                stack.enter_context(self.toolbox.library.kept.deciding(recording))
            result, files, citations = self._carry_out(asked)
        seconds = round(time.monotonic() - began, 2)
        if step.tool in KEPT:
            stamps = [_stamp(file) for file in files]
            data = {"result": result, "files": files, "stamps": stamps, "citations": citations, "seconds": seconds}
            self.toolbox.library.kept.keep(round_.ids, asked.key, data)
        return Outcome(result, files, citations, asked.arguments, seconds, kept=False)

    def asked(self, step: Step, round_: Round) -> "Asked":
        """A step with everything filled in."""
        if step.tool == ASK:
            words = self._at(step, lambda: in_words(step.arguments["instruction"], round_.values))
            arguments: dict[str, Any] = {"instruction": words}
        else:
            arguments = self._at(step, lambda: checked_now(step, round_.values))
        about = step.about if isinstance(step.about, str) else self._at(step, lambda: filled(step.about, round_.values))
        asked = Asked(step, round_, arguments, about)
        return replace(asked, key=self._key(asked))

    def known(self, asked: "Asked") -> dict[str, Any] | None:
        """What a step came to before, with its files still as they were written."""
        if asked.step.tool not in KEPT or self.fresh:
            return None
        known = self.toolbox.library.kept.recall(asked.round.ids, asked.key)
        if known is None or [_stamp(file) for file in known.get("files", ())] != known.get("stamps"):
            return None
        return known

    def _key(self, asked: "Asked") -> str:
        """The same for what would come to the same."""
        ids, library = asked.round.ids, self.toolbox.library
        for recording in ids:
            self.elsewhere.setdefault(recording, library.kept.decided_elsewhere(recording))
        read = asked.read_instead if isinstance(asked.about, str) else asked.about
        state = [
            _VERSION,
            [library.recordings.get(recording).sha256 for recording in ids],
            [self.elsewhere[recording] for recording in ids],
            asked.round.heard,
            asked.step.tool,
            asked.arguments,
            asked.step.schema,
            read,
            (self.model or self.toolbox.settings.model) if asked.step.tool != "slice_audio" else "",
            str(Path.cwd()) if asked.step.tool == "slice_audio" else "",
        ]
        return hashlib.sha256(json.dumps(state, sort_keys=True, default=str).encode()).hexdigest()[:32]

    def _carry_out(self, asked: "Asked") -> tuple[Any, list[str], list[dict[str, Any]]]:
        """The result, the files it wrote, and what it rests on."""
        step, ids = asked.step, asked.round.ids
        if step.tool == ASK and step.schema is not None:
            from agent.script_ask import fill, lines_about, lines_from

            if isinstance(asked.about, str):
                lines = lines_from(asked.read_instead)
            else:
                lines = lines_about(self.toolbox, ids[0], asked.about)
            instruction = asked.arguments["instruction"]
            found = fill(instruction, step.schema, lines, self.toolbox, model=self.model, work=self.work)
            return found.data, [], [one.model_dump() for one in found.citations]
        if step.tool == ASK:
            from agent.run import ask

            words = own_words(step.arguments["instruction"])
            result: BaseModel = ask(
                asked.arguments["instruction"], ids, self.toolbox, model=self.model, work=self.work, own_words=words
            )
            data = result.model_dump(mode="json")
            return data, data.get("files") or [], data.get("citations") or []
        (recording,) = ids
        result = getattr(self.toolbox, step.tool)(recording=recording, **asked.typed, work=self.work)
        data = result.model_dump(mode="json")
        return data, [data["path"]] if step.tool in ("export_transcript", "slice_audio") else [], []

    def _at(self, step: Step, find: Any) -> Any:
        """Mistakes that only show while it runs name their line as well."""
        try:
            return find()
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            told = f"{step.verb}: '{next(iter(first['loc']), '')}' is not allowed: {first['msg']}."
        except AuricleError as error:
            told = error.message
        raise BadArgument(f"{self.script.place(step)}: {told}")


@dataclass(frozen=True)
class Asked:
    """A step of a round with everything filled in. ``key``: under which its result is kept."""

    step: Step
    round: Round
    arguments: dict[str, Any]
    about: dict[str, Any] | str
    key: str = ""

    @cached_property
    def read_instead(self) -> Any:
        return filled(self.about, self.round.values)

    @cached_property
    def typed(self) -> dict[str, Any]:
        """The arguments as the tool takes them."""
        return checked(spec_of(self.step.tool), self.arguments)


def checked_now(step: Step, values: Mapping[str, Any]) -> dict[str, Any]:
    """A tool's arguments, filled in and checked, as JSON."""
    found = checked(spec_of(step.tool), filled(step.arguments, values))
    return {name: value.model_dump() if isinstance(value, BaseModel) else value for name, value in found.items()}


def _stamp(file: str) -> list[int] | None:
    try:
        found = Path(file).stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]
