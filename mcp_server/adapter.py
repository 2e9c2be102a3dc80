"""A tool of the Toolbox as a tool of MCP: signature, schema and texts come from the catalog."""

import functools
import inspect
import operator
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import anyio
import anyio.to_thread
from mcp.server.mcpserver import Context, ElicitationResult, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from auricle.errors import AuricleError, NotConfirmed
from mcp_server.asking import ANSWER, CONTEXT, Person, Unanswered, answered, resolver
from mcp_server.discretion import Discretion
from mcp_server.folders import Folders
from mcp_server.work import CallWork, Patience
from tools.results import JobStatus
from tools.spec import ToolSpec
from tools.toolbox import Toolbox
from tools.work import StillWorking

PATH = "path"
"""The name of every parameter that is a file."""

_LONGEST = 1000


def as_mcp_tool(spec: ToolSpec, toolbox: Toolbox, patience: Patience, folders: Folders, discretion: Discretion) -> Tool:
    """Wraps one tool.

    Args:
        spec: From ``tools.catalog``.
        toolbox: What carries the calls out.
        patience: Seconds until a long call answers with a job.
        folders: Where files may be read and written.
        discretion: What of other folders is told.
    """
    result = _result(spec)
    call = _call(spec, toolbox, patience, folders, discretion, result)
    tool = Tool.from_function(
        call,
        name=spec.name,
        title=spec.title,
        description=spec.description,
        annotations=ToolAnnotations(
            title=spec.title,
            read_only_hint=spec.read_only,
            destructive_hint=spec.destructive,
            idempotent_hint=spec.idempotent,
            open_world_hint=False,
        ),
    )
    parts = {name: getattr(tool, name) for name in Tool.model_fields}
    parts["parameters"] = spec.parameters.model_json_schema()
    return StrictTool(**parts, checks=spec.parameters)


class StrictTool(Tool):
    """Checks arguments against the catalog: the SDK alone would leave unknown ones out in silence."""

    checks: type[BaseModel] = Field(exclude=True)

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        try:
            self.checks.model_validate(self.fn_metadata.pre_parse_json(arguments))
        except ValidationError as error:
            raise _refusal(f"{self.name}: {_explain(error, self.checks)}") from None
        except AuricleError as error:
            raise _refusal(error.message) from None
        return await super().run(arguments, context, convert_result)


def _refusal(message: str) -> ToolError:
    """An error for the client; of one that quotes something endless the middle goes."""
    return ToolError(
        message if len(message) <= _LONGEST else f"{message[: _LONGEST // 2]} … {message[-_LONGEST // 2 :]}"
    )


def _makes_files(spec: ToolSpec) -> bool:
    """Called twice without a path, it makes two files."""
    path = spec.parameters.model_fields.get(PATH)
    return path is not None and not path.is_required()


def _call(
    spec: ToolSpec,
    toolbox: Toolbox,
    patience: Patience,
    folders: Folders,
    discretion: Discretion,
    result: type[BaseModel],
) -> Callable[..., Awaitable[BaseModel]]:
    method = getattr(toolbox, spec.name)

    async def attempt(given: dict[str, Any], context: Context[Any, Any], person: Person) -> BaseModel:
        given = dict(given)
        work = CallWork(context, patience, person)
        try:
            if given.get(PATH) is not None:
                place = folders.to_write if _makes_files(spec) else folders.to_read
                given[PATH] = place(given[PATH])
            done: BaseModel = await _in_thread(functools.partial(method, **given, work=work), work)
            if _makes_files(spec):
                folders.wrote(getattr(done, PATH))
        except StillWorking as waiting:
            if _makes_files(spec) and given.get(PATH) is not None:
                folders.wrote(given[PATH])  # nothing of the person's lay there, and the job writes it
            done = await anyio.to_thread.run_sync(toolbox.get_job, waiting.job.id)
        except NotConfirmed as error:
            if person.unasked is None:
                raise _refusal(discretion.sentence(error.message)) from None
            done = Unanswered(question=person.unasked.text, next=f"Put the question to the person. {error.message}")
        except AuricleError as error:
            raise _refusal(discretion.sentence(error.message)) from None
        done = discretion.result(done)
        return done if isinstance(done, result) else result.model_validate(done)

    async def call(**given: Any) -> BaseModel:
        context: Context[Any, Any] = given.pop(CONTEXT)
        if spec.asks:
            return await answered(attempt, given, context, given.pop(ANSWER))
        return await attempt(given, context, Person())

    added: dict[str, Any] = {CONTEXT: Context}
    if spec.asks:
        resolve = resolver(attempt)
        _sign(resolve, spec.name, method, added, Any)
        added[ANSWER] = Annotated[ElicitationResult[Any], Resolve(resolve)]
    _sign(call, spec.name, method, added, result)
    return call


async def _in_thread(function: Callable[[], BaseModel], work: CallWork) -> BaseModel:
    """Runs the tool in a thread; a client that gives up gets control back at once, and the thread is told."""
    try:
        return await anyio.to_thread.run_sync(function, abandon_on_cancel=True)
    except anyio.get_cancelled_exc_class():
        work.cancel()
        raise


def _sign(call: Callable[..., Any], name: str, method: Callable[..., Any], added: dict[str, Any], result: Any) -> None:
    """Gives a wrapper the method's own signature, with what the SDK supplies in place of ``work``."""
    own = [p for p in inspect.signature(method, eval_str=True).parameters.values() if p.name != "work"]
    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    parameters += [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, annotation=a) for n, a in added.items()]
    call.__name__ = call.__qualname__ = name
    call.__signature__ = inspect.Signature(parameters, return_annotation=result)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": result}


def _result(spec: ToolSpec) -> type[BaseModel]:
    """What a client gets: the result, or a handle to the job that will have it, or a question nobody could be asked."""
    others: list[Any] = [other for other, may in ((JobStatus, spec.long), (Unanswered, spec.destructive)) if may]
    if not others:
        return spec.result
    either: Any = functools.reduce(operator.or_, others, spec.result)

    class Either(RootModel[either]):
        model_config = ConfigDict(json_schema_extra={"type": "object"})  # an object on the wire, as MCP wants it

    Either.__name__ = Either.__qualname__ = "Or".join(
        [spec.result.__name__, *("Job" if other is JobStatus else other.__name__ for other in others)]
    )
    return Either


def _explain(error: ValidationError, parameters: type[BaseModel]) -> str:
    """The first mistake, in one line."""
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        return f"there is no argument '{name}', only {', '.join(parameters.model_fields) or 'none'}."
    if first["type"] == "missing":
        return f"the argument '{name}' is missing."
    return f"'{name}' is not allowed: {first['msg']}."
