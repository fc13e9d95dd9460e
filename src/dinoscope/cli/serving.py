"""``dinoscope serve`` and ``demo``: the page in a browser."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from dinoscope.cli.options import (
    AddressOption,
    FacesOption,
    LibraryOption,
    ModelOption,
    OfflineOption,
    PrecisionOption,
    RayOption,
    RuntimeOption,
    ThreadsOption,
    settings_of,
)
from dinoscope.cli.output import escaped, note, say
from dinoscope.errors import BadRequest

if TYPE_CHECKING:
    from dinoscope.operations.session import Session
    from dinoscope.server.run import Serving
    from dinoscope.settings import Settings

HostOption = Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 is this machine only.")]
PortOption = Annotated[int | None, typer.Option(min=0, max=65535, help="0 takes any free port.")]
TokenOption = Annotated[str | None, typer.Option(help="Ask visitors for it; made when others can reach it.")]
ReplicasOption = Annotated[
    int | None, typer.Option(min=1, help="With --ray: processes that serve the same shards; 1.")
]
GroupsOption = Annotated[
    int | None, typer.Option(min=1, help="With --ray: groups of shards, each with processes of its own.")
]
OpenOption = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]


def serve(
    *,
    library: LibraryOption = None,
    host: HostOption = None,
    port: PortOption = None,
    token: TokenOption = None,
    open: OpenOption = False,
    model: ModelOption = None,
    precision: PrecisionOption = None,
    runtime: RuntimeOption = None,
    threads: ThreadsOption = None,
    faces: FacesOption = None,
    ray: RayOption = False,
    address: AddressOption = None,
    replicas: ReplicasOption = None,
    groups: GroupsOption = None,
    offline: OfflineOption = False,
) -> None:
    """Serve the library's page and HTTP interface until Ctrl-C."""
    hide(token)
    settings = settings_of(
        offline,
        library=library,
        host=host,
        port=port,
        token=token,
        model=model,
        precision=precision,
        runtime=runtime,
        threads=threads,
        faces=faces,
    )
    if not (ray or address):
        if replicas or groups:
            given = "--replicas" if replicas else "--groups"
            raise BadRequest(f"{given} says how Ray serves shards: add --ray, or leave {given} out")
        start(settings, browser=open)
        return
    from dinoscope.cluster.serving import served

    note("Starting the shards.")
    with served(settings, address=address, replicas=replicas or 1, groups=groups) as session:
        start(settings, browser=open, session=session)


def demo(
    *,
    library: LibraryOption = None,
    host: HostOption = None,
    port: PortOption = None,
    faces: FacesOption = None,
    open: OpenOption = False,
) -> None:
    """Index the sample pictures that come with Dinoscope, and serve them."""
    from dinoscope.cli.indexing import list_refusals, run, told
    from dinoscope.sample import PICTURES

    settings = settings_of(host=host, port=port, faces=faces)
    settings = settings.with_overrides(library=library or settings.library.parent / "demo-library")
    if settings.faces == "auto":
        settings = settings.with_overrides(faces="block")  # as what it will be served with
    note("Indexing the sample pictures; only the first time takes a while.")
    last, refusals = run([PICTURES], settings)
    note(told(last, settings))
    list_refusals(refusals)
    start(settings, browser=open)


def hide(token: str | None) -> None:
    """Begin anew with the token in the environment: every user of the machine may read the arguments."""
    kept = without(sys.orig_argv, token or "")
    if token and kept != sys.orig_argv and sys.platform != "win32":
        os.execve(sys.executable, kept, os.environ | {"DINOSCOPE_TOKEN": token})


def without(arguments: Sequence[str], token: str) -> list[str]:
    """The command line less ``--token`` and its value.

    >>> without(["dinoscope", "serve", "--token", "a secret", "--open"], "a secret")
    ['dinoscope', 'serve', '--open']
    """
    kept: list[str] = []
    for one in arguments:
        if one == token and kept and kept[-1] == "--token":
            kept.pop()
        elif one != f"--token={token}":
            kept.append(one)
    return kept


def start(settings: Settings, *, browser: bool, session: Session | None = None) -> None:
    """Serve, and say where once it listens. The session is the caller's; None opens the settings' library."""
    from dinoscope.cli.indexing import about_faces
    from dinoscope.server.run import serve as run_server

    def ready(serving: Serving) -> None:
        say(f"Dinoscope is at [bold underline]{escaped(serving.url)}[/]  (Ctrl-C stops it)")
        note(about_faces(settings, "block"))
        if serving.token:
            say(f"Token: [bold]{escaped(serving.token)}[/]")
        if browser:
            import webbrowser

            webbrowser.open(serving.url)

    try:
        run_server(settings, ready, session)
    except KeyboardInterrupt:
        note("Stopped.")  # asked for, and how a server is meant to end: no error
