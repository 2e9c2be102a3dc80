"""A library in one file, and back: a tar of what cannot be computed again, with the hash of each part."""

import contextlib
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Any

from auricle.errors import BadArgument, LibraryError, NotFound

Report = Callable[[float, float], None]

MANIFEST = "auricle-backup.json"
DATABASES = ("library.db", "conversations.db")
FOLDERS = ("uploads", "kept")
SOUND = "audio"

_VERSION = 1
_BLOCK = 1 << 20
_LONGEST_MANIFEST = 64 << 20


def write_backup(home: Path, target: Path, report: Report, *, sound: bool = True) -> int:
    """Writes everything remembered to one file, while the library may be in use.

    Left out is what is made again by itself: clips, the sound of pages, what LLMs left in memory.

    Args:
        home: The library's folder.
        target: The file; it appears when it is whole. It must not be in the library.
        report: Called with bytes done and in all. It may raise to stop.
        sound: With the stored sound; else recordings are decoded again from their originals when they are needed.

    Returns:
        Its size in bytes.

    Raises:
        LibraryError: There is no library, or it cannot be read.
        OSError: The file cannot be written.
    """
    if not (home / DATABASES[0]).is_file():
        raise LibraryError(f"There is no library at {home}: set AURICLE_HOME to one.")
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".auricle-backup-") as folder:
        parts = dict(_parts(home, Path(folder), sound))
        total, done = sum(file.stat().st_size for file in parts.values()), 0
        hashes: dict[str, str] = {}
        try:
            with tarfile.open(partial, "w") as archive:
                for name, file in parts.items():
                    report(done, total)
                    hashes[name] = _sha256(file)
                    archive.add(file, name, recursive=False, filter=_anonymous)
                    done += file.stat().st_size
                manifest = {"version": _VERSION, "created": time.time(), "home": str(home), "parts": hashes}
                data = json.dumps(manifest).encode()
                about = tarfile.TarInfo(MANIFEST)
                about.size, about.mode, about.mtime = len(data), 0o600, int(time.time())
                archive.addfile(about, io.BytesIO(data))
            partial.chmod(0o600)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    return target.stat().st_size


def restore_backup(source: Path, home: Path, report: Report, moved: Mapping[str, str] | None = None) -> None:
    """Makes a library of a backup, in a folder that has none yet: all of it, or nothing.

    Args:
        moved: Where the originals lie now: folders as they were, and as they are on this machine.

    Raises:
        NotFound: There is no such file.
        BadArgument: It is no backup, it is damaged, or there is a library already.
        OSError: The folder cannot be written.
    """
    if not source.is_file():
        raise NotFound(f"There is no file {source}: give what `auricle backup FILE` wrote.")
    if (home / DATABASES[0]).exists() and _recordings(home / DATABASES[0]):
        raise BadArgument(f"There is a library at {home} already: set AURICLE_HOME to a folder for the restored one.")
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix=".auricle-restore-") as folder:
        fresh = Path(folder) / "home"
        fresh.mkdir(mode=0o700)
        manifest = _unpacked(source, fresh, report)
        _moved(fresh / DATABASES[0], {**(moved or {}), str(manifest["home"]): str(home)})
        home.mkdir(mode=0o700, exist_ok=True)
        for part in sorted(fresh.iterdir(), key=lambda part: part.name == DATABASES[0]):  # the library itself last
            there = home / part.name
            if there.is_dir():
                shutil.rmtree(there)
            for log in ("", "-wal", "-shm"):
                if part.name in DATABASES:
                    there.with_name(part.name + log).unlink(missing_ok=True)
            part.replace(there)


def _parts(home: Path, folder: Path, sound: bool) -> Iterator[tuple[str, Path]]:
    """What is kept, by its name in the backup; databases as copies, each of one moment."""
    for name in DATABASES:
        if (home / name).is_file():
            with closing(_opened(home / name)) as database, closing(sqlite3.connect(folder / name)) as copy:
                database.backup(copy)
            yield name, folder / name
    for place in (*FOLDERS, *([SOUND] if sound else [])):
        for file in sorted((home / place).rglob("*")):
            if file.is_file() and not file.is_symlink() and ".part" not in file.name and file.suffix != ".lock":
                yield PurePosixPath(file.relative_to(home)).as_posix(), file


def _unpacked(source: Path, fresh: Path, report: Report) -> dict[str, Any]:
    """Every part, looked at before it is trusted: where it would go, and its hash."""
    total, done = source.stat().st_size, 0
    found: dict[str, str] = {}
    manifest: dict[str, Any] = {}
    try:
        with tarfile.open(source, "r:") as archive:
            for member in archive:
                report(done, total)
                done += member.size
                stream = archive.extractfile(member) if member.isreg() else None
                if stream is None or not (member.name == MANIFEST or _belongs(member.name)):
                    raise BadArgument(f"{source.name} is no backup of a library: it holds {member.name[:80]!r}.")
                if member.name == MANIFEST:
                    manifest = json.loads(stream.read(_LONGEST_MANIFEST))
                    continue
                target = fresh.joinpath(*PurePosixPath(member.name).parts)
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                found[member.name] = _copied(stream, target)
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise BadArgument(f"{source.name} is no backup of a library, or it is cut off ({error}).") from None
    if not isinstance(manifest, dict) or manifest.get("version") != _VERSION or DATABASES[0] not in found:
        raise BadArgument(f"{source.name} is no backup of a library that this Auricle knows, or it is cut off.")
    if found != manifest.get("parts"):
        raise BadArgument(f"{source.name} is damaged: its parts are not what was written. Nothing was restored.")
    return manifest


def _belongs(name: str) -> bool:
    """Whether a part is one of a library: no path leads out of it."""
    parts = PurePosixPath(name).parts
    plain = all(part not in ("", ".", "..", "/") and "\\" not in part and ":" not in part for part in parts)
    return plain and (name in DATABASES or (len(parts) > 1 and parts[0] in (*FOLDERS, SOUND)))


def _copied(stream: Any, target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("wb") as out:
        target.chmod(0o600)
        while block := stream.read(_BLOCK):
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


def _moved(database: Path, folders: Mapping[str, str]) -> None:
    """Recordings are looked for where they lie now; what is there is checked when it is used."""
    with closing(sqlite3.connect(database)) as opened, opened:
        for known, path in opened.execute("SELECT id, path FROM recordings").fetchall():
            for before, after in folders.items():
                with contextlib.suppress(ValueError):
                    now = str(Path(after) / Path(path).relative_to(before))
                    opened.execute("UPDATE recordings SET path = ?, stamp = '' WHERE id = ?", (now, known))
                    break


def _recordings(database: Path) -> int:
    try:
        with closing(_opened(database)) as opened:
            return int(opened.execute("SELECT count(*) FROM recordings").fetchone()[0])
    except sqlite3.Error:
        return 0


def _opened(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(database.as_uri() + "?mode=rw", uri=True, timeout=30)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without who owns the file on this machine."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
