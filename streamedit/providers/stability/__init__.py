"""Stability AI: its services as data, and its REST API."""
