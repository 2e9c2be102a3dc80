"""What a run has come to know so far, out of the graph's state: lines that were read, facts, and questions left."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from langchain_core.messages import ToolMessage

from agent.grounding import plain
from agent.state import AskState, Done
from agent.verify import SpokenLine
from auricle.times import clock
from tools.languages import LANGUAGES


def done_from(message: ToolMessage, tool: str, arguments: dict[str, Any]) -> Done:
    """A call and what came of it."""
    if message.status == "error":
        try:
            error = dict(json.loads(str(message.content)))
        except ValueError:
            error = {"code": "bad_argument", "message": str(message.content)}
        return Done(tool=tool, arguments=arguments, result=None, error=error)
    return Done(tool=tool, arguments=arguments, result=message.artifact, error=None)


def lines_of(state: AskState) -> list[SpokenLine]:
    """Every line that was read or found, once, in order."""
    found: dict[tuple[str, float, str], SpokenLine] = {}
    for entry in state["done"]:
        result = entry["result"] or {}
        for line in [*result.get("lines", []), *result.get("hits", [])]:
            recording = line.get("recording") or result.get("recording", "")
            spoken = SpokenLine(recording, line["start"], line["end"], line["speaker"], line["text"])
            found[recording, spoken.start, spoken.text] = spoken
    return sorted(found.values(), key=lambda line: (line.recording, line.start))


def questions_of(state: AskState) -> list[str]:
    """What is to be answered by reading, and was read for."""
    asked = [outcome["question"] for outcome in state["outcomes"] if outcome["kind"] == "answer"]
    return [question for question in dict.fromkeys(asked) if any(pages(state, question))]


def pages(state: AskState, question: str) -> list[Done]:
    """The pages that were read for a question."""
    wanted = [o["arguments"] for o in state["outcomes"] if o["kind"] == "answer" and o["question"] == question]
    return [
        entry
        for entry in state["done"]
        if entry["tool"] == "read_transcript"
        and entry["result"] is not None
        and {key: value for key, value in entry["arguments"].items() if key != "cursor"} in wanted
    ]


def read_for(state: AskState, question: str) -> list[SpokenLine]:
    """The lines that were read for a question; of several recordings with the recording before the speaker."""
    lines = lines_of({**state, "done": pages(state, question)})
    if len(state["recordings"]) < 2:
        return lines
    names = {recording["id"]: recording["name"] for recording in state["recordings"]}
    return [replace(line, speaker=f"{names[line.recording]}, {line.speaker or 'unknown'}") for line in lines]


def said_in_each(state: AskState, question: str) -> dict[str, Sequence[SpokenLine]]:
    """The lines that were read for a question, by the name of their recording."""
    lines = lines_of({**state, "done": pages(state, question)})
    parts = {r["name"]: [line for line in lines if line.recording == r["id"]] for r in state["recordings"]}
    return {name: part for name, part in parts.items() if part}


def facts_of(state: AskState) -> str:
    """What is known besides the words: a question may be about that."""
    told = []
    for recording in state["recordings"]:
        facts = [f"Recording {recording['name']}, {clock(recording['duration'])} long"]
        results = [
            e["result"] for e in state["done"] if e["result"] and e["result"].get("recording") == recording["id"]
        ]
        language = next((r["language"] for r in results if r.get("language")), None)
        if language:
            facts.append(LANGUAGES.get(language, language).capitalize())
        speakers: list[dict[str, Any]] = next((r["speakers"] for r in reversed(results) if r.get("speakers")), [])
        if speakers:
            facts.append(
                "speakers " + ", ".join(str(s.get("name") or s.get("label") or s.get("speaker")) for s in speakers)
            )
        told.append(", ".join(facts) + ".")
    return "\n".join(plain(line) for line in told[:8])


def moment_of(state: AskState, question: str) -> float | None:
    """The single time in seconds that a question is about."""
    return next((o["moment"] for o in state["outcomes"] if o["question"] == question and o["moment"] is not None), None)
