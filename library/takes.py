"""What engines heard: immutable, found again by what was heard, with what, how and where."""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, insert, select, update

from auricle.domain import Recognition, Span, Take, TakeKind
from auricle.errors import NotFound
from library import tables
from library.database import Database
from library.ids import new_id
from library.search import Hit, hits

Params = Mapping[str, str | int | float | bool | None]


class Takes:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        recording: str,
        kind: TakeKind,
        engine: str,
        params: Params,
        span: Span,
        payload: str = "",
        blob: bytes | None = None,
    ) -> Take:
        """Keeps what was heard, in one transaction with its words for searching.

        The same recording, kind, engine, params and span a second time returns the first take.

        Args:
            recording: The recording's id.
            payload: As ``Take.payload`` says for the kind.
            blob: What is too large for that.

        Raises:
            NotFound: The recording is not (or no longer) there.
        """
        with self._database.write() as connection:
            sha256 = connection.execute(
                select(tables.recordings.c.sha256).where(tables.recordings.c.id == recording)
            ).scalar_one_or_none()
            if sha256 is None:
                raise NotFound(f"The recording {recording} is no longer in the library: add its file again.")
            key = _key(sha256, kind, engine, params, span)
            there = connection.execute(_select().where(tables.takes.c.key == key)).mappings().first()
            if there is not None:
                return _take(there)
            row = {
                "id": new_id("t"),
                "key": key,
                "recording": recording,
                "kind": kind,
                "engine": engine,
                "params": _canonical(params),
                "start": span.start,
                "end": span.end,
                "payload": payload,
                "created": time.time(),
                "rank": _next_rank(connection),
            }
            connection.execute(insert(tables.takes).values(row))
            if blob is not None:
                connection.execute(insert(tables.blobs).values(take=row["id"], data=blob))
            if kind == "recognition":
                _remember_words(connection, row["id"], payload)
            return _take(row)

    def find(
        self, recording: str, kind: TakeKind, engine: str | None = None, params: Params | None = None
    ) -> list[Take]:
        """The takes of a recording, oldest first; one that was asked for again (``again``) counts from then.

        Where takes overlap, the last in this order decides.
        """
        query = _select().where(tables.takes.c.recording == recording, tables.takes.c.kind == kind)
        if engine is not None:
            query = query.where(tables.takes.c.engine == engine)
        if params is not None:
            query = query.where(tables.takes.c.params == _canonical(params))
        with self._database.read() as connection:
            return [_take(row) for row in connection.execute(query.order_by(tables.takes.c.rank)).mappings()]

    def heard(self) -> set[str]:
        """The ids of the recordings in which recognition has listened to something."""
        query = select(tables.takes.c.recording).where(tables.takes.c.kind == "recognition").distinct()
        with self._database.read() as connection:
            return set(connection.execute(query).scalars())

    def again(self, takes: Iterable[str]) -> None:
        """Puts stored takes last in ``find``'s order, since they are what was asked for last."""
        with self._database.write() as connection:
            for take in takes:
                connection.execute(
                    update(tables.takes).where(tables.takes.c.id == take).values(rank=_next_rank(connection))
                )

    def blob(self, take: str) -> bytes:
        """What was kept with a take.

        Raises:
            NotFound: Nothing was, or the take is gone.
        """
        with self._database.read() as connection:
            query = select(tables.blobs.c.data).where(tables.blobs.c.take == take)
            found = connection.execute(query).scalar_one_or_none()
        if found is None:
            raise NotFound(f"There is nothing kept with the take {take}.")
        return bytes(found)

    def search(self, words: str, recording: str | None = None, limit: int = 20) -> list[Hit]:
        """Finds what was said.

        Args:
            words: Any text. All its words must be said in one segment; case and accents do not matter.
            recording: Only in this recording's id.
            limit: At most so many.

        Returns:
            Hits of the takes that decide for their time, best first.

        Raises:
            BadArgument: Over 1000 characters.
        """
        with self._database.read() as connection:
            return hits(connection, words, recording, limit)


def _select() -> Select[Any]:
    return select(tables.takes)


def _canonical(params: Params) -> str:
    return json.dumps(dict(params), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _key(sha256: str, kind: str, engine: str, params: Params, span: Span) -> str:
    parts = [sha256, kind, engine, _canonical(params), span.start, span.end]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _next_rank(connection: Connection) -> int:
    return int(connection.execute(select(func.coalesce(func.max(tables.takes.c.rank), 0))).scalar_one()) + 1


def _remember_words(connection: Connection, take: object, payload: str) -> None:
    rows = [
        {"text": segment.text, "take": take, "start": segment.start, "end": segment.end}
        for segment in Recognition.model_validate_json(payload).segments
    ]
    if rows:
        connection.execute(insert(tables.heard), rows)


def _take(row: RowMapping | dict[str, Any]) -> Take:
    return Take(
        id=row["id"],
        recording=row["recording"],
        kind=row["kind"],
        engine=row["engine"],
        params=json.loads(row["params"]),
        span=Span(start=row["start"], end=row["end"]),
        payload=row["payload"],
        created=row["created"],
    )
