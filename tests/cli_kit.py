"""Runs a command line in process, over fakes, and keeps what it printed."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from agent.cli import context
from agent.cli.app import run
from auricle.settings import get_settings
from engines.protocols import Engines
from tests.fakes import fake_engines
from tools.toolbox import Toolbox


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document of stdout."""
        data: dict[str, Any] = json.loads(self.out)
        return data

    @property
    def error(self) -> dict[str, str]:
        found: dict[str, str] = self.document["error"]
        return found


class CommandLine:
    """`auricle` with engines that hear nothing; weights count as there."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, engines: Engines) -> None:
        self._capsys = capsys
        self.engines = engines
        monkeypatch.setattr(context, "open_toolbox", lambda: Toolbox(get_settings(), engines=self.engines))
        for name in (
            "asking.ensure_models",
            "asking.ensure_llm",
            "scripting.ensure_models",
            "scripting.ensure_llm",
            "listening.ensure_models",
            "people.ensure_models",
            "chatting.ensure_models",
            "chatting.ensure_llm",
            "slash.ensure_llm",
        ):
            monkeypatch.setattr(f"agent.cli.{name}", lambda *_: None)

    def __call__(self, *argv: object) -> Ran:
        self._capsys.readouterr()
        code = run([str(argument) for argument in argv])
        printed = self._capsys.readouterr()
        return Ran(code, printed.out, printed.err)


def command_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, engines: Engines | None = None
) -> CommandLine:
    return CommandLine(capsys, monkeypatch, engines or fake_engines())
