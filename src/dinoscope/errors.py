"""Every way Dinoscope can refuse, each as one sentence: what happened, where, and what to do now.

The edges translate these and nothing else: ``cli`` prints the sentence and exits with ``exit_code``,
``server`` answers problem+json with ``status`` and the same sentence. A bug is any other exception.
"""

from __future__ import annotations

from typing import ClassVar


class DinoscopeError(Exception):
    """Base of all errors a user can cause or cure; ``str(error)`` is the sentence to show."""

    exit_code: ClassVar[int] = 1
    status: ClassVar[int] = 400
    title: ClassVar[str] = "Request refused"


class NotAPicture(DinoscopeError):
    """The bytes are not a picture Dinoscope can decode, or not a whole one."""

    status: ClassVar[int] = 415
    title: ClassVar[str] = "Not a picture"


class AVideo(NotAPicture):
    """The bytes are a video where one picture is wanted."""

    title: ClassVar[str] = "A video, not a picture"


class PictureTooLarge(NotAPicture):
    """The picture exceeds a decoding limit (bytes, pixels, side or time)."""

    status: ClassVar[int] = 413
    title: ClassVar[str] = "Picture too large"


class Unreadable(DinoscopeError):
    """A file or folder cannot be read: missing, no permission, or an I/O error."""

    status: ClassVar[int] = 404
    title: ClassVar[str] = "Cannot read"


class FaceRefused(DinoscopeError):
    """The picture looks like a human face, and faces are kept out. Nothing of it was kept."""

    status: ClassVar[int] = 422
    title: ClassVar[str] = "Looks like a face"


class FacesUnchecked(DinoscopeError):
    """Faces are kept out, and the detector cannot run: no picture is taken in."""

    status: ClassVar[int] = 503
    title: ClassVar[str] = "Faces cannot be checked"


class NoSuchPicture(DinoscopeError):
    """The library holds no picture with that id or path."""

    status: ClassVar[int] = 404
    title: ClassVar[str] = "No such picture"


class NoSuchVideo(DinoscopeError):
    """The library holds no video with that id."""

    status: ClassVar[int] = 404
    title: ClassVar[str] = "No such video"


class NoSuchObject(DinoscopeError):
    """Nothing of that name was taught."""

    status: ClassVar[int] = 404
    title: ClassVar[str] = "No such object"


class NoRegions(DinoscopeError):
    """The library was indexed without the parts of its pictures, so none can be searched for."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "No parts known yet"


class BadRequest(DinoscopeError):
    """A value the caller gave makes no sense: a filter, a number, an option."""

    exit_code: ClassVar[int] = 2
    status: ClassVar[int] = 422
    title: ClassVar[str] = "Bad request"


class NoLibrary(DinoscopeError):
    """There is no library at that place."""

    status: ClassVar[int] = 404
    title: ClassVar[str] = "No library"


class LibraryBusy(DinoscopeError):
    """Another process is writing to the library."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "Library busy"


class LibraryReadOnly(DinoscopeError):
    """The library's folder or file system does not allow writing."""

    status: ClassVar[int] = 403
    title: ClassVar[str] = "Library is read-only"


class LibraryDamaged(DinoscopeError):
    """The library's files contradict each other."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Library damaged"


class DiskFull(DinoscopeError):
    """No space is left where Dinoscope has to write."""

    status: ClassVar[int] = 507
    title: ClassVar[str] = "Disk full"


class ShardSilent(DinoscopeError):
    """A part of the library is on a machine that does not answer."""

    status: ClassVar[int] = 503
    title: ClassVar[str] = "Part of the library is silent"


class NoClusterThere(DinoscopeError):
    """No Ray cluster answers at that address."""

    status: ClassVar[int] = 503
    title: ClassVar[str] = "No cluster"


class NoSuchModel(DinoscopeError):
    """No ModelCard and no file has that name."""

    status: ClassVar[int] = 404
    title: ClassVar[str] = "No such model"


class WeightsUnavailable(DinoscopeError):
    """The model's weights are not on this machine and could not be fetched."""

    status: ClassVar[int] = 503
    title: ClassVar[str] = "Weights unavailable"


class WeightsRefused(DinoscopeError):
    """The weights file is not what it claims: wrong checksum, wrong tensors, or unsafe to load."""

    status: ClassVar[int] = 422
    title: ClassVar[str] = "Weights refused"


class MissingExtra(DinoscopeError):
    """An optional dependency is needed; the sentence names the ``pip install`` line."""

    status: ClassVar[int] = 501
    title: ClassVar[str] = "Optional part not installed"


class PortInUse(DinoscopeError):
    """The server cannot bind to the address."""

    title: ClassVar[str] = "Port in use"


class ServerBusy(DinoscopeError):
    """The server has as much under way as it takes on at once; the same request may pass in a moment."""

    status: ClassVar[int] = 429
    title: ClassVar[str] = "Busy"


class TooSlow(DinoscopeError):
    """A request did not arrive whole in the time it may take."""

    status: ClassVar[int] = 408
    title: ClassVar[str] = "Too slow"


class JobConflict(DinoscopeError):
    """A job of that kind is already running."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "Already running"


class NoSuchJob(DinoscopeError):
    """The server knows no job with that id, or it was so long ago that it is forgotten."""

    status: ClassVar[int] = 404
    title: ClassVar[str] = "No such job"


class NoSuchRun(DinoscopeError):
    """There is no training run of that name, or no such picture among its samples."""

    status: ClassVar[int] = 404
    title: ClassVar[str] = "No such run"


class TrainingDiverged(DinoscopeError):
    """The loss of a training was not a finite number several times in a row."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Training diverged"
