"""References, and the three error rates: WER, DER and cpWER."""

import json
import logging
import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CJK = re.compile(r"([\u3040-\u30ff\u3400-\u9fff])")


@dataclass(frozen=True)
class Item:
    """A recording with its references.

    Attributes:
        text: What is said, in the order of time; None where nobody wrote it down.
        said: The same for each speaker, where the reference has them.
        turns: (start, end, speaker) in seconds.
        lines: (start, end, text) in seconds, where the reference has the times of what is said.
    """

    id: str
    set: str
    path: Path
    seconds: float
    text: str | None
    said: dict[str, str] | None
    turns: list[tuple[float, float, str]] | None
    lines: tuple[tuple[float, float, str], ...] = ()


def load_items(folder: Path, sets: list[str]) -> list[Item]:
    lines = (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    return [_item(folder, row) for row in rows if row["set"] in sets]


def eval_folder() -> Path:
    given = os.environ.get("AURICLE_EVAL")
    return Path(given) if given else Path(__file__).parents[2] / "shared" / "eval"


def normalize(text: str) -> str:
    """Lower case, no punctuation; a character counts as a word in Chinese and Japanese."""
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    text = re.sub(r"[^\w']|_", " ", _CJK.sub(r" \1 ", text))
    return " ".join(word for word in (part.strip("'") for part in text.split()) if word)


@dataclass
class WordErrors:
    """WER over several recordings, in percent of the reference's words."""

    errors: int = 0
    words: int = 0

    def add(self, reference: str, heard: str) -> None:
        import jiwer

        reference, heard = normalize(reference), normalize(heard)
        if reference:
            found: Any = jiwer.process_words(reference, heard)
            self.errors += found.substitutions + found.deletions + found.insertions
            self.words += len(reference.split())
        else:
            self.errors += len(heard.split())

    def add_by_speaker(self, reference: dict[str, str], heard: dict[str, str]) -> None:
        """cpWER: the speakers' texts are matched in the best way."""
        from meeteval.wer import cp_word_error_rate

        logging.getLogger("preprocess").setLevel(logging.ERROR)  # it warns that plain texts have no times
        found = cp_word_error_rate(
            {name: normalize(text) for name, text in reference.items()},
            {name: normalize(text) for name, text in heard.items()},
        )
        self.errors += found.errors
        self.words += found.length

    @property
    def rate(self) -> float | None:
        return 100 * self.errors / self.words if self.words else None


class DiarizationErrors:
    """DER over several recordings in percent; no collar, overlap included."""

    def __init__(self) -> None:
        from pyannote.metrics.diarization import DiarizationErrorRate

        self._metric: Any = DiarizationErrorRate(collar=0.0, skip_overlap=False)
        self._any = False

    def add(self, item: Item, turns: list[tuple[float, float, str]]) -> None:
        from pyannote.core import Segment, Timeline

        assert item.turns is not None
        whole = Timeline([Segment(0, item.seconds)])
        self._metric(_annotation(item.turns), _annotation(turns), uem=whole)
        self._any = True

    @property
    def rate(self) -> float | None:
        return 100 * abs(self._metric) if self._any else None


def _annotation(turns: list[tuple[float, float, str]]) -> Any:
    from pyannote.core import Annotation, Segment

    annotation: Any = Annotation()
    for track, (start, end, speaker) in enumerate(turns):
        annotation[Segment(start, end), track] = speaker
    return annotation


def _item(folder: Path, row: dict[str, Any]) -> Item:
    text: str | None = row["reference_text"]
    said, lines = None, []
    if text and text.endswith((".stm", ".txt")) and (folder / text).is_file():
        content = (folder / text).read_text(encoding="utf-8")
        lines = _stm(content) if text.endswith(".stm") else []
        text, said = (" ".join(line[5] for line in lines), _by_speaker(lines)) if lines else (content, None)
    rttm = row.get("reference_rttm")
    turns = _rttm((folder / rttm).read_text(encoding="utf-8")) if rttm else None
    return Item(row["id"], row["set"], folder / row["path"], row["seconds"] or 0.0, text, said, turns, _timed(lines))


def _stm(content: str) -> list[list[str]]:
    """NIST's STM in the order of time: file, channel, speaker, start, end, [<label>,] words; the label is left out."""
    lines = [line.split(maxsplit=5) for line in content.splitlines() if line.strip() and not line.startswith(";;")]
    lines = sorted((line for line in lines if len(line) == 6), key=lambda line: float(line[3]))
    return [[*line[:5], re.sub("^<[^>]*>", "", line[5])] for line in lines]


def _by_speaker(lines: list[list[str]]) -> dict[str, str]:
    said: dict[str, str] = {}
    for _, _, speaker, _, _, words in lines:
        said[speaker] = f"{said.get(speaker, '')} {words}"
    return said


def _timed(lines: list[list[str]]) -> tuple[tuple[float, float, str], ...]:
    return tuple((float(start), float(end), words) for *_, start, end, words in lines)


def _rttm(content: str) -> list[tuple[float, float, str]]:
    fields = [line.split() for line in content.splitlines() if line.startswith("SPEAKER")]
    return [(float(field[3]), float(field[3]) + float(field[4]), field[7]) for field in fields]
