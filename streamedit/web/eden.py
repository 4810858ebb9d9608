"""Eden AI's route: OpenAI's, with `cost` and `provider` beside the image, and a model that has to be named.

Source: Eden AI's API reference, `POST /v3/images/edits` (`ImageEditJsonBody`, `ImageResponse`). It has no edits that are
looked at later: those, and their views, are the same here whatever route they were posted to, and tell the cost in a header.
"""

from collections.abc import Mapping, Sequence

from streamedit import tally
from streamedit.edits import EditRequest
from streamedit.errors import InvalidRequest
from streamedit.events import Completed, Json

PATH = "/v3/images/edits"


def check(request: EditRequest) -> None:
    """Raises InvalidRequest for a request that names no model."""
    if request.model is None:
        told = "model is required: provider/model, for example openai/gpt-image-2."
        raise InvalidRequest(told, param="model", code="missing_required_parameter")


def told_of(images: Sequence[Completed]) -> Mapping[str, Json]:
    """The fields that are told of images, of one or of all of an answer: dollars, null where no price is known."""
    cost_micros = tally.cost_of(images)
    cost = None if cost_micros is None else cost_micros / 1_000_000
    return {"cost": cost, "provider": images[0].headers.get(tally.PROVIDER)}
