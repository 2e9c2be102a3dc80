"""The worker's process, seen from outside: started, found alive, ended."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from auricle.settings import Settings
from tools.worker import LOCK, LOG, PID

KILL: signal.Signals = getattr(signal, "SIGKILL", signal.SIGTERM)
"""Windows has the latter alone, and it ends a process at once."""

_POLL = 0.05


def start_worker(command: Sequence[str], home: Path, settings: Settings) -> "subprocess.Popen[bytes]":
    """Starts a process that becomes the home's worker, or leaves where there is one; it outlives this one."""
    log = os.open(home / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=home,
            env=_environment(settings),
        )
    finally:
        os.close(log)


def worker_alive(home: Path) -> bool:
    """Whether a worker holds the home's lock. The operating system lets go of it when the worker dies."""
    lock = FileLock(home / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def worker_pid(home: Path) -> int | None:
    """What the home's worker last wrote of itself; None where it wrote nothing."""
    try:
        return int((home / PID).read_text())
    except (OSError, ValueError):
        return None


def stop_worker(home: Path, patience: float = 5.0) -> None:
    """Ends the home's worker, if there is one: asks, and after ``patience`` seconds insists."""
    asked: set[int] = set()
    insist = time.monotonic() + patience
    while worker_alive(home) and time.monotonic() < insist + patience:
        pid = worker_pid(home)  # another one that waited for the lock may have come after the first
        if pid is not None and time.monotonic() > insist:
            _end(pid, KILL)
        elif pid is not None and pid not in asked:
            _end(pid, signal.SIGTERM)
            asked.add(pid)
        time.sleep(_POLL)


def kill_worker(home: Path, pid: int, seconds: float) -> None:
    """Ends a worker at once, and waits so long for it to be gone."""
    _end(pid, KILL)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and worker_alive(home):
        time.sleep(_POLL)


def _end(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _environment(settings: Settings) -> dict[str, str]:
    """This process's own, with the settings in force; the worker must find the same packages and the same home."""
    environment = dict(os.environ)
    values = settings.model_dump(mode="json", exclude={"openai_api_key"})
    # What is left open is empty there, which counts as not set.
    environment.update(
        {f"AURICLE_{name.upper()}": "" if value is None else str(value) for name, value in values.items()}
    )
    environment["AURICLE_WORKER"] = "process"
    if "AURICLE_CONFIG" in environment:
        environment["AURICLE_CONFIG"] = str(Path(environment["AURICLE_CONFIG"]).absolute())
    root = Path(__file__).parent.parent
    if root.name not in {"site-packages", "dist-packages"}:
        environment["PYTHONPATH"] = os.pathsep.join([str(root), *filter(None, [environment.get("PYTHONPATH")])])
    return environment
