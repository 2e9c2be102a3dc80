"""What people and checks decided: a log that only grows."""

import time
from typing import Literal

from sqlalchemy import RowMapping, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from auricle.domain import Edit, Evidence
from auricle.errors import NotFound
from library import tables
from library.database import Database


class Edits:
    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, recording: str, kind: Literal["name"], speaker: str, name: str, evidence: Evidence) -> Edit:
        row = {
            "recording": recording,
            "kind": kind,
            "speaker": speaker,
            "name": name,
            "evidence": evidence.model_dump_json(),
            "created": time.time(),
        }
        with self._database.write() as connection:
            added = connection.execute(insert(tables.edits).values(row).returning(*tables.edits.c)).mappings().one()
        return _edit(added)

    def of(self, recording: str) -> list[Edit]:
        """Those not undone, oldest first: the last one about a thing is in force."""
        query = (
            select(tables.edits)
            .where(
                tables.edits.c.recording == recording,
                tables.edits.c.seq.not_in(select(tables.undos.c.edit)),
            )
            .order_by(tables.edits.c.seq)
        )
        with self._database.read() as connection:
            return [_edit(row) for row in connection.execute(query).mappings()]

    def undo(self, seq: int) -> None:
        """Takes one decision back; what was in force before it is so again.

        Raises:
            NotFound: There is no such edit.
        """
        with self._database.write() as connection:
            if connection.execute(select(tables.edits.c.seq).where(tables.edits.c.seq == seq)).first() is None:
                raise NotFound(f"There is no edit {seq}: the recording's description lists those in force.")
            connection.execute(upsert(tables.undos).values(edit=seq, created=time.time()).on_conflict_do_nothing())


def _edit(row: RowMapping) -> Edit:
    return Edit(**{**row, "evidence": Evidence.model_validate_json(row["evidence"])})
