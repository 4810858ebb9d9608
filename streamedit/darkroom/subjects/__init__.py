"""Where the subject of a picture is, and its own colours at its outline."""
