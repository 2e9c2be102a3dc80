"""What came of tasks, kept as one JSON row each, so that a run goes on where it was; and the table of them."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.agent_run import Result
from bench.task import Task

KEPT = Path(__file__).parents[1] / ".bench" / "agent.jsonl"
SYSTEMS = {"auricle": "Auricle", "prompt": "one prompt", "pipeline": "pipeline"}


class Results:
    """All rows by task, model and system; the last one counts. The key has no code in it: ``--fresh`` runs anew."""

    def __init__(self, path: Path = KEPT) -> None:
        self._path = path
        self._rows: dict[tuple[str, str, str], Result] = {}
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                row = Result(**json.loads(line))
                self._rows[row.key, row.model, row.system] = row

    def get(self, task: Task, model: str, system: str) -> Result | None:
        return self._rows.get((task.key, model, system))

    def add(self, result: Result) -> None:
        """Keeps a result at once."""
        self._rows[result.key, result.model, result.system] = result
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result.as_row(), ensure_ascii=False) + "\n")


def table(tasks: Sequence[Task], rows: Iterable[Result]) -> str:
    """Pass rates by family, and what each task costs, in Markdown."""
    by_system: dict[str, dict[str, Result]] = {system: {} for system in SYSTEMS}
    for row in rows:
        by_system[row.system][row.task] = row
    shown = [system for system in SYSTEMS if by_system[system]]
    head = ["family", "tasks", *(SYSTEMS[system] for system in shown), "calls", "tokens", "seconds", "invented quotes"]
    lines = [_line(head), _line(["---"] * len(head))]
    families = list(dict.fromkeys(task.family for task in tasks))
    in_family = {family: [task for task in tasks if task.family == family] for family in families}
    lines += [_row(family, own, by_system, shown) for family, own in in_family.items()]
    lines.append(_row("**all**", tasks, by_system, shown))
    return "\n".join(lines)


def failures(tasks: Sequence[Task], rows: Iterable[Result]) -> str:
    """What Auricle failed, and why, as a list."""
    failed = {row.task: row for row in rows if row.system == "auricle" and not row.passed}
    return "\n".join(f"- {task.id}: {'; '.join(failed[task.id].wrong)}" for task in tasks if task.id in failed)


def _row(name: str, tasks: Sequence[Task], by_system: dict[str, dict[str, Result]], shown: Sequence[str]) -> str:
    passed = []
    for system in shown:
        rows = [by_system[system][task.id] for task in tasks if task.id in by_system[system]]
        passed.append(f"{100 * sum(row.passed for row in rows) / len(rows):.0f} %" if rows else "–")
    own = [by_system["auricle"][task.id] for task in tasks if task.id in by_system["auricle"]]
    if not own:
        return _line([name, str(len(tasks)), *passed, "–", "–", "–", "–"])
    calls = sum(row.calls for row in own) / len(own)
    tokens = sum(row.prompt_tokens + row.completion_tokens for row in own) / len(own)
    seconds = sum(row.seconds for row in own) / len(own)
    invented = sum(len(row.fabricated) for row in own)
    costs = [f"{calls:.1f}", f"{tokens:.0f}", f"{seconds:.0f}", str(invented)]
    return _line([name, str(len(tasks)), *passed, *costs])


def _line(cells: Sequence[Any]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
