"""Results on disk: a file is there whole or not at all, and what cannot be written says so.

Owns nothing but that promise; it knows neither formats nor results.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from sbsim.errors import OutputError


def make_folder(path: str | os.PathLike[str]) -> Path:
    """The folder at `path`, made if it is not there, and writable. Raises OutputError."""
    folder = Path(path)
    with _complaint(folder, "try another --out"):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    return folder


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Write all of the files or, as far as an operating system can promise it, none: each is made ready beside its place first.

    Raises
    ------
    OutputError
        When one of them cannot be written; those that stood there before are untouched.
    """
    ready: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            with _complaint(path, "try another place"):
                ready[path] = _written_beside(path, content)
        for path in contents:
            with _complaint(path, "try another place"):
                os.replace(ready.pop(path), path)
    finally:
        for leftover in ready.values():
            with suppress(OSError):
                leftover.unlink()


def remove(*paths: Path) -> None:
    """Remove files that may not be there. Raises OutputError."""
    for path in paths:
        with _complaint(path, "try removing it by hand"):
            path.unlink(missing_ok=True)


@contextmanager
def _complaint(path: Path, advice: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}; {advice}") from None


def _written_beside(path: Path, content: bytes) -> Path:
    """A temporary file in the folder of `path` that holds `content`, on the disk itself, with the permissions that a new file gets."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder")
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary
