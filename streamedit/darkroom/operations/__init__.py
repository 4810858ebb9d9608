"""What the darkroom does to a picture: a module for each family of instructions, each with its table of operations."""
