"""What the OpenAPI description says of the routes of files and of hosted results."""

from collections.abc import Mapping
from typing import Any

from streamedit import results
from streamedit.web.files import EDENS_UPLOAD, FILES
from streamedit.wire.filing import DeletedFile, EdensForm, EdensUpload, FileForm, FileList, FileObject, ListFields

ANSWERS = (FileObject, FileList, DeletedFile, EdensUpload)

_BYTES = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
_TEXT = {"type": "string"}


def paths(error: Mapping[str, Any]) -> Mapping[str, Any]:
    """Each with its methods; `error` is what any of them may answer."""

    def operation(operation_id: str, told: str, content: Mapping[str, Any], **more: Any) -> Mapping[str, Any]:
        answers = {"200": {"description": told, "content": content}, "default": error}
        return {"operationId": operation_id, **more, "responses": answers}

    query = [{"name": name, "in": "query", "schema": schema} for name, schema in _query().items()]
    signed = [{"name": name, "in": "query", "required": True, "schema": _TEXT} for name in ("expires", "signature")]
    ranges = {"206": {"description": "The part that `Range` asks for.", "content": _BYTES}}
    content = operation("downloadFile", "Its bytes.", _BYTES, parameters=[_ID])
    result = operation("retrieveImageResult", "The picture.", _BYTES, parameters=[_NAME, *signed], security=[])
    return {
        FILES: {
            "post": operation("createFile", "The file that is kept.", _json(FileObject), **_sent(FileForm)),
            "get": operation("listFiles", "Some of the key's files, in order.", _json(FileList), parameters=query),
        },
        f"{FILES}/{{id}}": {
            "get": operation("retrieveFile", "What is known of it.", _json(FileObject), parameters=[_ID]),
            "delete": operation("deleteFile", "It is not there any more.", _json(DeletedFile), parameters=[_ID]),
        },
        f"{FILES}/{{id}}/content": {"get": {**content, "responses": {**content["responses"], **ranges}}},
        EDENS_UPLOAD: {"post": operation("createFileAsEdenAI", "In its words.", _json(EdensUpload), **_sent(EdensForm))},
        f"{results.PATH}/{{name}}": {"get": {**result, "responses": {**result["responses"], **ranges}}},
    }


def _query() -> Mapping[str, Any]:
    properties: Mapping[str, Any] = ListFields.model_json_schema()["properties"]
    return properties


def _path(name: str) -> Mapping[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": _TEXT}


_ID, _NAME = _path("id"), _path("name")


def _sent(form: type[Any]) -> Mapping[str, Any]:
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _ref(form)}}}}


def _json(model: type[Any]) -> Mapping[str, Any]:
    return {"application/json": {"schema": _ref(model)}}


def _ref(model: type[Any]) -> Mapping[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
