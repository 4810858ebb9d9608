"""The providers: where edits are made."""
