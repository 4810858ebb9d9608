"""The embedded image editor: what it understands of a prompt, what it does to a picture, in what order. Pure."""

import os

# before numpy is imported: the matrices here are small, and threads of its own would only wait for each other
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
