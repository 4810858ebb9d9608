"""The OpenAPI 3.1 description, drawn from the models that validate."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from streamedit.portkey import headers as portkey
from streamedit.version import __version__
from streamedit.web import admin, books_api, eden, facts, files_api
from streamedit.wire import objects, schemas
from streamedit.wire.admin import EndUserFields, GroupFields, KeyFields, Rotation
from streamedit.wire.filing import EdensForm, FileForm
from streamedit.wire.wishes import WishHeaders

_REFERENCE = "#/components/schemas/{model}"
_ANSWERS = (
    schemas.ImagesResponse,
    schemas.PartialImageEvent,
    schemas.CompletedEvent,
    schemas.EdensResponse,
    schemas.EdensCompletedEvent,
    schemas.ErrorEvent,
    schemas.ErrorEnvelope,
    schemas.EditObject,
    objects.KeyObject,
    objects.NewKeyObject,
    objects.GroupObject,
    objects.EndUserObject,
    objects.DeletedObject,
    *files_api.ANSWERS,
)


def document() -> Mapping[str, Any]:
    """The whole description."""
    requests = (schemas.EditForm, schemas.EditBody, FileForm, EdensForm, KeyFields, Rotation, GroupFields, EndUserFields)
    _, definitions = models_json_schema(
        [*((model, "validation") for model in requests), *((model, "serialization") for model in _ANSWERS)],
        ref_template=_REFERENCE,
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "streamedit", "version": __version__, "license": {"name": "MIT", "identifier": "MIT"}},
        "paths": {
            "/v1/images/edits": {"post": _edit()},
            eden.PATH: {"post": _edens_edit()},
            "/v1/images/edits/async": {"post": _edit_async()},
            "/v1/images/edits/{id}": {"get": _resource("retrieveImageEdit", "The edit, with its result once it has ended.")},
            "/v1/images/edits/{id}/events": {"get": _events()},
            "/v1/images/edits/{id}/cancel": {"post": _resource("cancelImageEdit", "The edit, which has ended now.")},
            **files_api.paths(_error()),
            "/v1/models": {"get": _get("The models that this server has.", "application/json")},
            **_administration(),
            **books_api.paths(_error()),
            "/health/live": {"get": _get("The process runs.", "application/json")},
            "/health/ready": {"get": _get("Edits are accepted.", "application/json")},
            "/metrics": {"get": _get("Prometheus metrics.", "text/plain")},
        },
        "components": {"schemas": definitions["$defs"], "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"key": []}],
    }


def _edit() -> dict[str, Any]:
    return {
        "operationId": "createImageEdit",
        "summary": "Edit images; with `stream`, watch it happen.",
        "parameters": [_header("Prefer"), *_asked()],
        "requestBody": _request_body(),
        "responses": {
            "200": _told(_EDIT, _answers(schemas.ImagesResponse, schemas.CompletedEvent)),
            "202": _told("With `Prefer: respond-async`: the edit goes on by itself.", _json(schemas.EditObject)),
            "default": _error(),
        },
    }


def _edens_edit() -> dict[str, Any]:
    """The same; what is asked for by `Prefer` is as on the other route."""
    return {
        **_edit(),
        "operationId": "createImageEditAsEdenAI",
        "summary": "The same, with a `model` as `provider/model`; answers tell `cost` and `provider`.",
        "responses": {
            **_edit()["responses"],
            "200": _told(_EDIT, _answers(schemas.EdensResponse, schemas.EdensCompletedEvent)),
        },
    }


def _edit_async() -> dict[str, Any]:
    return {
        "operationId": "createImageEditAsync",
        "summary": "Edit images, and look at the edit later.",
        "parameters": _asked(),
        "requestBody": _request_body(),
        "responses": {"202": _told("The edit goes on by itself.", _json(schemas.EditObject)), "default": _error()},
    }


def _resource(operation_id: str, description: str) -> dict[str, Any]:
    return {
        "operationId": operation_id,
        "parameters": [_ID],
        "responses": {"200": _told(description, _json(schemas.EditObject)), "default": _error()},
    }


def _events() -> dict[str, Any]:
    token, last = ({"name": name, "in": "query", "schema": {"type": "string"}} for name in ("token", "last_event_id"))
    return {
        "operationId": "watchImageEdit",
        "summary": "The edit's events with their ids, for an EventSource.",
        "parameters": [_ID, token, last, _header("Last-Event-ID")],
        "responses": {
            "200": _told("The events behind the last one that was read.", {"text/event-stream": {"schema": _event()}}),
            "204": {"description": "All of them have been read."},
            "default": _error(),
        },
    }


def _administration() -> dict[str, Any]:
    """For master keys."""
    key, new_key, group, end_user = objects.KeyObject, objects.NewKeyObject, objects.GroupObject, objects.EndUserObject
    deleted = objects.DeletedObject
    return {
        admin.KEYS: {
            "get": _listing("listKeys", key),
            "post": _managed("createKey", "A new key; its text is told this once.", new_key, KeyFields),
        },
        f"{admin.KEYS}/{{id}}": {
            "get": _managed("retrieveKey", "The key.", key),
            "patch": _managed("updateKey", "The key as the merge patch makes it: null takes away.", key, KeyFields),
            "delete": _managed("revokeKey", "The key, which opens nothing any more.", key),
        },
        f"{admin.KEYS}/{{id}}/rotate": {
            "post": _managed("rotateKey", "The same key with a new text, which is told this once.", new_key, Rotation)
        },
        admin.GROUPS: {"get": _listing("listGroups", group)},
        f"{admin.GROUPS}/{{id}}": _replaceable("Group", group, GroupFields, deleted),
        admin.END_USERS: {"get": _listing("listEndUsers", end_user)},
        f"{admin.END_USERS}/{{id}}": _replaceable("EndUser", end_user, EndUserFields, deleted),
    }


def _replaceable(what: str, model: type[BaseModel], fields: type[BaseModel], deleted: type[BaseModel]) -> dict[str, Any]:
    return {
        "get": _managed(f"retrieve{what}", "What is kept.", model),
        "put": _managed(f"put{what}", "What is kept from now on, and nothing else.", model, fields),
        "delete": _managed(f"delete{what}", "Nothing is kept any more.", deleted),
    }


def _managed(operation_id: str, told: str, model: type[BaseModel], fields: type[BaseModel] | None = None) -> dict[str, Any]:
    body = {"requestBody": {"content": _json(fields)}} if fields else {}
    parameters = [] if operation_id == "createKey" else [_ID]
    answers = {"200": {"description": told, "content": _json(model)}, "default": _error()}
    return {"operationId": operation_id, "parameters": parameters, **body, "responses": answers}


def _listing(operation_id: str, model: type[BaseModel]) -> dict[str, Any]:
    items = {"type": "array", "items": _ref(model)}
    schema = {"type": "object", "properties": {"object": {"const": "list"}, "data": items}, "required": ["object", "data"]}
    answers = {"200": {"description": "All, the oldest first.", "content": {"application/json": {"schema": schema}}}}
    return {"operationId": operation_id, "responses": {**answers, "default": _error()}}


_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}


_EDIT = "The edit: one JSON body, or its events, each the `data` of a server-sent event."


def _answers(plain: type[BaseModel], completed: type[BaseModel]) -> dict[str, Any]:
    return {**_json(plain), "text/event-stream": {"schema": _event(completed)}}


def _event(completed: type[BaseModel] = schemas.CompletedEvent) -> dict[str, Any]:
    return {"oneOf": [_ref(model) for model in (schemas.PartialImageEvent, completed, schemas.ErrorEvent)]}


def _asked() -> list[dict[str, Any]]:
    """The headers that say how an edit is to be handled."""
    wishes = (str(field.alias) for field in WishHeaders.model_fields.values())
    return [_header(name) for name in ("Idempotency-Key", *wishes, *portkey.HEADERS)]


def _header(name: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "schema": {"type": "string"}}


def _request_body() -> dict[str, Any]:
    forms: dict[str, type[BaseModel]] = {"multipart/form-data": schemas.EditForm, "application/json": schemas.EditBody}
    return {"required": True, "content": {kind: {"schema": _ref(model)} for kind, model in forms.items()}}


def _told(description: str, content: dict[str, Any]) -> dict[str, Any]:
    headers = {name: {"schema": {"type": "string"}} for name in ("x-edit-id", "x-request-id", *facts.HEADERS)}
    return {"description": description, "headers": headers, "content": content}


def _error() -> dict[str, Any]:
    return _told("What went wrong.", _json(schemas.ErrorEnvelope))


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": _ref(model)}}


def _get(description: str, media_type: str) -> dict[str, Any]:
    return {"responses": {"200": {"description": description, "content": {media_type: {}}}}}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}
