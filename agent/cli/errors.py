"""Errors as a command line tells them: one line, an exit code, no traceback."""

import errno
import os
import sys
import tomllib
import traceback
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr, ValidationError

from auricle.errors import AuricleError, RequestError, WorkError
from auricle.settings import Settings, config_file, get_settings

SECRETS = frozenset(name for name, field in Settings.model_fields.items() if field.annotation is SecretStr)
DISK_TROUBLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM})
STOPPED = "Stopped. What was finished is kept: run the same command to go on."


class Usage(RequestError):
    """The command line could not be read."""

    code = "usage"


class BadSettings(RequestError):
    """An environment variable or a line of auricle.toml that is not allowed."""

    code = "settings"


class Stopped(AuricleError):
    """Ctrl-C."""

    code = "cancelled"


class Internal(AuricleError):
    """A mistake of Auricle's own."""

    code = "internal"


def read_settings() -> Settings:
    """The settings in force.

    Raises:
        BadSettings: One of them is not allowed, or auricle.toml is not TOML.
    """
    try:
        return get_settings()
    except ValidationError as error:
        raise BadSettings(_explain(error)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadSettings(f"{config_file()} cannot be read: {error}. Mend it or set AURICLE_CONFIG.") from None


def _explain(error: ValidationError) -> str:
    first, *more = error.errors(include_url=False)
    name = ".".join(str(part) for part in first["loc"])
    variable = f"AURICLE_{name.upper()}"
    where = variable if variable in {key.upper() for key in os.environ} else f"'{name}' in {config_file()}"
    if first["type"] == "extra_forbidden":
        what = f"{where} is no setting; `auricle doctor` lists them."
    else:
        given = "" if name in SECRETS else f" = {first['input']!r}"
        what = f"{where}{given} is not allowed: {first['msg']}."
    return what + (f" ({len(more)} more settings are wrong.)" if more else "")


def as_auricle_error(error: BaseException, home: Path | None) -> AuricleError:
    """Any exception as one of the family. What nobody foresaw goes to the log with its traceback."""
    if isinstance(error, AuricleError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Stopped(STOPPED)
    if isinstance(error, OSError) and error.errno in DISK_TROUBLE:
        where = f" ({error.filename})" if error.filename else ""
        return WorkError(f"{error.strerror}{where}: what was finished is kept; make room or allow writing, then again.")
    if os.environ.get("AURICLE_DEBUG"):
        traceback.print_exception(error, file=sys.stderr)
    log = _log(error, home)
    told = f"its traceback is in {log}" if log else "AURICLE_DEBUG=1 shows where"
    return Internal(f"Auricle made a mistake ({type(error).__name__}: {error}); {told}. Please report it.")


def _log(error: BaseException, home: Path | None) -> Path | None:
    if home is None or not home.is_dir():
        return None
    log = home / "auricle.log"
    try:
        with log.open("a", encoding="utf-8") as file:
            traceback.print_exception(error, file=file)
    except OSError:
        return None
    return log


def as_document(error: AuricleError) -> Mapping[str, object]:
    return {"error": error.as_dict()}
