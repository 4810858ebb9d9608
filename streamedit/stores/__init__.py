"""Where edits are kept while, and after, they happen."""
