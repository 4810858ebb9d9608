"""Lines of the ledger's notes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledgers import PARTY, edit_of
from reports import EDIT, FAILED

from streamedit.edits import TraceParent
from streamedit.parties import Party
from streamedit.records import AttemptRecord, EditRecord, Report
from streamedit.stores import notes

_PARTIES = st.builds(
    Party,
    st.text(),
    st.none() | st.text(),
    st.none() | st.text(),
    st.lists(st.text()).map(tuple),
    st.dictionaries(st.text(), st.text()),
)
_FINITE = st.floats(allow_nan=False)
_ATTEMPTS = st.builds(
    AttemptRecord, started_at_s=_FINITE, total_s=_FINITE, overhead_s=_FINITE, first_event_s=_FINITE, cooldown_s=_FINITE
)
_EDITS = st.builds(EditRecord, started_at_s=_FINITE, total_s=_FINITE, overhead_s=_FINITE, first_event_s=_FINITE)


@given(_EDITS, st.lists(_ATTEMPTS, max_size=3), _PARTIES)
def test_a_report_comes_back_as_it_was(edit: EditRecord, attempts: list[AttemptRecord], party: Party) -> None:
    """On one line, whatever callers and providers call things."""
    report = Report(edit, attempts, party=party)
    line = notes.dump_report(report)
    assert (line.count(b"\n"), line[-1:]) == (1, b"\n")
    assert notes.load_report(line) == report


@given(_PARTIES)
def test_a_beginning_comes_back_as_it_was(party: Party) -> None:
    """With whom it is for."""
    begun = notes.load_begun(notes.dump_begun(edit_of("edit_1"), party, 7.5))
    assert begun == notes.Begun("edit_1", "gpt-image-2", 7.5, party)


def test_the_callers_own_span_is_no_matter_of_the_ledger() -> None:
    """It is left out; the trace's id is among what is known of the edit."""
    report = Report(replace(EDIT, trace_id="a" * 32), (FAILED,), TraceParent("a" * 32, "b" * 16), PARTY)
    assert notes.load_report(notes.dump_report(report)) == Report(report.edit, [FAILED], party=PARTY)


@pytest.mark.parametrize("line", [b"", b"\n", b"{}", b"[]", b"7", b'{"edit":{}}', b'{"edit":{"edit_id":"e', b"\xff\x00"])
def test_what_is_no_note_is_none(line: bytes) -> None:
    """Never an exception: whoever reads goes on with the next line."""
    assert (notes.load_report(line), notes.load_begun(line)) == (None, None)


def test_fields_of_another_version_are_left_out() -> None:
    """A newer one has written them, an older one did not know of some that have a default."""
    line = notes.dump_report(Report(EDIT)).replace(b'"retries":1,', b'"invented":[1],')
    assert notes.load_report(line) == Report(replace(EDIT, retries=0), [])
