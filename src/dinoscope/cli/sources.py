"""The pictures a command is given: files, stdin, or the library's own by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dinoscope.operations.queries import PictureLike
    from dinoscope.settings import Settings


def source_of(text: str, settings: Settings) -> PictureLike:
    """A path, bytes of stdin, or a picture of the library: its path, or bytes that had to be fetched.

    Raises:
        NoLibrary, NoSuchPicture: an id, and no library or no such picture.
    """
    from dinoscope.cli.searching import named
    from dinoscope.cluster.opening import opened
    from dinoscope.pictures.limits import Limits

    like = named(text)
    if not isinstance(like, int):
        return like
    with opened(settings.library) as library:
        picture = library.picture(like)
        file = library.original(picture, Limits.of(settings))
        return file if file == picture.path else file.read_bytes()  # what is lent goes with the library
