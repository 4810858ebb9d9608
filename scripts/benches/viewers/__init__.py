"""`scripts/bench viewers`: what it costs to be watched, and what is left when the watchers have gone."""
