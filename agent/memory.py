"""Where conversations are kept: LangGraph's checkpoints in a SQLite file."""

import os
import sqlite3
from pathlib import Path
from typing import Any

from auricle.errors import LibraryError

_WAIT = 30.0
"""Seconds for another process to finish writing."""


class Memory:
    """The checkpoints of one session.

    Args:
        file: The database; made where there is none.
        session: Its name.

    Raises:
        LibraryError: The file cannot be read or written.
    """

    def __init__(self, file: Path, session: str) -> None:
        # Read when the serializer is imported: only plain data comes back out of the file.
        os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
        from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
        from langgraph.checkpoint.sqlite import SqliteSaver

        self._session = session
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            connection = sqlite3.connect(file, timeout=_WAIT, check_same_thread=False)
            self.saver = SqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
            self.saver.setup()
        except (OSError, sqlite3.Error) as error:
            raise LibraryError(
                f"The conversations in {file} cannot be opened ({error}): allow writing there, or move that file away."
            ) from None

    @property
    def config(self) -> dict[str, Any]:
        """What LangGraph is given to find the session."""
        return {"configurable": {"thread_id": self._session}}

    def keep_newest(self) -> None:
        """Forgets all states but the last: each holds the whole conversation."""
        with self.saver.cursor() as cursor:
            newest = "(SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?)"
            for table in ("checkpoints", "writes"):
                cursor.execute(
                    f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id < {newest}",  # noqa: S608
                    (self._session, self._session),
                )

    def forget(self) -> None:
        """Forgets the session."""
        self.saver.delete_thread(self._session)

    def close(self) -> None:
        self.saver.conn.close()
