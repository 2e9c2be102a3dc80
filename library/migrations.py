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

_RANGES_AND_PAUSES = (
    # The hash of the stored sound, empty where it was decoded before; and whether its channels are kept each.
    "ALTER TABLE recordings ADD COLUMN sound TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE recordings ADD COLUMN apart INTEGER NOT NULL DEFAULT 0",
    # What is too large for a payload, kept and gone with its take.
    """CREATE TABLE blobs (
        take TEXT PRIMARY KEY REFERENCES takes (id) ON DELETE CASCADE, data BLOB NOT NULL)""",
    # Voices were kept for a whole recording, in files: they are listened to again by the piece.
    "DELETE FROM takes WHERE kind = 'voices'",
    "ALTER TABLE jobs ADD COLUMN pause_requested INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE jobs ADD COLUMN seconds_left REAL",
    # Who waits for a job. `seen` is the machine's monotonic clock; NULL where a handle was taken and nobody waits.
    """CREATE TABLE askers (
        job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, asker TEXT NOT NULL, seen REAL,
        PRIMARY KEY (job, asker))""",
    "DROP INDEX jobs_shared",
    """CREATE UNIQUE INDEX jobs_shared ON jobs ("key") WHERE state IN ('queued', 'running', 'paused')""",
)

_TOKENS = (
    """CREATE TABLE tokens (
        name TEXT PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, created REAL NOT NULL, expires REAL, last_used REAL)""",
)

_PEOPLE = (
    # What was decided at once is undone at once, in several recordings too.
    "CREATE TABLE steps (id INTEGER PRIMARY KEY AUTOINCREMENT, note TEXT NOT NULL, created REAL NOT NULL)",
    "INSERT INTO steps (id, note, created) SELECT seq, '', created FROM edits",
    "ALTER TABLE edits ADD COLUMN step INTEGER REFERENCES steps (id)",
    "UPDATE edits SET step = seq",
    "ALTER TABLE edits ADD COLUMN other TEXT REFERENCES speakers (id) ON DELETE CASCADE",
    "ALTER TABLE edits ADD COLUMN start INTEGER",
    """ALTER TABLE edits ADD COLUMN "end" INTEGER""",
    "CREATE INDEX edits_together ON edits (step)",
    # Undone and done again, as often as anybody likes: the last one of a step counts.
    """CREATE TABLE reversals (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, step INTEGER NOT NULL REFERENCES steps (id) ON DELETE CASCADE,
        undone INTEGER NOT NULL, "after" INTEGER NOT NULL, created REAL NOT NULL)""",
    """INSERT INTO reversals (step, undone, "after", created)
        SELECT edit, 1, (SELECT max(seq) FROM edits), created FROM undos ORDER BY created""",
    "DROP TABLE undos",
    # People who agreed to being known by their voice.
    """CREATE TABLE people (
        id TEXT PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE UNIQUE, agreed_by TEXT NOT NULL, agreed REAL NOT NULL,
        until REAL)""",
    """CREATE TABLE voiceprints (
        id TEXT PRIMARY KEY, person TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
        recording TEXT REFERENCES recordings (id) ON DELETE SET NULL,
        speaker TEXT REFERENCES speakers (id) ON DELETE SET NULL, source TEXT NOT NULL, spans TEXT NOT NULL,
        seconds REAL NOT NULL, created REAL NOT NULL)""",
    # One voice as each embedding model sees it: those of two models are never compared.
    """CREATE TABLE vectors (
        voiceprint TEXT NOT NULL REFERENCES voiceprints (id) ON DELETE CASCADE, model TEXT NOT NULL,
        vector BLOB NOT NULL, PRIMARY KEY (voiceprint, model))""",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _RANGES_AND_PAUSES, _TOKENS, _PEOPLE)
"""In order; a library's version is how many of them it has been through."""
