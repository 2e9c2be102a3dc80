"""How a library on disk became what it is: statements for each version, never changed once released.

``PRAGMA user_version`` counts those already done.
"""

_FIRST = (
    """CREATE TABLE recordings (
        id TEXT PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, path TEXT NOT NULL, stamp TEXT NOT NULL,
        duration INTEGER NOT NULL, sample_rate INTEGER NOT NULL, channels INTEGER NOT NULL, codec TEXT NOT NULL,
        added REAL NOT NULL)""",
    """CREATE TABLE takes (
        id TEXT PRIMARY KEY, "key" TEXT NOT NULL UNIQUE,
        recording TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
        kind TEXT NOT NULL, engine TEXT NOT NULL, params TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
        payload TEXT NOT NULL, created REAL NOT NULL, rank INTEGER NOT NULL)""",
    "CREATE INDEX takes_of ON takes (recording, kind, rank)",
    """CREATE VIRTUAL TABLE heard USING fts5 (
        text, take UNINDEXED, start UNINDEXED, "end" UNINDEXED, tokenize = 'unicode61 remove_diacritics 2')""",
    "CREATE TRIGGER takes_unheard AFTER DELETE ON takes BEGIN DELETE FROM heard WHERE take = old.id; END",
    """CREATE TABLE speakers (
        id TEXT PRIMARY KEY, recording TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
        label TEXT NOT NULL, created REAL NOT NULL, UNIQUE (recording, label))""",
    """CREATE TABLE voices (
        take TEXT NOT NULL REFERENCES takes (id) ON DELETE CASCADE, label TEXT NOT NULL,
        speaker TEXT NOT NULL REFERENCES speakers (id) ON DELETE CASCADE, PRIMARY KEY (take, label))""",
    """CREATE TABLE edits (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, recording TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
        kind TEXT NOT NULL, speaker TEXT NOT NULL REFERENCES speakers (id) ON DELETE CASCADE, name TEXT NOT NULL,
        evidence TEXT NOT NULL, created REAL NOT NULL)""",
    "CREATE INDEX edits_of ON edits (recording, seq)",
    """CREATE TABLE undos (
        edit INTEGER PRIMARY KEY REFERENCES edits (seq) ON DELETE CASCADE, created REAL NOT NULL)""",
    """CREATE TABLE jobs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, args TEXT NOT NULL,
        "key" TEXT NOT NULL, settings TEXT NOT NULL, priority INTEGER NOT NULL, state TEXT NOT NULL,
        done REAL NOT NULL, total REAL NOT NULL, note TEXT NOT NULL, result TEXT, error TEXT,
        cancel_requested INTEGER NOT NULL, attempts INTEGER NOT NULL, worker_pid INTEGER,
        created REAL NOT NULL, started REAL, finished REAL)""",
    "CREATE INDEX jobs_waiting ON jobs (state, priority, seq)",
    # Whatever two faces do at once, the same work is never queued or running twice.
    """CREATE UNIQUE INDEX jobs_shared ON jobs ("key") WHERE state IN ('queued', 'running')""",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST,)
"""In order; a library's version is how many of them it has been through."""
