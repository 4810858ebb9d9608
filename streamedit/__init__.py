"""streamedit: watch an image edit happen."""

__version__ = "0.1.0"
