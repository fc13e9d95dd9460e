"""What this server is: version, model, library; and logging in."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from dinoscope import __version__
from dinoscope.models.catalog import CARDS
from dinoscope.models.owned import list_owned
from dinoscope.pictures.gate import stricter
from dinoscope.server import wire
from dinoscope.server.parts import Here
from dinoscope.server.problems import problem
from dinoscope.server.security import COOKIE
from dinoscope.settings import Settings

router = APIRouter(tags=["about"])

MONTH = 30 * 24 * 3600  # seconds a browser stays logged in


@router.get("/about")
def about(here: Here) -> wire.About:
    """The version, the model that answers searches, and what the library amounts to."""
    backbone = here.session.backbone
    identity = backbone.identity
    info = here.session.library.info()
    return wire.About(
        version=__version__,
        model=wire.Model.of(identity, _title(identity.name, here.settings), backbone.dimension),
        library=wire.Library.of(info, read_only=not here.session.library.writable),
        limits=wire.UploadLimits(max_bytes=here.settings.max_bytes, max_pixels=here.settings.max_pixels),
        auth=bool(here.access.token),
        faces=stricter(here.settings.faces, here.settings.faces),
    )


def _title(name: str, settings: Settings) -> str:
    """For people; the name itself when the weights are a file of the user's."""
    if name in CARDS:
        return CARDS[name].title
    own = {one.card.name: f"{name} ({one.card.title})" for one in list_owned(settings.models)}
    return own.get(name, name)


@router.post("/login", status_code=204, responses={401: {"model": wire.Problem}})
def login(body: wire.Login, request: Request, here: Here) -> Response:
    """Exchange the token for a cookie, which only this server's page can use."""
    if not here.access.accepts_token(body.token):
        sentence = "that is not the access token: copy it from where “dinoscope serve” was started"
        return problem(401, "Log in", sentence, request.url.path)
    response = Response(status_code=204)
    if here.access.token:
        response.set_cookie(
            COOKIE,
            here.access.cookie,
            max_age=MONTH,
            path="/",
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
    return response
