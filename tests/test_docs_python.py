"""`import auricle`: the page about it runs, its types are told, and work is watched, cancelled and awaited."""

import ast
import asyncio
import re
import shutil
import threading
from pathlib import Path

import pytest

import auricle
from auricle.errors import Cancelled
from tests.fakes import tone
from tests.sample import sample
from tools.threads import Watching, in_thread
from tools.toolbox import Toolbox

ROOT = Path(__file__).parent.parent


@pytest.mark.models
def test_every_block_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AURICLE_WORKER", "inline")
    monkeypatch.setenv("AURICLE_MODEL", "local:")
    shutil.copy(sample(), tmp_path / "call.wav")
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 6
    exec(compile("\n".join(blocks), "docs/python.md", "exec"), {"__name__": "page"})
    assert (tmp_path / "call.vtt").exists()


def test_those_who_check_types_are_told_the_same_names() -> None:
    tree = ast.parse((ROOT / "auricle" / "__init__.pyi").read_text())
    told = {name.asname for node in tree.body if isinstance(node, ast.ImportFrom) for name in node.names}
    assert {*told, "__version__"} == set(auricle.__all__) == set(dir(auricle))


def test_work_that_is_watched_tells_its_progress(toolbox: Toolbox, tmp_path: Path) -> None:
    told: list[tuple[float, float, str]] = []
    toolbox.add_recording(str(tone(tmp_path / "call.wav", 5)), work=Watching(lambda *each: told.append(each)))
    assert told and told[-1][2] == "decoding"


def test_a_tool_is_awaited_and_the_loop_goes_on_meanwhile(toolbox: Toolbox, tmp_path: Path) -> None:
    async def main() -> str:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        found = await in_thread(toolbox.add_recording, str(tone(tmp_path / "call.wav", 5)))
        ticking.cancel()
        assert ticks > 1
        return found.id

    assert asyncio.run(main()).startswith("r_")


def test_cancelling_the_task_cancels_the_work() -> None:
    began, stopped = threading.Event(), threading.Event()

    def forever(*, work: Watching) -> None:
        began.set()
        try:
            while True:
                work.check_cancelled()
        except Cancelled:
            stopped.set()
            raise

    async def main() -> None:
        task = asyncio.create_task(in_thread(forever, work=Watching()))
        await asyncio.to_thread(began.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stopped.is_set()

    asyncio.run(main())


def test_an_error_of_the_work_is_the_awaiters(toolbox: Toolbox) -> None:
    with pytest.raises(auricle.AuricleError, match="no file and no recording"):
        asyncio.run(in_thread(toolbox.transcribe, "nothing"))
