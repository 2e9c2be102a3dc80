"""Prompts that a person picks in the client: each leads its model through the tools. The words are in prompts/."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, GetPromptResult, Prompt, PromptArgument, PromptMessage, TextContent

import prompts
from tools.toolbox import TranscriptFormat

_LONGEST = 2000

_RECORDING = "Which one: its id, or an audio or video file in an allowed folder."
_PEOPLE = "Who speaks, separated by commas."
_TERMS = "Unusual names and terms that are said, separated by commas."


@dataclass(frozen=True)
class Guide:
    """One prompt; its words are in ``prompts/guide_NAME.md``.

    Attributes:
        arguments: What a person may tell, by name, with a description.
        choices: The values an argument usually has: offered, not enforced.
    """

    name: str
    title: str
    description: str
    arguments: Mapping[str, str]
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


GUIDES: Sequence[Guide] = (
    Guide(
        "transcribe",
        "Transcribe step by step",
        "A guided transcription: people, roles, terms and format are asked for, voices are named, doubts are shown.",
        {
            "recording": _RECORDING,
            "people": _PEOPLE,
            "roles": "Who is what: Alice is the customer, Bob the agent.",
            "terms": _TERMS,
            "format": "The file to write.",
        },
        {"format": get_args(TranscriptFormat)},
    ),
    Guide(
        "minutes",
        "Minutes of a meeting",
        "Topics, decisions, tasks and open questions, each with who, an exact quote and its time.",
        {"recording": _RECORDING, "people": _PEOPLE, "topics": "What you care about most."},
    ),
    Guide(
        "interview",
        "Interview as Q&A",
        "Questions and answers word by word as a file, and a list of the questions.",
        {"recording": _RECORDING, "people": _PEOPLE, "interviewer": "Who asks the questions."},
    ),
    Guide(
        "subtitles",
        "Subtitles",
        "Subtitles in the language that is spoken, or in English.",
        {
            "recording": _RECORDING,
            "format": "srt or vtt.",
            "language": "The language of the subtitles: the one that is spoken, or English.",
        },
        {"format": ("srt", "vtt"), "language": ("as spoken", "English")},
    ),
    Guide(
        "who_is_who",
        "Who is who",
        "Names for the voices, with the quotes that show it; what stays open is asked.",
        {"recording": _RECORDING, "people": _PEOPLE},
    ),
    Guide(
        "clean_up",
        "Clean up a transcript",
        "Finds what was misheard, has it heard again with better hints, and lists what is still doubtful.",
        {"recording": _RECORDING, "terms": _TERMS},
    ),
)


def listed() -> list[Prompt]:
    """Every guide. The recording alone is required."""
    return [
        Prompt(
            name=guide.name,
            title=guide.title,
            description=guide.description,
            arguments=[
                PromptArgument(name=name, description=told, required=name == "recording")
                for name, told in guide.arguments.items()
            ],
        )
        for guide in GUIDES
    ]


def filled(name: str, arguments: Mapping[str, str] | None) -> GetPromptResult:
    """A guide with what the person told.

    Raises:
        MCPError: There is no such guide or argument, or the recording is missing.
    """
    guide = next((guide for guide in GUIDES if guide.name == name), None)
    if guide is None:
        raise _wrong(f"There is no prompt '{name[:40]}': there are {', '.join(guide.name for guide in GUIDES)}.")
    told = {argument: " ".join(value.split()) for argument, value in (arguments or {}).items() if value.strip()}
    unknown = next((argument for argument in told if argument not in guide.arguments), None)
    if unknown is not None:
        raise _wrong(f"{name} has no argument '{unknown[:40]}', only {', '.join(guide.arguments)}.")
    if "recording" not in told:
        raise _wrong(f"{name} needs to know which recording: give an id, or an audio or video file.")
    long = next((argument for argument, value in told.items() if len(value) > _LONGEST), None)
    if long is not None:
        raise _wrong(f"'{long}' is longer than {_LONGEST} characters: tell it shorter.")
    untold = prompts.load("guide_untold")
    words = prompts.load(f"guide_{name}", **{argument: told.get(argument, untold) for argument in guide.arguments})
    text = f"{words}\n\n{prompts.load('guide_rules')}"
    message = PromptMessage(role="user", content=TextContent(text=text))
    return GetPromptResult(description=guide.description, messages=[message])


def choices() -> dict[str, Mapping[str, tuple[str, ...]]]:
    """By prompt, which values its arguments usually have."""
    return {guide.name: guide.choices for guide in GUIDES}


def _wrong(message: str) -> MCPError:
    return MCPError(code=INVALID_PARAMS, message=message)
