"""The pictures a command is given: files, stdin, or the library's own by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dinoscope.operations.queries import PictureLike
    from dinoscope.settings import Settings


def source_of(text: str, settings: Settings) -> PictureLike:
    """A path, bytes of stdin, or the path of a picture of the library.

    Raises:
        NoLibrary, NoSuchPicture: an id, and no library or no such picture.
    """
    from dinoscope.cli.searching import named
    from dinoscope.library.library import Library

    like = named(text)
    if not isinstance(like, int):
        return like
    with Library.open(settings.library) as library:
        return library.picture(like).path
