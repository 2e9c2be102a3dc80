import json
from typing import Any

import pytest

from agent.drafting import Draft


def told(data: dict[str, Any], step: int = 1) -> list[str]:
    pieces: list[str] = []
    draft, text = Draft(pieces.append), json.dumps(data)
    for start in range(0, len(text), step):
        draft(text[start : start + step])
    return pieces


@pytest.mark.parametrize("step", [1, 3, 1000])
@pytest.mark.parametrize("answer", ["She said “yes”.", 'A "quote", \\ and\n a line', "日本語 😀", ""])
def test_the_words_come_whole_whatever_the_pieces_are(answer: str, step: int) -> None:
    data = {"lines": [1, 2], "answer": answer}
    assert "".join(told(data, step)) == " ".join(answer.split())


def test_words_after_the_answer_are_not_told() -> None:
    assert "".join(told({"answer": "Yes.", "lines": [3]})) == "Yes."
