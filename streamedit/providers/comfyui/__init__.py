"""ComfyUI: workflows of one's own."""
