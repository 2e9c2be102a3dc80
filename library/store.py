"""A library: one folder with everything remembered."""

import shutil
from pathlib import Path

from auricle.errors import LibraryError
from library.database import Database
from library.edits import Edits
from library.jobs import JobRows
from library.kept import Kept
from library.recordings import Recordings
from library.speakers import Speakers
from library.takes import Takes
from library.tokens import Tokens
from library.voiceprints import Voiceprints


class Library:
    """Opens the library in ``home``, making it where there is none. Several processes and threads may use it at once.

    Args:
        home: The folder; made for the owner's eyes alone.

    Raises:
        LibraryError: It cannot be written, or a newer Auricle made it.
    """

    def __init__(self, home: Path) -> None:
        self.home = home.expanduser().absolute()
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.home / "audio").mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise LibraryError(
                f"The library at {self.home} cannot be made ({error.strerror or error}): "
                "set AURICLE_HOME to a folder that can be written."
            ) from error
        self._database = Database(self.home)
        # Where an earlier version kept voices; the database has forgotten what these files belonged to.
        shutil.rmtree(self.home / "voices", ignore_errors=True)
        self.takes = Takes(self._database)
        self.uploads = self.home / "uploads"
        """Files that were sent, each in a folder of its own; a face that takes some makes it."""
        self.recordings = Recordings(self._database, self.home / "audio", self.uploads)
        self.speakers = Speakers(self._database)
        self.edits = Edits(self._database)
        self.voiceprints = Voiceprints(self._database)
        self.kept = Kept(self.home / "kept", self.edits)
        self.jobs = JobRows(self._database)
        self.tokens = Tokens(self._database)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> "Library":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
