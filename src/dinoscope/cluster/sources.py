"""Pictures in folders and behind URLs (s3://, gs://, memory:// and whatever fsspec opens), by one name each.

In a library a URL stands as the path ``/s3:/bucket/folder/name.jpg``, which sorts and filters like any.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dinoscope.errors import BadRequest, DinoscopeError, MissingExtra, Unreadable
from dinoscope.operations.scouting import Found, roots_of, stamped
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.reading import FileBytes, check_head, read_file, too_many_bytes
from dinoscope.pictures.refusal import Refusal
from dinoscope.pictures.sniffing import HEAD
from dinoscope.pictures.walking import walk

_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_STORED = re.compile(r"/(?P<scheme>[a-z][a-z0-9+.-]*):/(?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Root:
    """What the user asked to index."""

    path: Path  # as it stands in the library
    url: str | None  # None: a folder or file that every machine sees under this path


def is_url(name: str) -> bool:
    return _URL.fullmatch(name) is not None


def stored(url: str) -> Path:
    """How a URL stands in a library.

    >>> str(stored("s3://bucket/a/b.jpg"))
    '/s3:/bucket/a/b.jpg'
    """
    found = _URL.fullmatch(url)
    assert found is not None
    return Path(f"/{found['scheme']}:/{found['rest'].strip('/')}")


def url_of(path: Path) -> str | None:
    """The URL that stands as this path, None for a path of a file system."""
    found = _STORED.fullmatch(str(path))
    if found is None:
        return None
    return f"{found['scheme']}://{'/' if found['scheme'] == 'file' else ''}{found['rest']}"


def roots(names: Iterable[str | Path]) -> tuple[Root, ...]:
    """Folders and files must be there, and URLs be of a kind that can be opened here.

    Raises:
        BadRequest, Unreadable, MissingExtra.
    """
    given = [str(name) for name in names]
    folders = [name for name in given if not is_url(name)]
    found = [Root(path, None) for path in roots_of(folders)] if folders or not given else []
    for url in dict.fromkeys(name for name in given if is_url(name)):
        files, inside = _filesystem(url)
        try:
            there = files.exists(inside)
        except Exception as error:  # noqa: BLE001  each kind of store raises its own
            raise _unreachable(url, error) from None
        if not there:
            raise Unreadable(f"{url} does not exist: check its name and your access to it")
        found.append(Root(stored(url), url))
    return tuple(found)


def listed(root: Root, without: Path) -> Iterator[Found | Refusal]:
    """Every file at or below a root; hidden ones not, nor what lies in ``without``."""
    if root.url is not None:
        yield from _listed_url(root, root.url)
        return
    for entry in walk(root.path):
        path = entry.path if isinstance(entry, Refusal) else entry
        if not path.is_relative_to(without):
            found = entry if isinstance(entry, Refusal) else stamped(entry, root.path)
            if found is not None:
                yield found


def read(path: Path, limits: Limits) -> bytes:
    """Raises: Unreadable, NotAPicture, PictureTooLarge, MissingExtra."""
    return fetched(path, limits).data


def fetched(path: Path, limits: Limits) -> FileBytes:
    """The same with the time of its last change, 0 where a store knows none. Raises: as ``read``."""
    url = url_of(path)
    if url is None:
        return read_file(path, limits)
    files, inside = _filesystem(url)
    try:
        about = files.info(inside)
        if int(about.get("size") or 0) > limits.max_bytes:
            raise too_many_bytes(url, int(about["size"]), limits)
        with files.open(inside, "rb") as file:
            head = file.read(HEAD)
            check_head(head, url)
            data = head + file.read(limits.max_bytes + 1 - len(head))
    except DinoscopeError:
        raise
    except FileNotFoundError:
        raise Unreadable(f"{url} does not exist any more: index its folder again") from None
    except Exception as error:  # noqa: BLE001  each kind of store raises its own
        raise _unreachable(url, error) from None
    if len(data) > limits.max_bytes:
        raise too_many_bytes(url, len(data), limits)
    return FileBytes(data, _time_of(about))


def _listed_url(root: Root, url: str) -> Iterator[Found | Refusal]:
    files, inside = _filesystem(url)
    scheme = url.split("://", 1)[0]
    try:
        if files.isfile(inside):
            yield _found(files.info(inside), scheme, root.path)
            return
        for _, folders, names in files.walk(inside, detail=True):
            for hidden in [name for name in folders if name.startswith(".")]:
                del folders[hidden]
            for name in sorted(name for name in names if not name.startswith(".")):
                yield _found(names[name], scheme, root.path)
    except Exception as error:  # noqa: BLE001  each kind of store raises its own
        yield Refusal(root.path, str(_unreachable(url, error)))


def _found(about: dict[str, Any], scheme: str, root: Path) -> Found:
    path = stored(f"{scheme}://{about['name']}")
    return Found(path, root, int(about.get("size") or 0), _time_of(about))


def _time_of(about: dict[str, Any]) -> int:
    """Nanoseconds since 1970, under whichever name a store has it."""
    for key in ("LastModified", "mtime", "last_modified", "modified", "updated", "created"):
        time = about.get(key)
        if isinstance(time, datetime):
            return round(time.timestamp() * 1e6) * 1000
        if isinstance(time, (int, float)):
            return round(time * 1e6) * 1000
    return 0


def _filesystem(url: str) -> tuple[Any, str]:
    """Its file system, and its name there. Raises: MissingExtra, BadRequest."""
    try:
        import fsspec
    except ImportError:
        raise MissingExtra(f"{url} needs fsspec: pip install 'dinoscope[ray]'") from None
    try:
        files, inside = fsspec.url_to_fs(url)
    except ImportError as error:
        raise MissingExtra(f"{url} cannot be opened here: {error}") from None
    except ValueError as error:
        raise BadRequest(f"{url} cannot be opened: {error}") from None
    return files, str(inside)


def _unreachable(url: str, error: Exception) -> Unreadable:
    why = str(error).strip().splitlines()
    return Unreadable(f"{url} cannot be read ({why[0] if why else type(error).__name__}): check your access")
