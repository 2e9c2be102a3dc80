"""The voices of a recording, and which of a take's labels is whose."""

import time
from collections.abc import Mapping

from sqlalchemy import RowMapping, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from auricle.domain import Speaker
from library import tables
from library.database import Database
from library.ids import new_id

_COLUMNS = (tables.speakers.c.id, tables.speakers.c.recording, tables.speakers.c.label)


class Speakers:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, recording: str) -> list[Speaker]:
        """Every voice ever found in it, in the order of their finding."""
        query = (
            select(*_COLUMNS)
            .where(tables.speakers.c.recording == recording)
            .order_by(tables.speakers.c.created, tables.speakers.c.label)
        )
        with self._database.read() as connection:
            return [_speaker(row) for row in connection.execute(query).mappings()]

    def create(self, recording: str, label: str) -> Speaker:
        """The voice called ``label`` there; the one that already has the label, if any."""
        row = {"id": new_id("s"), "recording": recording, "label": label, "created": time.time()}
        with self._database.write() as connection:
            connection.execute(upsert(tables.speakers).values(row).on_conflict_do_nothing(["recording", "label"]))
            query = select(*_COLUMNS).where(tables.speakers.c.recording == recording, tables.speakers.c.label == label)
            found = connection.execute(query).mappings().one()
        return _speaker(found)

    def bind(self, take: str, voices: Mapping[str, str]) -> None:
        """Says whose a diarization take's labels are.

        Args:
            take: The take's id.
            voices: A speaker's id for each label.
        """
        rows = [{"take": take, "label": label, "speaker": speaker} for label, speaker in voices.items()]
        with self._database.write() as connection:
            connection.execute(tables.voices.delete().where(tables.voices.c.take == take))
            if rows:
                connection.execute(insert(tables.voices), rows)

    def bound(self, take: str) -> dict[str, Speaker]:
        """The speaker of each label of a take; empty where ``bind`` was never called."""
        query = (
            select(tables.voices.c.label.label("voice"), *_COLUMNS)
            .join(tables.speakers, tables.speakers.c.id == tables.voices.c.speaker)
            .where(tables.voices.c.take == take)
        )
        with self._database.read() as connection:
            return {row["voice"]: _speaker(row) for row in connection.execute(query).mappings()}


def _speaker(row: RowMapping) -> Speaker:
    return Speaker(id=row["id"], recording=row["recording"], label=row["label"])
