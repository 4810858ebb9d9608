"""What went wrong, in words."""

import pytest

from streamedit.cli.editing.refusals import exit_of, fields_of, told
from streamedit.cli.exits import Exit
from streamedit.errors import ErrorDetail


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ErrorDetail(400, "invalid_request_error", "m"), Exit.REFUSED),
        (ErrorDetail(401, "invalid_request_error", "m"), Exit.REFUSED),
        (ErrorDetail(429, "rate_limit_error", "m"), Exit.REFUSED),
        (ErrorDetail(408, "timeout_error", "m"), Exit.FAILED),
        (ErrorDetail(500, "server_error", "m"), Exit.FAILED),
        (ErrorDetail(504, "upstream_error", "m"), Exit.FAILED),
        (ErrorDetail(400, "invalid_request_error", "m", "config"), Exit.NOT_BEGUN),
    ],
)
def test_an_error_has_an_exit_code(error: ErrorDetail, code: Exit) -> None:
    """By whose fault it is."""
    assert exit_of(error) is code


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (ErrorDetail(400, "t", "No.", "size"), ["Refused: No.", "  Parameter: size (--size)"]),
        (
            ErrorDetail(400, "t", "No.", "output_format"),
            ["Refused: No.", "  Parameter: output_format (--format, or the end of -o)"],
        ),
        (ErrorDetail(400, "t", "No.", "seed2"), ["Refused: No.", "  Parameter: seed2"]),
        (ErrorDetail(429, "t", "No.", headers={"retry-after": "7"}), ["Refused: No.", "  Try again in 7 s."]),
        (ErrorDetail(403, "t", "No."), ["Refused: No.", "  This key may not do that."]),
        (ErrorDetail(502, "t", "No."), ["Failed: No."]),
        (ErrorDetail(499, "t", "Cancelled.", code="cancelled"), ["Cancelled."]),
    ],
)
def test_a_line_for_what_where_and_what_helps(error: ErrorDetail, lines: list[str]) -> None:
    """As far as there is something to say."""
    assert list(told(error)) == lines


def test_scripts_are_told_as_over_http() -> None:
    """All four keys."""
    told = fields_of(ErrorDetail(400, "t", "m", "p", "c"))
    assert told == {"error": {"message": "m", "type": "t", "param": "p", "code": "c"}}
