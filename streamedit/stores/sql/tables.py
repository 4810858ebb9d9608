"""The tables of the database. Money is in micro-dollars, times are in Unix seconds, sizes in bytes; days are UTC's.

Their names begin alike: the database may be an application's own, with tables of such names.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

METADATA = MetaData()

VERSION_TABLE = "streamedit_alembic_version"
"""Where alembic keeps which schema there is."""

_ANY_JSON = JSON(none_as_null=True)

API_KEYS = Table(
    "streamedit_api_keys",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("name", String(256), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("previous_digest", LargeBinary(32)),
    Column("previous_until_s", Float(53)),
    Column("created_at_s", Float(53), nullable=False),
    Column("expires_at_s", Float(53)),
    Column("revoked_at_s", Float(53)),
    Column("group_id", String(64), index=True),
    Column("models", _ANY_JSON),
    Column("limits", _ANY_JSON, nullable=False),
    Column("budgets", _ANY_JSON, nullable=False),
    Column("metadata", _ANY_JSON, nullable=False),
)

GROUPS = Table(
    "streamedit_groups",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("platforms", _ANY_JSON),
    Column("models", _ANY_JSON),
    Column("images", Boolean, nullable=False),
    Column("limits", _ANY_JSON, nullable=False),
    Column("budgets", _ANY_JSON, nullable=False),
    Column("metadata", _ANY_JSON, nullable=False),
    Column("created_at_s", Float(53), nullable=False),
)

END_USERS = Table(
    "streamedit_end_users",
    METADATA,
    Column("id", String(512), primary_key=True),
    Column("is_blocked", Boolean, nullable=False),
    Column("limits", _ANY_JSON, nullable=False),
    Column("budgets", _ANY_JSON, nullable=False),
    Column("metadata", _ANY_JSON, nullable=False),
    Column("created_at_s", Float(53), nullable=False),
)

SECRETS = Table(
    "streamedit_secrets",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("value", String(256), nullable=False),
)
"""Made once, and the same for all processes."""

SPENDS = Table(
    "streamedit_spends",
    METADATA,
    Column("scope", String(600), primary_key=True),
    Column("period", String(16), primary_key=True),
    Column("start_s", BigInteger, primary_key=True),
    Column("spent_micros", BigInteger, nullable=False),
    Column("reserved_micros", BigInteger, nullable=False),
)

RESERVATIONS = Table(
    "streamedit_reservations",
    METADATA,
    Column("edit_id", String(64), primary_key=True),
    Column("scope", String(600), primary_key=True),
    Column("period", String(16), primary_key=True),
    Column("start_s", BigInteger, nullable=False),
    Column("micros", BigInteger, nullable=False),
    Column("until_s", Float(53), nullable=False, index=True),
    Column("is_called", Boolean, nullable=False),
    Column("is_lapsed", Boolean, nullable=False),
)
"""`is_lapsed`: it was not settled in time, and was taken for spent."""

EDITS = Table(
    "streamedit_edits",
    METADATA,
    Column("edit_id", String(64), primary_key=True),
    Column("started_at_s", Float(53), nullable=False, index=True),
    Column("day", String(10), nullable=False, index=True),
    Column("key_id", String(64), nullable=False),
    Column("group_id", String(64)),
    Column("end_user", String(512)),
    Column("model", String(256), nullable=False),
    Column("route", String(256), nullable=False),
    Column("provider", String(64), nullable=False),
    Column("outcome", String(64), nullable=False),
    Column("status", Integer),
    Column("error_type", String(64)),
    Column("stream", Boolean, nullable=False),
    Column("images", Integer, nullable=False),
    Column("partial_images", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("retries", Integer, nullable=False),
    Column("fallbacks", Integer, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("input_image_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("output_text_tokens", BigInteger, nullable=False),
    Column("cost_micros", BigInteger),
    Column("charge_micros", BigInteger, nullable=False),
    Column("overhead_s", Float(53)),
    Column("first_event_s", Float(53)),
    Column("total_s", Float(53), nullable=False),
    Column("input_bytes", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("trace_id", String(32)),
    Column("flagged", _ANY_JSON, nullable=False),
    Column("metadata", _ANY_JSON, nullable=False),
    Index("streamedit_edits_by_key", "key_id", "started_at_s"),
    Index("streamedit_edits_by_end_user", "end_user", "started_at_s"),
)

EDIT_TAGS = Table(
    "streamedit_edit_tags",
    METADATA,
    Column("edit_id", String(64), ForeignKey("streamedit_edits.edit_id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String(256), primary_key=True),
    Index("streamedit_edit_tags_by_tag", "tag"),
)

ATTEMPTS = Table(
    "streamedit_attempts",
    METADATA,
    Column("edit_id", String(64), ForeignKey("streamedit_edits.edit_id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("model", String(256), nullable=False),
    Column("provider", String(64), nullable=False),
    Column("target", String(256), nullable=False),
    Column("target_id", String(256)),
    Column("number", Integer, nullable=False),
    Column("stage", Integer, nullable=False),
    Column("image_index", Integer, nullable=False),
    Column("outcome", String(64), nullable=False),
    Column("status", Integer),
    Column("charged", Boolean, nullable=False),
    Column("started_at_s", Float(53), nullable=False, index=True),
    Column("first_event_s", Float(53)),
    Column("total_s", Float(53), nullable=False),
    Column("images", Integer, nullable=False),
    Column("partial_images", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("input_image_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("output_text_tokens", BigInteger, nullable=False),
    Column("cost_micros", BigInteger),
    Column("charge_micros", BigInteger, nullable=False),
    Column("cooldown_s", Float(53), nullable=False),
)
"""`position`: in the order in which they ended, from 1."""

BLOBS = Table(
    "streamedit_blobs",
    METADATA,
    Column("key", String(128), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, index=True),
    Column("is_whole", Boolean, nullable=False),
    Column("begun_at_s", Float(53), nullable=False, index=True),
)
"""Contents of files. One that is not whole is being stored; once nobody wants it, it has begun at 0, and is to be deleted."""

FILES = Table(
    "streamedit_files",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("filename", String(512), nullable=False),
    Column("media_type", String(64), nullable=False),
    Column("purpose", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("blob", String(128), ForeignKey("streamedit_blobs.key"), nullable=False, index=True),
    Column("created_at_s", Float(53), nullable=False),
    Column("expires_at_s", Float(53), index=True),
    Index("streamedit_files_by_owner", "owner", "created_at_s", "id"),
    Index("streamedit_files_room", "owner", "expires_at_s", "size_bytes"),
)
