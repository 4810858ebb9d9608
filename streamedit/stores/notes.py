"""What is noted of an edit for the ledger, as lines of JSON that outlive the process: its beginning, the report of its end."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, TypeAlias

from streamedit.edits import Edit
from streamedit.parties import Party
from streamedit.records import AttemptRecord, EditRecord, Report

Fields: TypeAlias = Mapping[str, Any]

_EDIT = tuple(field.name for field in fields(EditRecord))
_ATTEMPT = tuple(field.name for field in fields(AttemptRecord))
_PARTY = tuple(field.name for field in fields(Party))

# dataclasses.asdict takes ten times as long.
_edit = attrgetter(*_EDIT)
_attempt = attrgetter(*_ATTEMPT)

_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Begun:
    """An edit that was accepted. `started_at_s` in Unix time."""

    edit_id: str
    model: str
    started_at_s: float
    party: Party


def dump_begun(edit: Edit, party: Party, started_at_s: float) -> bytes:
    """The line for an edit's beginning."""
    return _line({"id": edit.id, "model": edit.model, "started_at_s": started_at_s, "party": _of_party(party)})


def load_begun(line: bytes) -> Begun | None:
    """What such a line says; None for what is none."""
    try:
        note = json.loads(line)
        return Begun(note["id"], note["model"], note["started_at_s"], _party(note["party"]))
    except (ValueError, TypeError, KeyError):
        return None


def dump_report(report: Report) -> bytes:
    """The line for a report: all of it but the caller's own span."""
    attempts = [dict(zip(_ATTEMPT, _attempt(attempt), strict=True)) for attempt in report.attempts]
    edit = dict(zip(_EDIT, _edit(report.edit), strict=True))
    return _line({"edit": edit, "attempts": attempts, "party": _of_party(report.party)})


def load_report(line: bytes) -> Report | None:
    """What such a line says; None for what is none. Fields that another version has are left out."""
    try:
        note = json.loads(line)
        edit = EditRecord(**{**_known(note["edit"], _EDIT), "flagged": tuple(note["edit"].get("flagged", ()))})
        attempts = [AttemptRecord(**_known(attempt, _ATTEMPT)) for attempt in note["attempts"]]
        return Report(edit, attempts, party=_party(note["party"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _line(note: Fields) -> bytes:
    return _encode(note).encode() + b"\n"


def _of_party(party: Party) -> Fields:
    return {
        "key_id": party.key_id,
        "group_id": party.group_id,
        "end_user": party.end_user,
        "tags": party.tags,
        "metadata": dict(party.metadata),
    }


def _party(note: Fields) -> Party:
    return Party(**{**_known(note, _PARTY), "tags": tuple(note["tags"])})


def _known(note: Fields, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: note[name] for name in names if name in note}
