"""What a result itself calls for, and what a failure makes pointless: the plan goes on from what came of it."""

from collections.abc import Sequence
from typing import Any

from agent.plan import PAGE_TOKENS
from agent.state import AskState, Call, Done, Outcome


def following(entry: Done, state: AskState, outcomes: list[Outcome]) -> list[Call]:
    """What a result itself calls for: the next page, names that were found, a reading where a search found nothing."""
    result, arguments = entry["result"] or {}, entry["arguments"]
    match entry["tool"]:
        case "read_transcript" if result.get("cursor"):
            return [Call(tool="read_transcript", arguments={**arguments, "cursor": result["cursor"]})]
        case "name_speakers" if "people" not in arguments and "names" not in arguments:
            names = _introduced(result)
            if names:
                return [Call(tool="name_speakers", arguments={**arguments, "names": names})]
        case "search_transcript" if not result["hits"] and len(state["recordings"]) == 1:
            reading = {"recording": arguments["recording"], "max_tokens": PAGE_TOKENS}
            for number, outcome in enumerate(outcomes):
                if outcome["kind"] == "search_transcript" and outcome["arguments"] == arguments:
                    outcomes[number] = Outcome(
                        kind="answer", arguments=reading, question=state["instruction"], moment=None
                    )
            return [Call(tool="read_transcript", arguments=reading)]
    return []


def _introduced(result: dict[str, Any]) -> dict[str, str]:
    """Voices that say one name of themselves; a name that two say is nobody's."""
    names: dict[str, set[str]] = {}
    for candidate in result.get("candidates", []):
        if candidate["points_at"] == "speaker":
            names.setdefault(candidate["speaker"], set()).add(candidate["name"])
    claimed = [name for said in names.values() for name in said]
    unnamed = {speaker["label"] for speaker in result.get("speakers", []) if speaker["name"] is None}
    return {
        voice: next(iter(said))
        for voice, said in names.items()
        if len(said) == 1 and voice in unnamed and claimed.count(next(iter(said))) == 1
    }


def without_failed(todo: Sequence[Call], failed: Done) -> list[Call]:
    """Where listening failed, nothing that builds on it is tried; a name that is not found stops nothing."""
    if failed["tool"] not in {"transcribe", "diarize"}:
        return list(todo)
    recording = failed["arguments"].get("recording")
    return [call for call in todo if call["arguments"].get("recording") != recording or call["tool"] == "slice_audio"]
