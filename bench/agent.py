"""How far the agent can be relied on: `python -m bench.agent`.

Tasks are in bench/tasks/, meetings in bench/meetings/. Each is done in a library of its own and graded from what came
of it. Beside the agent stand the same model given the whole transcript at once, and a fixed pipeline. What is done is
kept in .bench/, and a run that was stopped goes on; `--fresh` does the agent's part anew, after a change of code.
"""

import argparse
import logging
import os
import platform
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from auricle.settings import Settings
from bench.agent_baselines import OnePrompt, Pipeline
from bench.agent_results import KEPT, Results, failures, table
from bench.agent_run import Agent, Result, System, run_task
from bench.eval_home import NoRecordings
from bench.task import HALVES, Task, load_tasks
from engines.build import build
from engines.llamacpp import open_local
from engines.llm import open_llm
from engines.protocols import LLM, Engines

QUICK = (
    "format/srt-whole",
    "range/cut-mp3",
    "range/srt-of-a-minute",
    "search/which-cat",
    "counting/how-many-people",
    "absent/pizza",
    "hostile/delete-all",
    "notool/hello",
)
REPORT = Path(__file__).parent / "results" / "agent.md"
BASELINES: dict[str, Callable[[], System]] = {"prompt": OnePrompt, "pipeline": Pipeline}


class Runner:
    """Runs tasks that nobody has run yet."""

    def __init__(self, llm: LLM, engines: Engines, results: Results, fresh: bool = False) -> None:
        self._llm, self._engines, self._results, self._fresh = llm, engines, results, fresh
        self._version = _version()

    def run(self, task: Task, make: Callable[[], System]) -> Result:
        """The kept result of a task, or a new one. A baseline does not change with the code and is always kept."""
        system = make()
        kept = self._results.get(task, self._llm.name, system.name)
        if kept is not None and not (self._fresh and system.name == Agent.name):
            return kept
        result = run_task(task, system, self._llm, self._engines)
        result.version = self._version
        self._results.add(result)
        return result


def main() -> None:
    arguments = _parser().parse_args()
    logging.getLogger().setLevel(logging.WARNING)
    tasks = _wanted(load_tasks(), arguments.half, arguments.only, arguments.quick)
    if not tasks:
        sys.exit(f"There is no task '{arguments.only}' in the half '{arguments.half}': see bench/tasks/.")
    settings = Settings(home=KEPT.parent / "home", worker="inline")  # where the local LLM keeps what it has read
    llm = open_llm(arguments.model, settings, lambda name: open_local(name, settings))
    runner = Runner(llm, build(settings), Results(), arguments.fresh)
    rows, left = _run_all(runner, tasks, not arguments.no_baselines and not arguments.quick, arguments.seconds)
    print(f"\n{table(tasks, rows)}\n\n{failures(tasks, rows)}")
    if left:
        print(f"\n{left} tasks are left: run it again.")
    elif arguments.half == "report" and not (arguments.only or arguments.quick or arguments.no_baselines):
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(_report(llm.name, tasks, rows), encoding="utf-8")
        print(f"\nWritten to {REPORT}.")
    if arguments.quick and any(row.fabricated for row in rows):
        sys.exit(1)


def _run_all(runner: Runner, tasks: Sequence[Task], baselines: bool, seconds: float | None) -> tuple[list[Result], int]:
    """Results, and how many tasks are left because the time was over; the families take turns."""
    began = time.monotonic()
    rows: list[Result] = []
    for number, task in enumerate(_in_turn(tasks)):
        if seconds is not None and time.monotonic() - began > seconds:
            return rows, len(tasks) - number
        for make in [Agent, *BASELINES.values()] if baselines else [Agent]:
            try:
                row = runner.run(task, make)
            except NoRecordings as missing:
                print(f"left out  {task.id}: {missing}", flush=True)
                break
            rows.append(row)
            print(_told(row), flush=True)
    return rows, 0


def _in_turn(tasks: Sequence[Task]) -> list[Task]:
    places: Counter[str] = Counter()
    numbered = []
    for task in tasks:
        numbered.append((places[task.family], task))
        places[task.family] += 1
    return [task for _, task in sorted(numbered, key=lambda pair: pair[0])]


def _told(row: Result) -> str:
    said = "pass" if row.passed else "FAIL"
    invented = f" INVENTED {row.fabricated}" if row.fabricated else ""
    why = f"  {'; '.join(row.wrong)}" if row.system == Agent.name else ""
    return f"{said}  {row.seconds:6.1f} s  {row.system:8}  {row.task}{why}{invented}"


def _wanted(tasks: Sequence[Task], half: str, only: str, quick: bool) -> list[Task]:
    if quick:
        return [task for task in tasks if task.id in QUICK]
    return [
        task
        for task in tasks
        if half in {"all", task.half} and (not only or task.family == only or task.id.startswith(only))
    ]


def _report(model: str, tasks: Sequence[Task], rows: Sequence[Result]) -> str:
    versions = ", ".join(sorted({row.version for row in rows if row.system == Agent.name}))
    cut = sum(row.cut for row in rows if row.system == OnePrompt.name)
    return (
        f"# The agent\n\nMeasured until {date.today():%d %B %Y} at {versions}: {model}, {platform.machine()}, "
        f"{os.cpu_count()} cores. {len(tasks)} tasks, of which none was used for tuning.\n\n"
        "Percent of tasks that passed; calls of the LLM, tokens read and written, and seconds are Auricle's for each "
        "task. Recordings that people made are heard beforehand, staged ones cost nothing to hear. *One prompt* is the "
        "same model given the whole transcript, with voices told apart and the words as they were heard; its answer "
        f"counts as the file where a text file is asked for, and in {cut} tasks the transcript was cut to its context. "
        "*Pipeline* transcribes, diarizes and exports Markdown whatever is asked for. Invented quotes are shown as "
        f"verified, or stand in the answer between quotation marks, and nobody said them.\n\n{table(tasks, rows)}\n\n"
        f"## What failed\n\n{failures(tasks, rows)}\n"
    )


def _version() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    found = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent, check=False)
    return found.stdout.strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="How far the agent can be relied on, beside two baselines.")
    parser.add_argument("--model", default="local:", help="local:[NAME or path], ollama:NAME or openai:NAME")
    parser.add_argument("--half", default="report", choices=[*HALVES, "all"], help="tune on one, report the other")
    parser.add_argument("--only", default="", metavar="FAMILY[/ID]", help="these tasks alone")
    parser.add_argument("--quick", action="store_true", help="eight fixed tasks, without baselines")
    parser.add_argument("--fresh", action="store_true", help="do the agent's part again")
    parser.add_argument("--no-baselines", action="store_true", help="the agent alone")
    parser.add_argument("--seconds", type=float, help="begin no task after so long; the next run goes on")
    return parser


if __name__ == "__main__":
    main()
