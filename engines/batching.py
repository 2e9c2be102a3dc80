"""Batches as large as a GPU's memory takes."""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

_LOG = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batches:
    """Runs work batch by batch. Where memory runs out, the batches are half as large from then on.

    Args:
        size: To begin with.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def run(self, items: Sequence[Item], work: Callable[[Sequence[Item]], Sequence[Result]]) -> Iterator[Result]:
        """The results for all items, in order.

        Raises:
            RuntimeError: The memory does not suffice for one item alone; or whatever the work raises.
        """
        start = 0
        while start < len(items):
            batch = items[start : start + self.size]
            try:
                results = work(batch)
            except RuntimeError as error:
                if len(batch) == 1 or not _out_of_memory(error):
                    raise
                self.size = len(batch) // 2
                _LOG.warning("The GPU's memory ran out: going on with %d at once instead of %d", self.size, len(batch))
                continue
            yield from results
            start += len(batch)


def _out_of_memory(error: RuntimeError) -> bool:
    """PyTorch has a class for it, CTranslate2 only words; both say this."""
    return "out of memory" in str(error).lower()
