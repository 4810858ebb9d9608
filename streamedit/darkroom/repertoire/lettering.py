"""What is written on it."""

from streamedit.darkroom.repertoire.entries import Entry

LETTERING = (
    Entry(
        "caption",
        "caption 'Kyoto 2026' bottom right",
        (
            "caption, text, write|add|put .. text|words|caption|title, write|writing, title, "
            "saying|says|reads|reading|labeled|labelled, lettering, subtitle, headline, inscription, slogan"
        ),
        kinds={
            "title": "title, headline, big|large|bold",
        },
        adjustable=False,
        reads="text, colour, place, percent, pixels",
        work_ms=10,
    ),
    Entry(
        "label",
        "a label 'new' top left",
        "label, tag, text box, add|put .. label|tag, badge",
        adjustable=False,
        reads="text, colour, place, percent, pixels",
        work_ms=10,
    ),
    Entry(
        "watermark",
        "watermark 'draft'",
        "watermark, copyright notice|mark",
        usual=0.35,
        reads="text, colour, place",
        work_ms=50,
    ),
)
