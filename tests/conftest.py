"""What every test gets: a home of its own, and nothing of the person's."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from auricle.settings import Settings, get_settings
from library import Library
from tests.fakes import fake_engines
from tools.toolbox import Toolbox
from tools.worker_process import stop_worker

_ROOT = Path(__file__).parent.parent
_THEIRS = {"AURICLE_MODELS", "AURICLE_EVAL"}


@pytest.fixture(autouse=True)
def nothing_of_the_person(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No test sees or touches the settings and the library of whoever runs it; only where models and recordings are."""
    for name in [name for name in os.environ if name.startswith("AURICLE_") and name not in _THEIRS]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AURICLE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AURICLE_CONFIG", str(tmp_path / "no-auricle.toml"))
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home to be made by the test; whatever worker it had is ended."""
    folder = tmp_path / "home"
    yield folder
    if folder.is_dir():
        stop_worker(folder)


@pytest.fixture
def settings(home: Path) -> Settings:
    """Settings of a home of its own, with heavy work done inline."""
    return Settings(home=home, worker="inline")


@pytest.fixture
def library(home: Path) -> Iterator[Library]:
    with Library(home) as opened:
        yield opened


@pytest.fixture
def toolbox(settings: Settings) -> Iterator[Toolbox]:
    """The tools over a home of its own, with engines that are fakes."""
    made = Toolbox(settings, engines=fake_engines())
    yield made
    made.close()


@pytest.fixture(scope="module")
def thinking_toolbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toolbox]:
    """The tools with real engines and the small LLM; one home for a file's tests, so nothing is listened to twice."""
    home = tmp_path_factory.mktemp("thinking")
    opened = Toolbox(Settings(home=home / "home", worker="inline", model="local:"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        yield opened
    opened.close()


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C interrupts; a process that was started in the background of a script would ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(params=["auto", "legacy"], ids=["2026", "2025"])
def mode(request: pytest.FixtureRequest) -> str:
    """Both eras of MCP, as its Python client names them."""
    era: str = request.param
    return era


@pytest.fixture(scope="session")
def eval_dir() -> Path:
    """The evaluation recordings, which are not part of the project."""
    given = os.environ.get("AURICLE_EVAL")
    folder = Path(given) if given else _ROOT.parent / "shared" / "eval"
    if not (folder / "manifest.jsonl").is_file():
        pytest.skip(f"no evaluation recordings in {folder}: set AURICLE_EVAL to their folder")
    return folder
