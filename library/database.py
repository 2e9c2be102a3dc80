"""The SQLite file: opened safely by several processes at once, its failures told in one line."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from auricle.errors import LibraryError
from library.migrations import MIGRATIONS

_BUSY_MS = 30_000
_OPEN_SECONDS = 60
_NOT_WRITABLE = {errno.EROFS, errno.EACCES, errno.EPERM}


class Database:
    """One library.db. ``read()`` sees one consistent moment; ``write()`` holds the only pen from its first line on.

    Where the folder may not be written, what is in it can be read all the same.

    Args:
        home: The library's folder, which must exist.

    Raises:
        LibraryError: The file cannot be used, or a newer Auricle made it.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        path = home / "library.db"
        # Two processes that make one library at the same moment: the second waits, then finds it made.
        try:
            with FileLock(home / "library.lock", timeout=_OPEN_SECONDS):
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
                self._engine = _engine(path)
                self._migrate()
        except Timeout:
            raise LibraryError(
                f"The library at {home} is being opened by another process that does not finish: end that one first."
            ) from None
        except OSError as error:
            if error.errno not in _NOT_WRITABLE or not path.exists():
                raise _unusable(home, error.strerror or str(error)) from error
            # What is known can still be read; whoever writes is told.
            self._engine = _engine(path, writable=False)
            self._check_version()
        self._writing = self._engine.execution_options(auricle_immediate=True)

    def _migrate(self) -> None:
        with self._told(), self._engine.execution_options(auricle_immediate=True).begin() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            if version > len(MIGRATIONS):
                raise LibraryError(
                    f"The library at {self._home} was made by a newer Auricle (version {version}, this one knows "
                    f"{len(MIGRATIONS)}). Install the newer Auricle, or set AURICLE_HOME to another folder."
                )
            for statements in MIGRATIONS[version:]:
                for statement in statements:
                    connection.exec_driver_sql(statement)
            if version < len(MIGRATIONS):
                connection.exec_driver_sql(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _check_version(self) -> None:
        with self._told(), self._engine.begin() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if version != len(MIGRATIONS):
            raise LibraryError(
                f"The library at {self._home} has another version ({version}, this Auricle's is {len(MIGRATIONS)}) and "
                "may not be written: make the folder writable, or set AURICLE_HOME to another folder."
            )

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self._told(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self._told(), self._writing.begin() as connection:
            yield connection

    def wipe(self) -> None:
        """Leaves nothing on disk of what was deleted: the file is written anew, and its log emptied.

        Raises:
            LibraryError: Another process reads an older state for too long; what was deleted is still in the log.
        """
        pooled: Any = self._engine.raw_connection()  # SQLAlchemy's own would begin a transaction
        try:
            pooled.driver_connection.execute("VACUUM")
            busy, *_ = pooled.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            raise _unusable(self._home, str(error)) from error
        finally:
            pooled.close()
        if busy:
            raise LibraryError(
                f"What was deleted is still in {self._home / 'library.db-wal'}, since another process is reading: end "
                "it, then do the same again."
            )

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise _unusable(self._home, str(error.orig)) from error

    def close(self) -> None:
        self._engine.dispose()


def _engine(path: Path, writable: bool = True) -> Engine:
    pragmas = [f"busy_timeout = {_BUSY_MS}", "foreign_keys = ON"]
    if writable:
        # What is deleted is overwritten with zeros: it may be somebody's voice.
        pragmas += ["journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON"]

    def open_file() -> sqlite3.Connection:
        if writable:
            return sqlite3.connect(path, timeout=_BUSY_MS / 1000, check_same_thread=False)
        # Nobody can write here, so nothing has to be locked; unless a log was left, which must be read as well.
        still = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
        return sqlite3.connect(f"{path.as_uri()}?mode=ro{still}", uri=True, check_same_thread=False)

    engine = create_engine(URL.create("sqlite", database=str(path)), creator=open_file)

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # BEGIN is ours, below: the driver's own comes too late for IMMEDIATE
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("auricle_immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _unusable(home: Path, why: str) -> LibraryError:
    lower = why.lower()
    if "full" in lower or "no space" in lower:
        advice = "the disk is full: make room, what was stored so far is safe"
    elif "readonly" in lower or "read-only" in lower or "permission" in lower or "unable to open" in lower:
        advice = "it may not be written: make the folder writable, or set AURICLE_HOME to one that is"
    elif "locked" in lower or "busy" in lower:
        advice = "another process holds it for too long: try again, or end that process"
    elif "not a database" in lower or "malformed" in lower:
        advice = "library.db is damaged: restore it, or move it away to begin a new library"
    else:
        advice = f"{why}: check the folder, or set AURICLE_HOME to another"
    return LibraryError(f"The library at {home} cannot be used, {advice}.")
