"""What a person may be about to type: ids, formats and speakers, for resource templates and prompts."""

from collections.abc import Mapping
from pathlib import Path

import anyio.to_thread
from mcp_types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from auricle.errors import AuricleError
from mcp_server.resources import Resources
from tools.toolbox import Toolbox
from tools.transcript import fold

MOST = 100
"""The protocol's own limit."""


class Completions:
    """Completes arguments from the library.

    Args:
        toolbox: Over the library.
        resources: Whose templates are completed.
        prompts: By name, which values their arguments may have.
    """

    def __init__(
        self, toolbox: Toolbox, resources: Resources, prompts: Mapping[str, Mapping[str, tuple[str, ...]]]
    ) -> None:
        self._toolbox = toolbox
        self._resources = resources
        self._prompts = prompts

    async def complete(
        self,
        reference: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        """Values that go on from what is typed; none where nothing is known."""
        told = (context and context.arguments) or {}
        found = await anyio.to_thread.run_sync(self._found, reference, argument, told)
        return Completion(values=found[:MOST], total=len(found), has_more=len(found) > MOST)

    def _found(
        self,
        reference: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        told: Mapping[str, str],
    ) -> list[str]:
        typed = argument.value.casefold()
        if argument.name == "recording":
            return self._recordings(typed)
        if argument.name == "speaker":
            return [name for name in self._speakers(told.get("recording", "")) if name.casefold().startswith(typed)]
        return [value for value in self._values(reference, argument.name) if value.casefold().startswith(typed)]

    def _recordings(self, typed: str) -> list[str]:
        """Ids, the newest first, of the recordings whose id begins so or whose file's name has it."""
        known = self._toolbox.library.recordings.list()[::-1]
        return [one.id for one in known if one.id.startswith(typed) or typed in Path(one.path).name.casefold()]

    def _speakers(self, recording: str) -> list[str]:
        try:
            known = self._resources.recording(recording)
        except AuricleError:
            return []
        return [view.display for view in fold(self._toolbox.library, known).speakers]

    def _values(self, reference: PromptReference | ResourceTemplateReference, argument: str) -> tuple[str, ...]:
        if isinstance(reference, PromptReference):
            return self._prompts.get(reference.name, {}).get(argument, ())
        kinds = (kind for kind in self._resources.kinds if kind.template.template == reference.uri)
        return next((kind.formats for kind in kinds if argument == "format"), ())
