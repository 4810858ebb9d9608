"""`scripts/bench darkroom`: how long the embedded editor takes, beside bare calls of the libraries, and in how much memory."""
