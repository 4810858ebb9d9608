"""Recraft: its services as data, and its API."""
