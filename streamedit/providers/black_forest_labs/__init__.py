"""Black Forest Labs: the FLUX models as data, and their API."""
