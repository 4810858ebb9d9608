"""Pictures in terminals, each in the way that the terminal knows: an encoder of its own for each protocol."""
