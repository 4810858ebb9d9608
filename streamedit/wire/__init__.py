"""OpenAI's dialect of image edits, both directions: what parses stands beside what emits."""
