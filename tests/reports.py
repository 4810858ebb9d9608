"""Records of an edit and its attempts, for tests of what becomes of them."""

from dataclasses import replace

from streamedit.failures import Kind
from streamedit.records import AttemptRecord, EditRecord

EDIT = EditRecord(
    edit_id="edit_1", model="gpt-image-2", provider="openai", attempts=3, fallbacks=1, overhead_s=0.0002, stream=True,
    outcome="completed", partial_images=2, images=1, size_bytes=3000, first_event_s=0.3, total_s=4.0, input_tokens=10,
    output_tokens=1000, cost_micros=30_050, route="gpt-image-2", retries=1, started_at_s=1_790_000_000.0,
)  # fmt: skip

ATTEMPT = AttemptRecord(
    model="gpt-image-2", provider="openai", target="gpt-image-2", number=1, stage=1, image_index=0, outcome="completed",
    status=None, charged=False, started_at_s=1_790_000_000.0, overhead_s=0.0002, first_event_s=0.3, total_s=4.0,
    partial_images=2, images=1, size_bytes=3000, input_tokens=10, output_tokens=1000, cost_micros=30_050, cooldown_s=0.0,
    route="gpt-image-2", pattern="gpt-image-2", target_id="t1",
)  # fmt: skip

FAILED = replace(ATTEMPT, outcome="rate_limit_exceeded", status=429, first_event_s=None, kind=Kind.RATE_LIMIT, cooldown_s=60.0)
