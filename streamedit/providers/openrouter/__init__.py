"""OpenRouter: its two APIs."""
