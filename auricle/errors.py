"""Everything that can go wrong, as one family.

    AuricleError                      code, message, exit code
    ├── RequestError                  the request was wrong            exit 2
    │   ├── BadArgument               a value that is not allowed
    │   ├── NotFound                  an unknown id, file or name
    │   └── NotConfirmed              a destructive act without a person's yes
    └── WorkError                     the request was right, it failed exit 1
        ├── BadAudio                  a file that cannot be decoded
        ├── ModelUnavailable          weights or an LLM that are not there
        │   └── CannotCallTools       an LLM or its server that knows no tools
        ├── LibraryError              the library on disk cannot be used
        ├── Cancelled                 somebody asked to stop
        └── WorkerDied                the worker ended in the middle, too often

A message is one line: what failed, what would be allowed, what to do next. Each face maps the family
once: the command line to exit codes and ``{"error": …}``, MCP to ``ToolError``, the graph to a tool
message the LLM can act on.
"""

from typing import ClassVar


class AuricleError(Exception):
    """Base of the family.

    Attributes:
        code: A stable, snake_case identifier for programs.
        exit_code: What the command line exits with.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))

    @property
    def message(self) -> str:
        return str(self.args[0])

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message}


class RequestError(AuricleError):
    code = "bad_request"
    exit_code = 2


class BadArgument(RequestError):
    code = "bad_argument"


class NotFound(RequestError):
    code = "not_found"


class NotConfirmed(RequestError):
    code = "not_confirmed"


class WorkError(AuricleError):
    code = "failed"


class BadAudio(WorkError):
    code = "bad_audio"


class ModelUnavailable(WorkError):
    code = "model_unavailable"


class CannotCallTools(ModelUnavailable):
    code = "cannot_call_tools"


class LibraryError(WorkError):
    code = "library"


class Cancelled(WorkError):
    code = "cancelled"


class WorkerDied(WorkError):
    code = "worker_died"


def error_from_dict(data: dict[str, str]) -> AuricleError:
    """Rebuilds an error that crossed a process as ``as_dict()``."""
    by_code = {cls.code: cls for cls in _family(AuricleError)}
    return by_code.get(data["code"], WorkError)(data["message"])


def _family(cls: type[AuricleError]) -> list[type[AuricleError]]:
    return [cls, *(member for sub in cls.__subclasses__() for member in _family(sub))]
