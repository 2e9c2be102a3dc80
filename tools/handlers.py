"""What the worker does for each kind of job. The same functions run inline in tests and scripts."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from auricle.errors import BadArgument, LibraryError
from engines.protocols import Message
from engines.sources import is_full
from tools import diarizing, embedding, recognizing
from tools.context import Context
from tools.work import Work

Handler = Callable[[Context, dict[str, Any], Work], dict[str, Any]]
"""Args and result are JSON. Errors are of the auricle family; cancelling comes as ``Cancelled`` from the work."""

_DECODED_PIECE = 60.0
"""Seconds of sound, after which decoding can be left without loss."""


def chat(context: Context, args: dict[str, Any], work: Work) -> dict[str, Any]:
    """One turn of the local LLM.

    Args:
        args: ``model``, ``messages`` (fields of ``Message``), ``schema``, ``tools``, ``max_tokens``.

    Returns:
        The fields of ``Reply``.
    """
    work.report(0, 0, "thinking")
    llm = context.engines.llm(args["model"])
    messages = [
        Message(**{**message, "tool_calls": tuple(message.get("tool_calls") or ())}) for message in args["messages"]
    ]

    def tell(piece: str) -> None:
        work.check_cancelled()
        context.on_text(piece)

    reply = llm.chat(
        messages,
        schema=args.get("schema"),
        tools=args.get("tools") or (),
        max_tokens=args.get("max_tokens") or 512,
        on_text=tell,
    )
    work.check_cancelled()
    return asdict(reply)


def decode(context: Context, args: dict[str, Any], work: Work) -> dict[str, Any]:
    """Takes a file into the library.

    Args:
        args: ``path``, absolute.

    Returns:
        ``recording``: its id.
    """
    piece = 0.0

    def report(done: float, total: float) -> None:
        nonlocal piece
        work.report(done, total, "decoding")
        work.check_cancelled()
        if done - piece >= _DECODED_PIECE:
            piece = done
            work.between_pieces()

    return {"recording": context.library.recordings.add(Path(args["path"]), report).id}


def cut(context: Context, args: dict[str, Any], work: Work) -> dict[str, Any]:
    """A part of the sound as a file; ``tools.slicing.cut`` says more."""
    from tools import slicing  # pydub and PyAV, which nothing else here needs

    return slicing.cut(context, args, work)


def sound(context: Context, args: dict[str, Any], work: Work) -> dict[str, Any]:
    """The sound of a page; ``tools.slicing.write_small`` says more."""
    from tools import slicing

    return slicing.write_small(context, args, work)


def load(context: Context, args: dict[str, Any], work: Work) -> dict[str, Any]:
    """Loads the local LLM ``model``, which will be asked something in a moment."""
    work.report(0, 0, "loading the LLM")
    context.engines.llm(args["model"])
    return {}


HANDLERS: dict[str, Handler] = {
    "recognize": recognizing.recognize,
    "diarize": diarizing.diarize,
    "embed": embedding.embed,
    "chat": chat,
    "load": load,
    "decode": decode,
    "cut": cut,
    "sound": sound,
}

_RECALL = {"recognize": recognizing.recall, "diarize": diarizing.recall, "embed": embedding.recall}


def handle(context: Context, kind: str, args: dict[str, Any], work: Work) -> dict[str, Any]:
    """Does a job of any kind.

    Raises:
        BadArgument: A kind this version does not know.
        LibraryError: The disk is full.
    """
    handler = HANDLERS.get(kind)
    if handler is None:
        raise BadArgument(f"There is no work called '{kind}': allowed are {', '.join(HANDLERS)}.")
    try:
        return handler(context, args, work)
    except OSError as error:
        if is_full(error):
            raise LibraryError("The disk is full: make room, then ask again; what was heard is kept.") from error
        raise


def recall(context: Context, kind: str, args: dict[str, Any]) -> dict[str, Any] | None:
    """The result of a job whose work was all done before: no worker and no weights are needed for it."""
    return _RECALL[kind](context, args) if kind in _RECALL else None
