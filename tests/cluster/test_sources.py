"""Pictures behind names that fsspec opens, and beside them folders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dinoscope.cluster import sources
from dinoscope.errors import BadRequest, MissingExtra, NotAPicture, PictureTooLarge, Unreadable
from dinoscope.operations.scouting import Found
from dinoscope.pictures.limits import Limits
from dinoscope.settings import Settings

from .conftest import paint

LIMITS = Limits.of(Settings())


def test_a_url_stands_as_a_path_and_leads_back() -> None:
    for url in ("s3://bucket/a b/c.jpg", "gs://bucket/x", "memory://deep/down.png"):
        assert sources.url_of(sources.stored(url)) == url
        assert sources.is_url(url)
    for path in ("/pictures/a.jpg", "C:\\pictures", "s3:/one"):
        assert sources.url_of(Path(path)) is None
        assert not sources.is_url(path)


def test_folders_are_listed_without_hidden_files_and_the_library(tmp_path: Path) -> None:
    paint(tmp_path / "pictures", 3)
    paint(tmp_path / "pictures" / "library", 1)
    (tmp_path / "pictures" / ".hidden.png").write_bytes(b"x")
    (root,) = sources.roots([tmp_path / "pictures"])
    found = list(sources.listed(root, without=tmp_path / "pictures" / "library"))
    assert sorted(one.path.name for one in found) == ["000.png", "001.png", "002.png", "copy of 000.png"]
    with pytest.raises(Unreadable, match="does not exist"):
        sources.roots([tmp_path / "nothing"])
    with pytest.raises(BadRequest, match="no folder was given"):
        sources.roots([])


def test_without_fsspec_a_url_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    with pytest.raises(MissingExtra, match=r"pip install 'dinoscope\[ray\]'"):
        sources.roots(["memory://pictures"])


@pytest.mark.extra
def test_a_store_is_listed_and_read_like_a_folder(tmp_path: Path) -> None:
    import fsspec

    paint(tmp_path / "pictures", 3)
    store = fsspec.filesystem("memory")
    store.put(str(tmp_path / "pictures"), "/bucket/pictures", recursive=True)
    store.pipe("/bucket/pictures/.hidden.png", b"x")
    store.pipe("/bucket/pictures/text.txt", b"no picture")
    (root,) = sources.roots(["memory://bucket/pictures"])
    found = {one.path: one for one in sources.listed(root, without=tmp_path) if isinstance(one, Found)}
    first = Path("/memory:/bucket/pictures/b/000.png")
    assert len(found) == 5
    assert found[first].root == Path("/memory:/bucket/pictures")
    assert found[first].modified_ns > 1_600_000_000 * 10**9
    data = (tmp_path / "pictures/b/000.png").read_bytes()
    assert sources.read(first, LIMITS) == data
    assert found[first].bytes == len(data)
    with pytest.raises(NotAPicture, match=r"memory://bucket/pictures/text\.txt"):
        sources.read(first.parent.parent / "text.txt", LIMITS)
    with pytest.raises(PictureTooLarge):
        sources.read(first, replace(LIMITS, max_bytes=100))
    with pytest.raises(Unreadable, match="does not exist any more"):
        sources.read(first.with_name("gone.png"), LIMITS)
    with pytest.raises(Unreadable, match="memory://bucket/nothing does not exist"):
        sources.roots(["memory://bucket/nothing"])


@pytest.mark.extra
def test_a_kind_of_store_that_nobody_knows_is_refused() -> None:
    with pytest.raises((BadRequest, MissingExtra), match="nonsense://x cannot be opened"):
        sources.roots(["nonsense://x"])
