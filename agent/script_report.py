"""What came of a script as a file: JSON for programs, CSV for a spreadsheet, Markdown to read."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from agent.script_run import RecordingReport, ScriptReport
from auricle.errors import BadArgument
from tools.export.text import escaped, one_line
from tools.paths import output_path, write_file

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_PICTURES = (".png", ".svg")
_ALWAYS = ("recording", "path", "error")


def write_report(report: ScriptReport, path: str) -> Path:
    """Writes it in the format that the path's ending says.

    Raises:
        BadArgument: Another ending, or a path that is not allowed.
        WorkError: It cannot be written.
    """
    write = writer_of(path)
    target = output_path(path, "report", "")
    write_file(target, write(report).encode("utf-8", "replace"))
    return target


def writer_of(path: str) -> Callable[[ScriptReport], str]:
    """Raises BadArgument where the ending says no format."""
    writer = _WRITERS.get(Path(path).suffix.lower())
    if writer is None:
        raise BadArgument(f"A report ends in {', '.join(_WRITERS)}, and '{path}' does not: give such a file.")
    return writer


def as_json(report: ScriptReport) -> str:
    return json.dumps(report.model_dump(mode="json", exclude_none=True), ensure_ascii=False, indent=2) + "\n"


def as_csv(report: ScriptReport) -> str:
    """A row for each recording, a column for each value that was kept under a name."""
    rows = [{**_about(done), **dict(_cells(done.results))} for done in report.recordings]
    if report.together is not None:
        error = (report.together.error or {}).get("message", "")
        together = dict(_cells(report.together.results))
        rows.append({"recording": "(together)", "path": "", "error": error, **together})
    columns = list(dict.fromkeys([*_ALWAYS, *(column for row in rows for column in row)]))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({column: _harmless(value) for column, value in row.items()} for row in rows)
    return out.getvalue()


def as_markdown(report: ScriptReport) -> str:
    """A section for each recording."""
    blocks = [f"# {escaped(report.script)}"]
    for done in report.recordings:
        blocks.append(f"## {escaped(Path(done.path).name)}")
        blocks += _section(done.results, done.files, done.error)
    if report.together is not None:
        blocks.append("## Together")
        blocks += _section(report.together.results, report.together.files, report.together.error)
    return "\n\n".join(blocks) + "\n"


_WRITERS: dict[str, Callable[[ScriptReport], str]] = {".json": as_json, ".csv": as_csv, ".md": as_markdown}


def result_lines(result: Any) -> list[str]:
    """A result as lines for a terminal: an answer as it was given, the rest as name: value."""
    shown = _shown(result)
    if isinstance(shown, Mapping) and "preview" in shown:
        return str(shown["preview"]).splitlines()
    if isinstance(shown, Mapping):
        return [one_line(f"{key}: {_cell(value)}") for key, value in shown.items()]
    return [one_line(str(_cell(each))) for each in shown] if isinstance(shown, list) else str(shown).splitlines()


def _about(done: RecordingReport) -> dict[str, Any]:
    return {"recording": done.recording or "", "path": done.path, "error": (done.error or {}).get("message", "")}


def _cells(results: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The values of results: an answer by its name, the fields of an object as NAME.FIELD, lists as JSON."""
    for name, result in results.items():
        shown = _shown(result)
        if not isinstance(shown, Mapping):
            yield name, _cell(shown)
            continue
        for key, value in shown.items():
            yield f"{name}.{key}", _cell(value)


def _shown(result: Any) -> Any:
    """What a person wants to see of a result: of the agent's the answer, of a tool's everything but its advice."""
    if isinstance(result, list):
        return [_shown(each) for each in result]
    if not isinstance(result, Mapping):
        return result
    if {"answer", "citations", "steps"} <= set(result):
        about = {key: value for key, value in result.items() if key not in _OF_THE_AGENT}
        return {**about, "answer": result["answer"]} if about else result["answer"]
    return {key: value for key, value in result.items() if key != "next"}


_OF_THE_AGENT = frozenset({"answer", "citations", "files", "steps", "model", "warnings", "assumed"})


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | Mapping) else value


def _harmless(value: Any) -> Any:
    """What was said is data to a spreadsheet too: text that it would take for a formula is marked as text."""
    if not isinstance(value, str):
        return value
    text = one_line(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _section(results: Mapping[str, Any], files: list[str], error: Mapping[str, str] | None) -> list[str]:
    blocks = []
    for name, result in results.items():
        blocks.append(f"### {escaped(name)}")
        blocks.append("\n".join(_lines(_shown(result))) or "—")
    if files:
        blocks.append("\n".join(f"- {escaped(file)}" for file in files))
        blocks += [f"![{escaped(Path(file).stem)}](<{quote(file)}>)" for file in files if file.endswith(_PICTURES)]
    if error:
        blocks.append(f"**Failed:** {escaped(error['message'])}")
    return blocks


def _lines(value: Any, depth: int = 0) -> Iterator[str]:
    indent = "  " * depth
    if isinstance(value, Mapping):
        for key, each in value.items():
            if isinstance(each, list | Mapping) and each:
                yield f"{indent}- **{escaped(str(key))}:**"
                yield from _lines(each, depth + 1)
            else:
                yield f"{indent}- **{escaped(str(key))}:** {_text(each)}"
    elif isinstance(value, list):
        for each in value:
            if isinstance(each, Mapping):
                yield f"{indent}- " + "; ".join(f"**{escaped(str(key))}:** {_text(part)}" for key, part in each.items())
            else:
                yield f"{indent}- {_text(each)}"
    else:
        yield f"{indent}{_text(value)}"


def _text(value: Any) -> str:
    if value is None or value in ("", []):
        return "—"
    return escaped(", ".join(map(str, value)) if isinstance(value, list) else str(value))
