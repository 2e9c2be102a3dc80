"""Text that grows somewhere else, told piece by piece."""

from engines.protocols import OnText


class Growing:
    """Tells what was added each time it is shown the text so far."""

    def __init__(self, on_text: OnText) -> None:
        self._on_text = on_text
        self._told = ""

    def tell(self, text: str) -> None:
        """Tells the rest of a text of which the beginning was told. An empty piece says that it begins anew.

        A text shorter than what was told is waited for: a worker that died says the same again.
        """
        if self._told.startswith(text):
            return
        if not text.startswith(self._told):
            self._on_text("")
            self._told = ""
        self._on_text(text[len(self._told) :])
        self._told = text
