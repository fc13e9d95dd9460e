"""Times by a camera's clock: ISO text, which sorts and compares as text, and the minutes east of UTC."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone


def clock(taken: datetime | None) -> tuple[str | None, int | None]:
    """(by the camera's clock, minutes ahead of UTC where they are known) as a row has them."""
    if taken is None:
        return None, None
    offset = taken.utcoffset()
    minutes = None if offset is None else round(offset.total_seconds() / 60)
    return taken.replace(tzinfo=None).isoformat(
        timespec="microseconds" if taken.microsecond else "seconds"
    ), minutes


def moment_of(text: str, offset: int | None) -> datetime:
    """The inverse."""
    told = datetime.fromisoformat(text)
    return told if offset is None else told.replace(tzinfo=timezone(timedelta(minutes=offset)))
