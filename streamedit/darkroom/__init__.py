"""The embedded image editor: what it understands of a prompt, what it does to a picture, in what order. Pure."""
