"""Files"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "streamedit_blobs",
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.Column("begun_at_s", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    with op.batch_alter_table("streamedit_blobs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_streamedit_blobs_begun_at_s"), ["begun_at_s"], unique=False)
        batch_op.create_index(batch_op.f("ix_streamedit_blobs_digest"), ["digest"], unique=False)

    op.create_table(
        "streamedit_files",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("filename", sa.String(length=512), nullable=False),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("blob", sa.String(length=128), nullable=False),
        sa.Column("created_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("expires_at_s", sa.Float(precision=53), nullable=True),
        sa.ForeignKeyConstraint(["blob"], ["streamedit_blobs.key"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("streamedit_files", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_streamedit_files_blob"), ["blob"], unique=False)
        batch_op.create_index(batch_op.f("ix_streamedit_files_expires_at_s"), ["expires_at_s"], unique=False)
        batch_op.create_index("streamedit_files_by_owner", ["owner", "created_at_s", "id"], unique=False)
        batch_op.create_index("streamedit_files_room", ["owner", "expires_at_s", "size_bytes"], unique=False)


def downgrade() -> None:
    """To the one before."""
    with op.batch_alter_table("streamedit_files", schema=None) as batch_op:
        batch_op.drop_index("streamedit_files_room")
        batch_op.drop_index("streamedit_files_by_owner")
        batch_op.drop_index(batch_op.f("ix_streamedit_files_expires_at_s"))
        batch_op.drop_index(batch_op.f("ix_streamedit_files_blob"))

    op.drop_table("streamedit_files")
    with op.batch_alter_table("streamedit_blobs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_streamedit_blobs_digest"))
        batch_op.drop_index(batch_op.f("ix_streamedit_blobs_begun_at_s"))

    op.drop_table("streamedit_blobs")
