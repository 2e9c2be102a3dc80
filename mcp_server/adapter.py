"""A tool of the Toolbox as a tool of MCP: signature, schema and texts come from the catalog."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import anyio
import anyio.to_thread
from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit, ElicitationResult, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from auricle.errors import AuricleError, NotConfirmed
from mcp_server.folders import Folders
from mcp_server.work import CallWork, Patience
from tools.results import JobStatus
from tools.spec import ToolSpec
from tools.toolbox import Toolbox
from tools.work import StillWorking

PATH = "path"
"""The name of every parameter that is a file."""

CONTEXT = "context"
CONSENT = "consent"


class Yes(BaseModel):
    """What the person is asked before something is destroyed."""

    remove: bool = Field(description="Remove it.")


def as_mcp_tool(spec: ToolSpec, toolbox: Toolbox, patience: Patience, folders: Folders) -> Tool:
    """Wraps one tool.

    Args:
        spec: From ``tools.catalog``.
        toolbox: What carries the calls out.
        patience: Seconds until a long call answers with a job.
        folders: Where files may be read and written.
    """
    result = _or_job(spec.result) if spec.long else spec.result
    call = _call(spec, toolbox, patience, folders, result)
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
            raise ToolError(f"{self.name}: {_explain(error, self.checks)}") from None
        except AuricleError as error:
            raise ToolError(error.message) from None
        return await super().run(arguments, context, convert_result)


def _makes_files(spec: ToolSpec) -> bool:
    """Called twice without a path, it makes two files."""
    path = spec.parameters.model_fields.get(PATH)
    return path is not None and not path.is_required()


def _call(
    spec: ToolSpec, toolbox: Toolbox, patience: Patience, folders: Folders, result: type[BaseModel]
) -> Callable[..., Awaitable[BaseModel]]:
    method = getattr(toolbox, spec.name)

    async def call(**given: Any) -> BaseModel:
        context: Context[Any, Any] = given.pop(CONTEXT)
        consent = given.pop(CONSENT, None)
        work = CallWork(context, patience, confirmed=isinstance(consent, AcceptedElicitation) and consent.data.remove)
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
            raise ToolError(
                f"{error.message} Only a person can: `auricle remove {given.get('recording', '')} --yes`."
            ) from None
        except AuricleError as error:
            raise ToolError(error.message) from None
        return result.model_validate(done) if spec.long else done

    _sign(call, spec, method, result)
    return call


async def _in_thread(function: Callable[[], BaseModel], work: CallWork) -> BaseModel:
    """Runs the tool in a thread; a client that gives up gets control back at once, and the thread is told."""
    try:
        return await anyio.to_thread.run_sync(function, abandon_on_cancel=True)
    except anyio.get_cancelled_exc_class():
        work.cancel()
        raise


def _sign(call: Callable[..., Any], spec: ToolSpec, method: Callable[..., Any], result: type[BaseModel]) -> None:
    """Gives the wrapper the method's own signature, with the client's context in place of ``work``."""
    own = [p for p in inspect.signature(method, eval_str=True).parameters.values() if p.name != "work"]
    added: dict[str, Any] = {CONTEXT: Context}
    if spec.destructive:
        added[CONSENT] = Annotated[ElicitationResult[Yes], Resolve(_ask_person(spec))]
    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    parameters += [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, annotation=a) for n, a in added.items()]
    call.__name__ = spec.name
    call.__signature__ = inspect.Signature(parameters, return_annotation=result)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": result}


def _ask_person(spec: ToolSpec) -> Callable[..., Elicit[Yes] | Yes]:
    def ask(recording: str, context: Context) -> Elicit[Yes] | Yes:
        capabilities = context.client_capabilities
        if capabilities is None or capabilities.elicitation is None:
            return Yes(remove=False)  # nobody can be asked: the tool refuses, and says what a person can do
        return Elicit(f"{spec.title}: {recording}, with everything heard in it. The file itself stays.", Yes)

    return ask


def _or_job(result: type[BaseModel]) -> type[RootModel[Any]]:
    """The result, or a handle to the job that will have it; an object on the wire, as MCP wants it."""

    class ResultOrJob(RootModel[result | JobStatus]):  # type: ignore[valid-type]
        model_config = ConfigDict(json_schema_extra={"type": "object"})

    ResultOrJob.__name__ = ResultOrJob.__qualname__ = f"{result.__name__}OrJob"
    return ResultOrJob


def _explain(error: ValidationError, parameters: type[BaseModel]) -> str:
    """The first mistake, in one line."""
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        return f"there is no argument '{name}', only {', '.join(parameters.model_fields) or 'none'}."
    if first["type"] == "missing":
        return f"the argument '{name}' is missing."
    return f"'{name}' is not allowed: {first['msg']}."
