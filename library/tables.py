"""The tables as SQLAlchemy sees them. ``migrations`` creates them; a test holds the two together."""

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData()

recordings = Table(
    "recordings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("path", Text, nullable=False),
    # What the file system said of the file when it was hashed: while that stands, it is not hashed again.
    Column("stamp", Text, nullable=False),
    Column("duration", Integer, nullable=False),
    Column("sample_rate", Integer, nullable=False),
    Column("channels", Integer, nullable=False),
    Column("codec", Text, nullable=False),
    Column("added", Float, nullable=False),
    # The hash of the stored sound; empty where an earlier version decoded it.
    Column("sound", Text, nullable=False, server_default=""),
    # Whether the channels carry different voices, and are kept each.
    Column("apart", Boolean, nullable=False, server_default="0"),
)

takes = Table(
    "takes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("recording", Text, ForeignKey("recordings.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("engine", Text, nullable=False),
    Column("params", Text, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("payload", Text, nullable=False),
    Column("created", Float, nullable=False),
    # Grows with every take that is asked for, a stored one again too: the highest decides where takes overlap.
    Column("rank", Integer, nullable=False),
)

# What is too large for a payload.
blobs = Table(
    "blobs",
    metadata,
    Column("take", Text, ForeignKey("takes.id"), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

# FTS5: one row a recognized segment. `rowid` is SQLite's own.
heard = Table(
    "heard",
    metadata,
    Column("text", Text),
    Column("take", Text),
    Column("start", Integer),
    Column("end", Integer),
)

speakers = Table(
    "speakers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("recording", Text, ForeignKey("recordings.id"), nullable=False),
    Column("label", Text, nullable=False),
    Column("created", Float, nullable=False),
)

voices = Table(
    "voices",
    metadata,
    Column("take", Text, ForeignKey("takes.id"), primary_key=True),
    Column("label", Text, primary_key=True),
    Column("speaker", Text, ForeignKey("speakers.id"), nullable=False),
)

# What was decided at once, in several recordings too: it is undone at once.
steps = Table(
    "steps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("note", Text, nullable=False),
    Column("created", Float, nullable=False),
)

edits = Table(
    "edits",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("recording", Text, ForeignKey("recordings.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("speaker", Text, ForeignKey("speakers.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("step", Integer, ForeignKey("steps.id")),
    # The other voice of a merge or a reassignment, and the range of one.
    Column("other", Text, ForeignKey("speakers.id")),
    Column("start", Integer),
    Column("end", Integer),
)

# Undoing and redoing append too: the log itself never changes. `after` is the last edit there was then.
reversals = Table(
    "reversals",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("step", Integer, ForeignKey("steps.id"), nullable=False),
    Column("undone", Boolean, nullable=False),
    Column("after", Integer, nullable=False),
    Column("created", Float, nullable=False),
)

# People who agreed to being known by their voice.
people = Table(
    "people",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("agreed_by", Text, nullable=False),
    Column("agreed", Float, nullable=False),
    Column("until", Float),
)

voiceprints = Table(
    "voiceprints",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, ForeignKey("people.id"), nullable=False),
    # Null once the recording was removed; `source` still says what its file was called.
    Column("recording", Text, ForeignKey("recordings.id")),
    Column("speaker", Text, ForeignKey("speakers.id")),
    Column("source", Text, nullable=False),
    Column("spans", JSON, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("created", Float, nullable=False),
)

vectors = Table(
    "vectors",
    metadata,
    Column("voiceprint", Text, ForeignKey("voiceprints.id"), primary_key=True),
    Column("model", Text, primary_key=True),
    Column("vector", LargeBinary, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("args", JSON, nullable=False),
    Column("key", Text, nullable=False),
    # The settings it was asked for under: a worker that another face started must hear with these.
    Column("settings", JSON, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("done", Float, nullable=False),
    Column("total", Float, nullable=False),
    Column("note", Text, nullable=False),
    Column("result", JSON(none_as_null=True)),
    Column("error", JSON(none_as_null=True)),
    Column("cancel_requested", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("worker_pid", Integer),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("finished", Float),
    Column("pause_requested", Boolean, nullable=False, server_default="0"),
    Column("seconds_left", Float),
)

# Who waits for a job. `seen` is the machine's monotonic clock; null where a handle was taken and nobody waits.
askers = Table(
    "askers",
    metadata,
    Column("job", Text, ForeignKey("jobs.id"), primary_key=True),
    Column("asker", Text, primary_key=True),
    Column("seen", Float),
)

# Who may come in over the network. The secret itself is nowhere.
tokens = Table(
    "tokens",
    metadata,
    Column("name", Text, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float),
    Column("last_used", Float),
)
