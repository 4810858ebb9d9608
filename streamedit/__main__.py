"""`python -m streamedit`."""

from streamedit.cli import main

main()
