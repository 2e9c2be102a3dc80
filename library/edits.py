"""What people and checks decided: a log that only grows. Undoing and redoing are entries too."""

import time
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, func, insert, select

from auricle.domain import Change, Edit, EditKind, Evidence, Step
from auricle.errors import NotFound
from library import tables
from library.database import Database


class Edits:
    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, recording: str, kind: EditKind, speaker: str, name: str, evidence: Evidence) -> Edit:
        """Writes one decision down, a step of its own."""
        change = Change(recording=recording, kind=kind, speaker=speaker, name=name, evidence=evidence)
        return self.record([change]).edits[0]

    def record(self, changes: Sequence[Change], note: str = "") -> Step:
        """Writes decisions down as one step, which is undone as one.

        Args:
            changes: In order; of several recordings, too.
            note: What was decided, in words.
        """
        now = time.time()
        with self._database.write() as connection:
            step = connection.execute(insert(tables.steps).values(note=note, created=now)).inserted_primary_key
            number = int(step[0]) if step else 0
            rows = [
                change.model_dump(exclude={"evidence"})
                | {"evidence": change.evidence.model_dump_json(exclude_defaults=True), "created": now, "step": number}
                for change in changes
            ]
            added = [
                connection.execute(insert(tables.edits).values(row).returning(*tables.edits.c)).mappings().one()
                for row in rows
            ]
        return Step(id=number, note=note, created=now, undone=False, edits=tuple(_edit(row) for row in added))

    def of(self, recording: str) -> list[Edit]:
        """Those not undone, oldest first: the last one about a thing is in force."""
        about = tables.edits.c.recording == recording
        query = select(tables.edits).where(about, _in_force()).order_by(tables.edits.c.seq)
        with self._database.read() as connection:
            return [_edit(row) for row in connection.execute(query).mappings()]

    def steps(self, recordings: Collection[str]) -> list[Step]:
        """Everything that was ever decided about some recordings, oldest first; whole steps."""
        concerned = select(tables.edits.c.step).where(tables.edits.c.recording.in_(recordings))
        with self._database.read() as connection:
            return _steps(connection, tables.steps.c.id.in_(concerned))

    def undo(self, seq: int) -> Step:
        """Takes one decision back, with all that was decided at once with it; what was in force before is so again.

        Raises:
            NotFound: There is no such edit.
        """
        with self._database.write() as connection:
            step = connection.execute(select(tables.edits.c.step).where(tables.edits.c.seq == seq)).scalar_one_or_none()
            if step is None:
                raise NotFound(f"There is no edit {seq}: the recording's history lists those there are.")
            return _reverse(connection, step, undone=True)

    def undo_last(self, recordings: Collection[str]) -> Step | None:
        """Takes the last step in force about some recordings back; None where there is none."""
        newest = select(func.max(tables.edits.c.step)).where(tables.edits.c.recording.in_(recordings), _in_force())
        with self._database.write() as connection:
            step = connection.execute(newest).scalar_one_or_none()
            return None if step is None else _reverse(connection, step, undone=True)

    def redo_last(self, recordings: Collection[str]) -> Step | None:
        """Does again what was undone last about some recordings; None where nothing was, or something came after it."""
        about = tables.edits.c.recording.in_(recordings)
        concerned = select(tables.edits.c.step).where(about)
        last = (
            select(tables.reversals)
            .where(tables.reversals.c.step.in_(concerned), tables.reversals.c.seq.in_(_last_reversals()))
            .where(tables.reversals.c.undone)
            .order_by(tables.reversals.c.seq.desc())
        )
        with self._database.write() as connection:
            undone = connection.execute(last).mappings().first()
            newest = connection.execute(select(func.max(tables.edits.c.seq)).where(about)).scalar_one()
            if undone is None or newest > undone["after"]:
                return None
            return _reverse(connection, undone["step"], undone=False)


def _last_reversals() -> Select[tuple[int]]:
    return select(func.max(tables.reversals.c.seq)).group_by(tables.reversals.c.step)


def _undone() -> Select[tuple[int]]:
    """The steps that are not in force."""
    return select(tables.reversals.c.step).where(
        and_(tables.reversals.c.seq.in_(_last_reversals()), tables.reversals.c.undone)
    )


def _in_force() -> ColumnElement[bool]:
    return tables.edits.c.step.not_in(_undone())


def _reverse(connection: Connection, step: int, undone: bool) -> Step:
    after = connection.execute(select(func.max(tables.edits.c.seq))).scalar_one()
    row = {"step": step, "undone": undone, "after": after, "created": time.time()}
    connection.execute(insert(tables.reversals).values(row))
    return _steps(connection, tables.steps.c.id == step)[0]


def _steps(connection: Connection, condition: ColumnElement[bool]) -> list[Step]:
    undone = set(connection.execute(_undone()).scalars())
    rows = connection.execute(select(tables.steps).where(condition).order_by(tables.steps.c.id)).mappings().all()
    made = select(tables.edits).where(tables.edits.c.step.in_([row["id"] for row in rows])).order_by(tables.edits.c.seq)
    edits = [_edit(row) for row in connection.execute(made).mappings()]
    return [
        Step(**row, undone=row["id"] in undone, edits=tuple(edit for edit in edits if edit.step == row["id"]))
        for row in rows
    ]


def _edit(row: RowMapping) -> Edit:
    return Edit(**{**row, "evidence": Evidence.model_validate_json(row["evidence"])})
