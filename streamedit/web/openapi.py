"""The OpenAPI 3.1 description, drawn from the models that validate."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from streamedit import __version__
from streamedit.wire import schemas

_REFERENCE = "#/components/schemas/{model}"
_ANSWERS = (
    schemas.ImagesResponse,
    schemas.PartialImageEvent,
    schemas.CompletedEvent,
    schemas.ErrorEvent,
    schemas.ErrorEnvelope,
)


def document() -> Mapping[str, Any]:
    """The whole description."""
    requests = (schemas.EditForm, schemas.EditBody)
    _, definitions = models_json_schema(
        [*((model, "validation") for model in requests), *((model, "serialization") for model in _ANSWERS)],
        ref_template=_REFERENCE,
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "streamedit", "version": __version__, "license": {"name": "MIT", "identifier": "MIT"}},
        "paths": {
            "/v1/images/edits": {"post": _edit()},
            "/v1/models": {"get": _get("The models that this server has.", "application/json")},
            "/health/live": {"get": _get("The process runs.", "application/json")},
            "/health/ready": {"get": _get("Edits are accepted.", "application/json")},
            "/metrics": {"get": _get("Prometheus metrics.", "text/plain")},
        },
        "components": {"schemas": definitions["$defs"], "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"key": []}],
    }


def _edit() -> dict[str, Any]:
    stream = {"oneOf": [_ref(model) for model in (schemas.PartialImageEvent, schemas.CompletedEvent, schemas.ErrorEvent)]}
    return {
        "operationId": "createImageEdit",
        "summary": "Edit images; with `stream`, watch it happen.",
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": _ref(schemas.EditForm)},
                "application/json": {"schema": _ref(schemas.EditBody)},
            },
        },
        "responses": {
            "200": {
                "description": "The edit: one JSON body, or its events, each the `data` of a server-sent event.",
                "headers": {"x-edit-id": {"schema": {"type": "string"}}, "x-request-id": {"schema": {"type": "string"}}},
                "content": {
                    "application/json": {"schema": _ref(schemas.ImagesResponse)},
                    "text/event-stream": {"schema": stream},
                },
            },
            "default": {
                "description": "What went wrong.",
                "content": {"application/json": {"schema": _ref(schemas.ErrorEnvelope)}},
            },
        },
    }


def _get(description: str, media_type: str) -> dict[str, Any]:
    return {"responses": {"200": {"description": description, "content": {media_type: {}}}}}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}
