"""The tables, as the newest migration leaves them."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

submissions = sa.Table(
    "submissions",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("key", sa.String(64), nullable=False, unique=True),
    sa.Column("received", sa.String(32), nullable=False),
    sa.Column("generator", sa.String(80), nullable=False, index=True),
    sa.Column("version", sa.String(40), nullable=False),
    sa.Column("track", sa.String(60), nullable=False),
    sa.Column("track_digest", sa.String(16), nullable=False, index=True),
    sa.Column("card", sa.Text, nullable=False),
    sa.Column("report", sa.LargeBinary, nullable=False),
    sa.Column("standing", sa.Text, nullable=False),
    sa.Column("account", sa.String(40), nullable=False, server_default=""),
    sa.Index("submissions_of_account", "account"),
)

clips = sa.Table(
    "clips",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("submission", sa.String(12), sa.ForeignKey("submissions.id"), nullable=False),
    sa.Column("track_digest", sa.String(16), nullable=False),
    sa.Column("clip", sa.Text, nullable=False),
    sa.Column("prompt", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), index=True),
    sa.Column("fingerprint", sa.String(32), index=True),
    sa.Column("scores", sa.Text, nullable=False),
    sa.Column("notes", sa.Text, nullable=False),
    sa.Index("clips_of_submission", "submission"),
    sa.Index("clips_of_prompt", "track_digest", "prompt"),
)

strips = sa.Table(
    "strips",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("submission", sa.String(12), sa.ForeignKey("submissions.id"), nullable=False),
    sa.Column("track_digest", sa.String(16), nullable=False),
    sa.Column("clip", sa.Text, nullable=False),
    sa.Column("prompt", sa.Text, nullable=False),
    sa.Column("jpeg", sa.LargeBinary, nullable=False),
    sa.Column("picture_hash", sa.LargeBinary),
    sa.Index("strips_of_submission", "submission"),
    sa.Index("strips_of_prompt", "track_digest", "prompt"),
)

verdicts = sa.Table(
    "verdicts",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("submission", sa.String(12), sa.ForeignKey("submissions.id"), nullable=False),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("passed", sa.Boolean, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Index("verdicts_of_submission", "submission"),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("submission", sa.String(12)),
    sa.Column("actor", sa.String(80), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("account", sa.String(40), nullable=False, server_default=""),
    sa.Column("hash", sa.String(64)),
    sa.Index("events_of_actor", "actor", "at"),
    sa.Index("events_of_account", "account", "at"),
)

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("folded", sa.String(80), nullable=False, unique=True),
    sa.Column("secret", sa.String(64), nullable=False),
    sa.Column("at", sa.String(32), nullable=False),
)

names = sa.Table(
    "names",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("folded", sa.Text, nullable=False, index=True),
    sa.Column("generator", sa.String(80), nullable=False),
    sa.Column("account", sa.String(40), nullable=False),
    sa.Column("at", sa.String(32), nullable=False),
)

marks = sa.Table(
    "marks",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("cell", sa.BigInteger, nullable=False),
    sa.Column("value", sa.Float(53), nullable=False),
    sa.Column("submission", sa.String(12), sa.ForeignKey("submissions.id"), nullable=False),
    sa.Column("row", sa.Integer, nullable=False),
    sa.Index("marks_cell", "cell"),
)

scorings = sa.Table(
    "scorings",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("submission", sa.String(12), sa.ForeignKey("submissions.id"), nullable=False),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("required", sa.Boolean, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("drawn", sa.Text, nullable=False),
    sa.Column("worker", sa.String(120), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Index("scorings_of_submission", "submission"),
)

seen_clips = sa.Table(
    "seen_clips",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("submission", sa.String(12), sa.ForeignKey("submissions.id"), nullable=False),
    sa.Column("track_digest", sa.String(16), nullable=False),
    sa.Column("clip", sa.Text, nullable=False),
    sa.Column("prompt", sa.Text, nullable=False),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("record", sa.Text, nullable=False),
    sa.Column("curves", sa.Text, nullable=False),
    sa.Column("film", sa.String(64), nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("poster", sa.LargeBinary, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.UniqueConstraint("submission", "clip"),
    sa.Index("seen_clips_of_prompt", "track_digest", "prompt"),
    sa.Index("seen_clips_film", "film"),
)

ballots = sa.Table(
    "ballots",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("rater", sa.String(40), nullable=False),
    sa.Column("actor", sa.String(80), nullable=False),
    sa.Column("track_digest", sa.String(16), nullable=False),
    sa.Column("prompt", sa.Text, nullable=False),
    sa.Column("left", sa.String(12), sa.ForeignKey("submissions.id"), nullable=False),
    sa.Column("right", sa.String(12), sa.ForeignKey("submissions.id"), nullable=False),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("answer", sa.String(5), nullable=False),
    sa.Column("again", sa.String(32), sa.ForeignKey("ballots.id")),
    sa.Index("ballots_of_rater", "rater", "at"),
    sa.Index("ballots_of_actor", "actor", "at"),
    sa.Index("ballots_of_track", "track_digest"),
)

votes = sa.Table(
    "votes",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("ballot", sa.String(32), sa.ForeignKey("ballots.id"), nullable=False, unique=True),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("overall", sa.String(5), nullable=False),
    sa.Column("motion", sa.String(5), nullable=False),
    sa.Column("consistency", sa.String(5), nullable=False),
    sa.Column("follows", sa.String(5), nullable=False),
)
