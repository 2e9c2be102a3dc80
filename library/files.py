"""Files of the person's: what they are, and whether they are still the same."""

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from auricle.errors import BadArgument, BadAudio, NotFound

_PART = 4 * 2**20


def regular_file(path: Path) -> tuple[Path, str]:
    """The absolute path of a file that can be opened, and its stamp.

    Raises:
        NotFound: There is no such file.
        BadArgument: It is a folder, a device, or has a name that is no text.
        BadAudio: It is empty.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise BadArgument(f"The file's name {str(path)!a} is no valid text: rename the file.") from None
    try:
        path = Path(absolute(str(path.expanduser())))
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"There is no file {path}: give the path of an audio or video file.") from None
    except (OSError, ValueError, RuntimeError) as error:
        raise BadArgument(f"{str(path)!a} cannot be opened ({error}): give the path of an audio file.") from error
    if stat.S_ISDIR(status.st_mode):
        raise BadArgument(f"{path} is a folder: give the audio or video files in it.")
    if not stat.S_ISREG(status.st_mode):
        raise BadArgument(f"{path} is no regular file: give the path of an audio or video file.")
    if status.st_size == 0:
        raise BadAudio(f"{path.name} is empty: give a file with sound in it.")
    return path, stamp(path)


def stamp(path: Path) -> str:
    """What the file system says of a file: while this stands, its bytes are taken to be the same.

    The device is left out: a disk that is mounted again may get another number.

    Raises:
        OSError: There is no such file.
    """
    status = path.stat()
    return f"{status.st_ino}:{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"


def sha256(path: Path, beat: Callable[[], None] = lambda: None) -> str:
    """The hash of a file's bytes, in hex.

    Args:
        beat: Called every 4 MiB; it may raise to stop.

    Raises:
        BadAudio: It cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while part := file.read(_PART):
                digest.update(part)
                if len(part) == _PART:  # of a small file nobody wants to hear
                    beat()
    except OSError as error:
        raise BadAudio(f"{path.name} cannot be read ({error.strerror}): check its permissions.") from error
    return digest.hexdigest()


def absolute(ref: str) -> str:
    """A path from the root on. Links are kept: the name a person gave is the one to show."""
    return os.path.abspath(Path(ref).expanduser())  # noqa: PTH100
