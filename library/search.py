"""Finding words that were heard: SQLite's FTS5, and plain matching where it cannot help."""

from sqlalchemy import Connection, bindparam, text

from auricle.domain import Span
from auricle.errors import BadArgument

_LONGEST = 1000


class Hit(Span):
    """One segment that says the words.

    Attributes:
        recording: Its recording's id.
        take: The take that heard it.
        text: The whole segment.
    """

    recording: str
    take: str
    text: str


# A segment counts only while no later take decides for its middle; a translation stands beside what was said.
_QUERY = """
SELECT takes.recording, heard.take, heard.start, heard."end", heard.text
FROM heard JOIN takes ON takes.id = heard.take
WHERE {match}
  AND (:recording IS NULL OR takes.recording = :recording)
  AND NOT EXISTS (
    SELECT 1 FROM takes AS later
    WHERE later.recording = takes.recording AND later.kind = 'recognition' AND later.rank > takes.rank
      AND json_extract(later.params, '$.translate') IS json_extract(takes.params, '$.translate')
      AND later.start <= (heard.start + heard."end") / 2 AND (heard.start + heard."end") / 2 < later."end")
ORDER BY {order}
LIMIT :limit
"""
_BY_WORDS = text(_QUERY.format(match="heard MATCH :words", order="heard.rank, takes.recording, heard.start"))
_BY_LETTERS = text(_QUERY.format(match="heard.text LIKE :words ESCAPE '\\'", order="takes.recording, heard.start"))


def hits(connection: Connection, words: str, recording: str | None, limit: int) -> list[Hit]:
    """The best ``limit`` segments.

    FTS knows words; scripts without spaces, and parts of words, are found letter by letter.
    """
    if len(words) > _LONGEST:
        raise BadArgument(f"That is too much to search for: give a few words, at most {_LONGEST} characters.")
    # A NUL ends SQLite's string, and a lone surrogate is no text at all.
    asked = words.replace("\0", " ").encode("utf-8", "replace").decode().split()
    if not asked:
        return []
    # In double quotes everything is a word to FTS5, its own operators too.
    quoted = " ".join('"' + word.replace('"', '""') + '"' for word in asked)
    letters = " ".join(asked).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    for query, match in ((_BY_WORDS, quoted), (_BY_LETTERS, f"%{letters}%")):
        values = {"words": match, "recording": recording, "limit": limit}
        rows = connection.execute(query.bindparams(bindparam("limit")), values).mappings().all()
        if rows:
            return [Hit.model_validate(dict(row)) for row in rows]
    return []
