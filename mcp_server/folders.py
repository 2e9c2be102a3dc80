"""The folders a client may use: a model decides over paths, so paths end where the person said."""

import contextlib
import os
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from auricle.errors import BadArgument

_NO_NAME = frozenset({"Cc", "Cs"})
"""Control characters and halves of characters: files have such names, but nobody means them."""

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def allowed_folders(given: Sequence[str] | None) -> list[Path]:
    """The folders clients may use, with links followed.

    Raises:
        BadArgument: None was given; or one is no folder, a whole disk, or holds the whole of somebody's home.
    """
    if not given:
        raise BadArgument("Clients may use no folder yet: name one or more with --allow DIR, as --allow ~/Recordings.")
    folders = []
    for each in given:
        try:
            folder = Path(each).expanduser().resolve()
        except (OSError, RuntimeError, ValueError):
            raise BadArgument(f"--allow {each!r} cannot be followed: give a folder that exists.") from None
        if not folder.is_dir():
            raise BadArgument(f"--allow {folder} is no folder: give one that exists.")
        if folder == Path(folder.anchor):
            raise BadArgument(f"With --allow {folder} clients could use every file: name the folder with recordings.")
        if any(folder == home or folder in home.parents for home in _homes()):
            raise BadArgument(
                f"With --allow {folder} clients could use a whole home: name a folder in it, as ~/Recordings."
            )
        folders.append(folder)
    return folders


def _homes() -> Iterator[Path]:
    """This person's home, as the environment and as the system says."""
    with contextlib.suppress(RuntimeError, OSError):
        yield Path.home().resolve()
    if sys.platform != "win32":
        import pwd

        with contextlib.suppress(KeyError, OSError):
            yield Path(pwd.getpwuid(os.getuid()).pw_dir).resolve()


class Folders:
    """Allowed folders, and what was written in them.

    Args:
        allowed: Resolved; at least one. Relative paths start at the first.
    """

    def __init__(self, allowed: Sequence[Path]) -> None:
        self._allowed = allowed
        self._written: set[str] = set()

    def to_read(self, path: str) -> str:
        """A path as it really is, links followed.

        Raises:
            BadArgument: It lies elsewhere, or cannot be followed.
        """
        if not path.strip() or any(unicodedata.category(char) in _NO_NAME for char in path):
            raise BadArgument(f"The path {path[:60]!a} is empty or no text: give a file in one of the allowed folders.")
        if _URL.match(path.strip()):
            raise BadArgument(f"{path!r} is an address, and nothing is fetched: download it and give the file's path.")
        try:
            real = (self._allowed[0] / Path(path).expanduser()).resolve()
        except (OSError, RuntimeError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is no path"  # the error itself would tell where a link leads
            raise BadArgument(f"The path {path!r} cannot be followed ({why}): give another.") from None
        if not any(real == folder or folder in real.parents for folder in self._allowed):
            allowed = ", ".join(map(str, self._allowed))
            raise BadArgument(
                f"The path {path} lies outside the folders this server may use ({allowed}): use a file inside them, "
                "or the person starts `auricle serve` with another --allow DIR."
            )
        return str(real)

    def to_write(self, path: str) -> str:
        """The same for a file to write: a new one, or one that this server wrote before.

        Raises:
            BadArgument: As ``to_read``, or there is a file of the person's.
        """
        real = self.to_read(path)
        if real not in self._written and os.path.lexists(real):
            raise BadArgument(f"{path} exists and is not this server's to replace: give another path, or none.")
        return real

    def wrote(self, path: str) -> None:
        self._written.add(path)
