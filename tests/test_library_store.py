"""The library's folder and file: made once, opened by many, refused clearly."""

import os
import sqlite3
import stat
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from auricle.errors import LibraryError
from library import Library
from library.migrations import MIGRATIONS
from library.tables import metadata


def test_a_home_is_for_its_owner_alone(home: Path) -> None:
    Library(home).close()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "library.db").stat().st_mode) == 0o600


def test_a_library_opens_again(home: Path) -> None:
    Library(home).close()
    with Library(home) as library:
        assert library.recordings.list() == []


def test_migrations_make_the_tables_that_the_code_knows(home: Path) -> None:
    Library(home).close()
    engine = create_engine(f"sqlite:///{home / 'library.db'}")
    made = inspect(engine)
    for table in metadata.sorted_tables:
        assert [column["name"] for column in made.get_columns(table.name)] == [column.name for column in table.columns]
    engine.dispose()


def test_the_library_of_a_newer_auricle_is_refused_and_left_alone(home: Path) -> None:
    Library(home).close()
    newer = len(MIGRATIONS) + 1
    with sqlite3.connect(home / "library.db") as connection:
        connection.execute(f"PRAGMA user_version = {newer}")
    connection.close()
    with pytest.raises(LibraryError, match="newer Auricle"):
        Library(home)
    connection = sqlite3.connect(home / "library.db")
    assert connection.execute("PRAGMA user_version").fetchone() == (newer,)
    connection.close()


def test_a_file_in_place_of_the_home_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("not a folder")
    with pytest.raises(LibraryError, match="AURICLE_HOME") as raised:
        Library(tmp_path / "home")
    assert "\n" not in raised.value.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_home_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o500)
    with pytest.raises(LibraryError, match="AURICLE_HOME"):
        Library(tmp_path / "home")


def test_a_damaged_library_is_refused(home: Path) -> None:
    home.mkdir()
    (home / "library.db").write_bytes(b"this is no database, " * 100)
    with pytest.raises(LibraryError, match="damaged"):
        Library(home)


def test_voices_kept_in_files_by_an_earlier_version_go(home: Path) -> None:
    (home / "voices").mkdir(parents=True)
    (home / "voices" / "x.npz").touch()
    Library(home).close()
    assert not (home / "voices").exists()
