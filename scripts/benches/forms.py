"""The HTTP requests that the load generator sends, as files."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from .workloads import Workload

BOUNDARY = "streamedit-bench"
PNG = 'filename="photo.png"\r\nContent-Type: image/png'
"""What a file's disposition ends with."""
END = f"--{BOUNDARY}--\r\n".encode()


def write_request(file: Path, path: str, workload: Workload, image: bytes, headers: Mapping[str, str]) -> None:
    """A form for `workload`, each of its images a piece of `image`; the prompt says what shall come back."""
    form = list(_form(workload, image[: workload.image_bytes]))
    extra = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nAuthorization: Bearer bench\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {sum(map(len, form))}\r\n{extra}\r\n"
    )
    with file.open("wb") as out:
        out.writelines([head.encode(), *form])


def _form(workload: Workload, image: bytes) -> Iterator[bytes | memoryview]:
    fields = {"model": "bench", "prompt": workload.prompt}
    if not workload.plain:
        fields |= {"stream": "true", "partial_images": "3"}
    for name, value in fields.items():
        yield from part(f'name="{name}"', value.encode())
    name = "image" if workload.images == 1 else "image[]"
    for _ in range(workload.images):
        yield from part(f'name="{name}"; {PNG}', image)
    yield END


def part(disposition: str, content: bytes | memoryview) -> Iterator[bytes | memoryview]:
    """One part of a form, its content as it is."""
    yield f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode()
    yield content
    yield b"\r\n"
