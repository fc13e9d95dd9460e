"""A picture in a form, without a form parser."""

from __future__ import annotations

import numpy as np
import pytest

from dinoscope.errors import BadRequest
from dinoscope.server.uploading import field_of

TYPE = 'multipart/form-data; boundary="XX"'


def form(*fields: tuple[str, bytes], boundary: str = "XX") -> bytes:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="a b.png"\r\n'
        "Content-Type: image/png\r\n\r\n".encode()
        + body
        + b"\r\n"
        for name, body in fields
    ]
    return b"".join(parts) + f"--{boundary}--\r\n".encode()


def test_the_field_is_found_whatever_is_around_it() -> None:
    body = form(("other", b"\r\n\r\n--X"), ("file", b"\0picture\r\n--Y\r\n"), ("last", b""))
    assert field_of(b"a preamble\r\n" + body + b"an epilogue", TYPE) == b"\0picture\r\n--Y\r\n"


def test_an_empty_field_is_empty() -> None:
    assert field_of(form(("file", b"")), TYPE) == b""


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (form(("picture", b"x")), TYPE),
        (form(("file", b"x"))[:-10], TYPE),
        (b"", TYPE),
        (form(("file", b"x")), "multipart/form-data"),
        (form(("file", b"x")), "multipart/form-data; boundary="),
        (form(("file", b"x")), "multipart/form-data; boundary=YY"),
        (form(("file", b"x")), "multipart/form-data; boundary*=utf-8''%00"),
        (
            b"--XX\r\nContent-Disposition: form-data; name=file\r\n" + b"x" * 9000 + b"\r\n\r\n\r\n--XX--",
            TYPE,
        ),
        (b"--XX\r\n\r\nno headers\r\n--XX--", TYPE),
    ],
)
def test_a_form_that_is_broken_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises(BadRequest):
        field_of(body, kind)


def test_any_bytes_are_a_field_or_a_refusal(rng: np.random.Generator) -> None:
    whole = form(("a", b"1"), ("file", b"picture"), ("b", b"2"))
    for _ in range(3000):
        broken = bytearray(whole)
        for at in rng.integers(0, len(whole), rng.integers(1, 6)):
            broken[at] = rng.integers(0, 256)
        try:
            field_of(bytes(broken), TYPE)
        except BadRequest:
            continue
