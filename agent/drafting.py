"""The words of an answer while a model still writes them, out of the JSON they stand in."""

from pydantic_core import from_json

from engines.protocols import OnText

ANEW = ""
"""The piece that says: what was told is not the answer, it begins anew."""


class Draft:
    """Told JSON bit by bit, it tells the words of its ``answer``."""

    def __init__(self, on_text: OnText) -> None:
        self._on_text = on_text
        self._json = ""
        self._told = ""

    def __call__(self, piece: str) -> None:
        self._json += piece
        try:
            data = from_json(self._json, allow_partial="trailing-strings")
        except ValueError:
            return
        if not isinstance(data, dict):
            return
        answer = data.get("answer", "")
        text = " ".join(" ".join(answer if isinstance(answer, list) else [str(answer)]).split())
        if len(text) > len(self._told) and text.startswith(self._told):
            self._on_text(text[len(self._told) :])
            self._told = text
