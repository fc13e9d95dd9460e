"""A picture in the body of a request: its bytes as they are, or the field ``file`` of a form."""

from __future__ import annotations

import re
from email.message import Message
from email.parser import HeaderParser
from typing import Any

from fastapi import Request

from dinoscope.errors import BadRequest

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FORM = {
    "schema": {
        "type": "object",
        "properties": {"file": {"type": "string", "format": "binary"}},
        "required": ["file"],
    }
}
PICTURE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"image/*": _BINARY, "application/octet-stream": _BINARY, "multipart/form-data": _FORM},
    }
}
MOST_HEADERS = 8 * 2**10  # bytes of the headers of one field


async def sent_picture(request: Request) -> bytes:
    """The picture's bytes. How many may come is limited before this (``sizes``).

    Raises:
        BadRequest: a form that is broken or has no field ``file``.
    """
    chunks = [chunk async for chunk in request.stream()]
    body = b"".join(chunks)
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        return body
    return field_of(body, kind)


def field_of(body: bytes, content_type: str, name: str = "file") -> bytes:
    """One field of a multipart form (RFC 7578).

    The whole body is in memory anyhow, so this is two searches per field rather than a parser
    with states, and needs no further package.

    Raises:
        BadRequest: broken, or without that field.
    """
    boundary = _header(content_type).get_param("boundary")
    if not isinstance(boundary, str) or not re.fullmatch(r"[\x21-\x7e ]{1,200}", boundary):
        raise BadRequest("the form says no boundary: send the picture's bytes as the body instead")
    mark = b"\r\n--" + boundary.encode()
    body = b"\r\n" + body
    at = body.find(mark)
    while at >= 0:
        start = at + len(mark)
        end = body.find(mark, start)
        head_end = body.find(b"\r\n\r\n", start, start + MOST_HEADERS)
        if end < 0 or not 0 <= head_end < end:
            break
        headers = HeaderParser().parsestr(body[start:head_end].decode("utf-8", "replace").strip())
        if headers.get_param("name", header="content-disposition") == name:
            return body[head_end + 4 : end]
        at = end
    raise BadRequest(f"the form has no whole field “{name}”: send the picture in it, or as the body itself")


def _header(content_type: str) -> Message:
    message = Message()
    message["content-type"] = content_type
    return message
