"""Standard output for the protocol alone, from before the libraries load until the process has ended."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

_OUT, _ERRORS = 1, 2


@contextmanager
def protocol_on_stdout() -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Sends whatever is written to stdout to stderr, also by native code and child processes.

    While the SDK serves, it takes stdout for itself in the same way; this is for before and after, since what native
    code holds in a buffer comes out only when the process ends.

    Yields:
        A context manager within which stdout is the client's: for the SDK to take.
    """
    client = os.dup(_OUT)
    os.dup2(_ERRORS, _OUT)

    @contextmanager
    def wire() -> Iterator[None]:
        os.dup2(client, _OUT)
        try:
            yield
        except* BrokenPipeError:
            pass  # the client is gone, with an answer on its way
        finally:
            os.dup2(_ERRORS, _OUT)

    yield wire
