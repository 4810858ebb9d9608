"""The first schema"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "streamedit_api_keys",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("previous_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("previous_until_s", sa.Float(precision=53), nullable=True),
        sa.Column("created_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("expires_at_s", sa.Float(precision=53), nullable=True),
        sa.Column("revoked_at_s", sa.Float(precision=53), nullable=True),
        sa.Column("group_id", sa.String(length=64), nullable=True),
        sa.Column("models", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("limits", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("budgets", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("metadata", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("streamedit_api_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_streamedit_api_keys_group_id"), ["group_id"], unique=False)

    op.create_table(
        "streamedit_edits",
        sa.Column("edit_id", sa.String(length=64), nullable=False),
        sa.Column("started_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("group_id", sa.String(length=64), nullable=True),
        sa.Column("end_user", sa.String(length=512), nullable=True),
        sa.Column("model", sa.String(length=256), nullable=False),
        sa.Column("route", sa.String(length=256), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error_type", sa.String(length=64), nullable=True),
        sa.Column("stream", sa.Boolean(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("partial_images", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.Column("fallbacks", sa.Integer(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("input_image_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_text_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost_micros", sa.BigInteger(), nullable=True),
        sa.Column("charge_micros", sa.BigInteger(), nullable=False),
        sa.Column("overhead_s", sa.Float(precision=53), nullable=True),
        sa.Column("first_event_s", sa.Float(precision=53), nullable=True),
        sa.Column("total_s", sa.Float(precision=53), nullable=False),
        sa.Column("input_bytes", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("trace_id", sa.String(length=32), nullable=True),
        sa.Column("flagged", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("metadata", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("edit_id"),
    )
    with op.batch_alter_table("streamedit_edits", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_streamedit_edits_day"), ["day"], unique=False)
        batch_op.create_index(batch_op.f("ix_streamedit_edits_started_at_s"), ["started_at_s"], unique=False)
        batch_op.create_index("streamedit_edits_by_end_user", ["end_user", "started_at_s"], unique=False)
        batch_op.create_index("streamedit_edits_by_key", ["key_id", "started_at_s"], unique=False)

    op.create_table(
        "streamedit_end_users",
        sa.Column("id", sa.String(length=512), nullable=False),
        sa.Column("is_blocked", sa.Boolean(), nullable=False),
        sa.Column("limits", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("budgets", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("metadata", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_at_s", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "streamedit_groups",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("platforms", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("models", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("images", sa.Boolean(), nullable=False),
        sa.Column("limits", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("budgets", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("metadata", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_at_s", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "streamedit_reservations",
        sa.Column("edit_id", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=600), nullable=False),
        sa.Column("period", sa.String(length=16), nullable=False),
        sa.Column("start_s", sa.BigInteger(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False),
        sa.Column("until_s", sa.Float(precision=53), nullable=False),
        sa.Column("is_called", sa.Boolean(), nullable=False),
        sa.Column("is_lapsed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("edit_id", "scope", "period"),
    )
    with op.batch_alter_table("streamedit_reservations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_streamedit_reservations_until_s"), ["until_s"], unique=False)

    op.create_table(
        "streamedit_secrets",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "streamedit_spends",
        sa.Column("scope", sa.String(length=600), nullable=False),
        sa.Column("period", sa.String(length=16), nullable=False),
        sa.Column("start_s", sa.BigInteger(), nullable=False),
        sa.Column("spent_micros", sa.BigInteger(), nullable=False),
        sa.Column("reserved_micros", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "period", "start_s"),
    )
    op.create_table(
        "streamedit_attempts",
        sa.Column("edit_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(length=256), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("target", sa.String(length=256), nullable=False),
        sa.Column("target_id", sa.String(length=256), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("image_index", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("charged", sa.Boolean(), nullable=False),
        sa.Column("started_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("first_event_s", sa.Float(precision=53), nullable=True),
        sa.Column("total_s", sa.Float(precision=53), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("partial_images", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("input_image_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_text_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost_micros", sa.BigInteger(), nullable=True),
        sa.Column("charge_micros", sa.BigInteger(), nullable=False),
        sa.Column("cooldown_s", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(["edit_id"], ["streamedit_edits.edit_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("edit_id", "position"),
    )
    with op.batch_alter_table("streamedit_attempts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_streamedit_attempts_started_at_s"), ["started_at_s"], unique=False)

    op.create_table(
        "streamedit_edit_tags",
        sa.Column("edit_id", sa.String(length=64), nullable=False),
        sa.Column("tag", sa.String(length=256), nullable=False),
        sa.ForeignKeyConstraint(["edit_id"], ["streamedit_edits.edit_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("edit_id", "tag"),
    )
    with op.batch_alter_table("streamedit_edit_tags", schema=None) as batch_op:
        batch_op.create_index("streamedit_edit_tags_by_tag", ["tag"], unique=False)


def downgrade() -> None:
    """To the one before."""
    with op.batch_alter_table("streamedit_edit_tags", schema=None) as batch_op:
        batch_op.drop_index("streamedit_edit_tags_by_tag")

    op.drop_table("streamedit_edit_tags")
    with op.batch_alter_table("streamedit_attempts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_streamedit_attempts_started_at_s"))

    op.drop_table("streamedit_attempts")
    op.drop_table("streamedit_spends")
    op.drop_table("streamedit_secrets")
    with op.batch_alter_table("streamedit_reservations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_streamedit_reservations_until_s"))

    op.drop_table("streamedit_reservations")
    op.drop_table("streamedit_groups")
    op.drop_table("streamedit_end_users")
    with op.batch_alter_table("streamedit_edits", schema=None) as batch_op:
        batch_op.drop_index("streamedit_edits_by_key")
        batch_op.drop_index("streamedit_edits_by_end_user")
        batch_op.drop_index(batch_op.f("ix_streamedit_edits_started_at_s"))
        batch_op.drop_index(batch_op.f("ix_streamedit_edits_day"))

    op.drop_table("streamedit_edits")
    with op.batch_alter_table("streamedit_api_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_streamedit_api_keys_group_id"))

    op.drop_table("streamedit_api_keys")
