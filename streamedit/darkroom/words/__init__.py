"""From a prompt to instructions, or to what of it is not understood. Nothing here knows a picture."""
