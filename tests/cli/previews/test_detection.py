"""How a terminal can show pictures."""

from collections.abc import Mapping

import pytest

from streamedit.cli.previews.detection import Answers, Protocol, asked, by_environment, read_answers

XTERM = {"TERM": "xterm-256color"}


@pytest.mark.parametrize(
    ("environ", "protocol"),
    [
        ({}, Protocol.NONE),
        ({"TERM": "dumb"}, Protocol.NONE),
        ({**XTERM, "NO_COLOR": "1", "KITTY_WINDOW_ID": "1"}, Protocol.NONE),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "WezTerm"}, Protocol.BLOCKS),
        ({**XTERM, "TMUX": "/run/tmux,1,0", "KITTY_WINDOW_ID": "1"}, Protocol.BLOCKS),
        ({"TERM": "screen", "LC_TERMINAL": "iTerm2"}, Protocol.BLOCKS),
        ({**XTERM, "STY": "1.pts"}, Protocol.BLOCKS),
        ({"TERM": "xterm-kitty"}, Protocol.KITTY),
        ({**XTERM, "KITTY_WINDOW_ID": "3"}, Protocol.KITTY),
        ({"TERM": "xterm-ghostty"}, Protocol.KITTY),
        ({**XTERM, "TERM_PROGRAM": "ghostty"}, Protocol.KITTY),
        ({**XTERM, "KONSOLE_VERSION": "230800"}, Protocol.KITTY),
        ({**XTERM, "KONSOLE_VERSION": "210800"}, None),
        ({**XTERM, "TERM_PROGRAM": "WezTerm"}, Protocol.ITERM2),
        ({**XTERM, "WEZTERM_PANE": "0"}, Protocol.ITERM2),
        ({**XTERM, "TERM_PROGRAM": "iTerm.app"}, Protocol.ITERM2),
        ({**XTERM, "LC_TERMINAL": "iTerm2"}, Protocol.ITERM2),
        ({**XTERM, "TERM_PROGRAM": "mintty"}, Protocol.ITERM2),
        ({**XTERM, "TERM_PROGRAM": "Apple_Terminal"}, None),
        (XTERM, None),
    ],
)
def test_the_environment_tells(environ: Mapping[str, str], protocol: Protocol | None) -> None:
    """What is between here and the terminal counts more than the terminal; None where only it can say."""
    assert by_environment(environ) is protocol


@pytest.mark.parametrize(
    ("said", "answers"),
    [
        (b"\x1b[?62;4;22c", Answers(True)),
        (b"\x1b[6;20;10t\x1b[?4c", Answers(True, (10, 20))),
        (b"\x1b[6;20;10t\x1b[?62;22c", Answers(False, (10, 20))),
        (b"\x1b[?64;14;44c", Answers(False)),
        (b"ls\n\x1b[6;0;0t\x1b[?1;2c", Answers(False)),
        (b"", Answers(False)),
    ],
)
def test_terminals_answer(said: bytes, answers: Answers) -> None:
    """4 among its attributes is sixel; a size of nothing is none."""
    assert read_answers(said) == answers


def test_nobody_is_asked_without_a_terminal() -> None:
    """Tests have none."""
    assert asked() == Answers()
