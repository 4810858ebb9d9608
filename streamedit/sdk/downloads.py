"""`response_format="url"` without a server: a call's pictures go into files of their own, which nobody clears away."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from anyio import to_thread

from streamedit.events import Completed, Payload
from streamedit.hosting import by_url, unpacked
from streamedit.results import ending_of
from streamedit.uploads import closed_unless_done


class Downloads:
    """Those of one call: in a folder that only its user can read, below the system's folder for temporary files."""

    def __init__(self) -> None:
        self._folder: Path | None = None

    async def told(self, completed: Completed) -> Payload:
        """The event's JSON as its caller wants it: with a file's URL in its picture's place, where they want that.

        A provider's own URL stays, and so does a picture that is no base64. Raises OSError.
        """
        if not (completed.goes_by_url and completed.payload.has_image):
            return completed.payload
        try:
            pieces, media_type = await unpacked(completed.payload)
        except ValueError:
            return completed.payload
        name = f"image-{completed.image_index}.{ending_of(media_type)}"
        return by_url(completed.payload, await to_thread.run_sync(self._keep, name, pieces))

    def discard(self) -> None:
        """Nobody has been told of them."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _keep(self, name: str, pieces: Sequence[bytes]) -> str:
        is_first = self._folder is None
        self._folder = self._folder or Path(tempfile.mkdtemp(prefix="streamedit-"))
        path = self._folder / name
        with closed_unless_done(self.discard if is_first else lambda: path.unlink(missing_ok=True)), path.open("wb") as file:
            file.writelines(pieces)
        return path.as_uri()
