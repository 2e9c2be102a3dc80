"""`ask`: one instruction in plain words."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.command import add, plural
from agent.cli.context import (
    RECORDING_ID,
    ensure_llm,
    ensure_models,
    recording_ids,
    working,
)
from agent.cli.errors import Usage
from agent.cli.output import Shown
from agent.cli.progress import CommandLineWork
from agent.cli.render import length
from auricle.times import clock

if TYPE_CHECKING:
    from agent.run import Answer
    from engines.manifest import Role

PANEL = "Ask"

HEARING: "tuple[Role, ...]" = ("recognition", "segmentation", "embedding")

ROLES_OF: "dict[str, tuple[Role, ...]]" = {"transcribe": ("recognition",), "diarize": HEARING[1:], "ask": HEARING}
"""Which weights a step needs."""

Model = Annotated[
    str | None,
    typer.Option("--model", metavar="M", help="auto, local:[NAME or GGUF path], ollama:NAME or openai:NAME."),
]


def register(app: typer.Typer) -> None:
    add(app, "ask", PANEL)(ask)


def ask(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar='[RECORDING]... "INSTRUCTION"',
            help="Files or ids, and what to do as the last one. Without a recording: the whole library.",
        ),
    ],
    model: Model = None,
) -> Shown:
    """Does what an instruction says about recordings, and answers with times one can check."""
    *references, instruction = words
    if not instruction.strip() or RECORDING_ID.fullmatch(instruction) or Path(instruction).is_file():
        raise Usage(f"The instruction is missing after '{instruction}': auricle ask RECORDING \"INSTRUCTION\".")
    with working() as (toolbox, work):
        ids = recording_ids(toolbox, references, work)
        ensure_models(HEARING, work)
        local = ensure_llm(model, work)
        if local:
            from agent.local_llm import load_soon

            load_soon(local, toolbox.jobs, work)
        from agent.run import ask as answer_to  # takes a second to import, in which the worker loads the model

        answer = answer_to(instruction, ids, toolbox, model=model, work=work, on_step=steps_to(work))
    return Shown(answer.model_dump(mode="json"), answer_lines(answer))


def steps_to(work: CommandLineWork) -> Callable[[str, dict[str, Any]], None]:
    """Tells each step as it begins, with the seconds since the instruction was given."""
    began = time.monotonic()

    def tell(tool: str, arguments: Mapping[str, Any]) -> None:
        told = " ".join(f"{name}={value}" for name, value in arguments.items() if name != "recording")
        work.say(f"{time.monotonic() - began:4.0f} s  {tool} {told}".rstrip())

    work.say("   0 s  plan")
    return tell


def answer_lines(answer: "Answer") -> list[str]:
    """The answer, what it rests on, and what was done for it."""
    lines = [answer.answer]
    if answer.citations:
        lines.append("")
    for citation in answer.citations:
        mark = "" if citation.verified else "  (not verified)"
        lines.append(f"  [{clock(citation.start)}] “{citation.quote}”{mark}")
    lines += [f"File: {path}" for path in answer.files]
    lines += [f"Note: {warning}" for warning in answer.warnings]
    lines += [f"Assumed: {one}" for one in answer.assumed]
    steps = ", ".join(f"{step.tool} {length(step.seconds)}" for step in answer.steps)
    lines += ["", f"{plural(len(answer.steps), 'step')}: {steps or 'none'}; answered by {answer.model}"]
    return lines
