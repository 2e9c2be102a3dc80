"""People who agreed to being known by their voice: who, until when, and the vectors of their voices."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import RowMapping, delete, exists, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from auricle.domain import Person, Span, Speaker, Voiceprint
from auricle.errors import NotFound
from library import tables
from library.database import Database
from library.ids import new_id


@dataclass(frozen=True)
class Gallery:
    """The voices known to one embedding model.

    Attributes:
        people: Whose each row is: ids.
        vectors: (voiceprints, dim), float32.
    """

    people: tuple[str, ...]
    vectors: NDArray[np.float32]


class Voiceprints:
    def __init__(self, database: Database) -> None:
        self._database = database

    def people(self) -> list[Person]:
        """Everybody whose agreement is in force, by name."""
        self.expire()
        with self._database.read() as connection:
            rows = connection.execute(select(tables.people).order_by(tables.people.c.name)).mappings()
            return [Person(**row) for row in rows]

    def named(self, ids: Iterable[str]) -> dict[str, Person]:
        """Some of them, by id."""
        query = select(tables.people).where(tables.people.c.id.in_(set(ids)))
        with self._database.read() as connection:
            return {row["id"]: Person(**row) for row in connection.execute(query).mappings()}

    def find(self, name: str) -> Person | None:
        """Somebody by name, whatever its case, or by id."""
        wanted = " ".join(name.split()).casefold()
        return next((one for one in self.people() if wanted in (one.name.casefold(), one.id)), None)

    def agreed(self, name: str, agreed_by: str, until: float | None) -> Person:
        """Writes down that somebody agreed; whoever is known already agreed anew."""
        known = self.find(name)
        person = Person(
            id=known.id if known else new_id("p"),
            name=known.name if known else name,
            agreed_by=agreed_by,
            agreed=time.time(),
            until=until,
        )
        row = person.model_dump()
        with self._database.write() as connection:
            connection.execute(upsert(tables.people).values(row).on_conflict_do_update(["id"], set_=row))
        return person

    def add(
        self, person: Person, speaker: Speaker, source: str, spans: Sequence[Span], model: str, vector: bytes
    ) -> Voiceprint:
        """Keeps a voice.

        Args:
            speaker: The voice of a recording that it was learnt from.
            source: What the recording's file is called.
            spans: Where the voice speaks there.
            model: The embedding model's identity.
            vector: float32, of length 1.
        """
        row = {
            "id": new_id("v"),
            "person": person.id,
            "recording": speaker.recording,
            "speaker": speaker.id,
            "source": source,
            "spans": [[span.start, span.end] for span in spans],
            "seconds": sum(span.seconds for span in spans),
            "created": time.time(),
        }
        with self._database.write() as connection:
            connection.execute(insert(tables.voiceprints).values(row))
            connection.execute(insert(tables.vectors).values(voiceprint=row["id"], model=model, vector=vector))
        return next(each for each in self.of(person) if each.id == row["id"])

    def of(self, person: Person) -> list[Voiceprint]:
        """Somebody's voiceprints, oldest first."""
        theirs = select(tables.voiceprints).where(tables.voiceprints.c.person == person.id)
        ids = theirs.with_only_columns(tables.voiceprints.c.id)
        known = select(tables.vectors.c.voiceprint, tables.vectors.c.model).where(tables.vectors.c.voiceprint.in_(ids))
        with self._database.read() as connection:
            models = [(row.voiceprint, row.model) for row in connection.execute(known)]
            rows = connection.execute(theirs.order_by(tables.voiceprints.c.created)).mappings().all()
        return [_voiceprint(row, [model for id_, model in models if id_ == row["id"]]) for row in rows]

    def doubtful(self, model: str) -> list[Voiceprint]:
        """Those that an embedding model has not seen, or that were learnt where somebody reassigned speech."""
        its = tables.vectors.c.voiceprint == tables.voiceprints.c.id
        seen = exists().where(its, tables.vectors.c.model == model)  # by the index: the vectors are not read
        reassigned = select(tables.edits.c.recording).where(tables.edits.c.kind == "assign")
        either = ~seen | tables.voiceprints.c.recording.in_(reassigned)
        with self._database.read() as connection:
            owners = set(connection.execute(select(tables.voiceprints.c.person).where(either)).scalars())
        return [each for person in self.named(owners).values() for each in self.of(person)]

    def embedded(self, voiceprint: str, model: str, vector: bytes) -> None:
        """Keeps a known voice as another embedding model sees it."""
        row = {"voiceprint": voiceprint, "model": model, "vector": vector}
        with self._database.write() as connection:
            connection.execute(upsert(tables.vectors).values(row).on_conflict_do_nothing())

    def learnt_anew(self, voiceprint: str, spans: Sequence[Span], model: str, vector: bytes) -> None:
        """Replaces a voice by what is left of it after somebody corrected who speaks there."""
        kept = {"spans": [[span.start, span.end] for span in spans], "seconds": sum(span.seconds for span in spans)}
        with self._database.write() as connection:
            connection.execute(delete(tables.vectors).where(tables.vectors.c.voiceprint == voiceprint))
            connection.execute(update(tables.voiceprints).where(tables.voiceprints.c.id == voiceprint).values(kept))
            connection.execute(insert(tables.vectors).values(voiceprint=voiceprint, model=model, vector=vector))

    def drop(self, voiceprint: str) -> None:
        """Erases one voiceprint; its person stays."""
        with self._database.write() as connection:
            connection.execute(delete(tables.voiceprints).where(tables.voiceprints.c.id == voiceprint))

    def gallery(self, model: str) -> Gallery:
        """Every voice that this very model has seen."""
        self.expire()
        query = (
            select(tables.voiceprints.c.person, tables.vectors.c.vector)
            .join(tables.voiceprints, tables.voiceprints.c.id == tables.vectors.c.voiceprint)
            .where(tables.vectors.c.model == model)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).fetchall()
        people, vectors = zip(*rows, strict=True) if rows else ((), ())
        stacked = np.frombuffer(b"".join(vectors), dtype=np.float32)
        return Gallery(people, stacked.reshape(len(rows), -1 if rows else 0))

    def expire(self, now: float | None = None) -> list[str]:
        """Erases whoever agreed only until now; their names."""
        over = tables.people.c.until <= (time.time() if now is None else now)
        with self._database.read() as connection:
            gone = connection.execute(select(tables.people.c.id, tables.people.c.name).where(over)).all()
        for row in gone:
            self.forget(row.id)
        return [row.name for row in gone]

    def forget(self, person: str) -> None:
        """Erases somebody: agreement, voiceprints, the names that rest on them, and what was left of them on disk.

        Every vector that was computed to look for known voices goes too, since theirs are among them.

        Raises:
            NotFound: There is nobody of this id.
            LibraryError: Another process is reading and what was erased could not be overwritten yet.
        """
        theirs = tables.edits.c.evidence.contains(f'"person":"{person}"', autoescape=True)
        with self._database.write() as connection:
            if not connection.execute(delete(tables.people).where(tables.people.c.id == person)).rowcount:
                raise NotFound(f"There is nobody {person}: list the people whose voices are known.")
            connection.execute(delete(tables.edits).where(theirs))
            connection.execute(delete(tables.takes).where(tables.takes.c.kind == "embedding"))
        self._database.wipe()


def _voiceprint(row: RowMapping, models: Sequence[str]) -> Voiceprint:
    spans = tuple(Span(start=start, end=end) for start, end in row["spans"])
    return Voiceprint(**{**row, "spans": spans, "models": tuple(models)})
