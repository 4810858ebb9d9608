"""The wheel is the whole product."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_a_wheel_runs_by_itself(tmp_path: Path) -> None:
    """Built, unpacked and started away from the checkout, the package works and carries its type marker."""
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(tmp_path),
        str(ROOT),
    ]
    subprocess.run(build, check=True, timeout=60)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "unpacked")
    kinds = (".py", ".typed", ".json", ".html", ".css", ".js", ".md", ".svg", ".jpg")
    shipped = {str(path.relative_to(ROOT)) for path in (ROOT / "streamedit").rglob("*") if path.suffix in kinds}
    unpacked = {str(path.relative_to(tmp_path / "unpacked")) for path in (tmp_path / "unpacked" / "streamedit").rglob("*.*")}
    assert shipped <= unpacked
    where = "import streamedit.app, streamedit.cli; print(streamedit.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", where],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "unpacked")},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.startswith(str(tmp_path))
