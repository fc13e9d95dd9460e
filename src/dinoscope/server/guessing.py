"""How often a stranger may guess the token."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from math import ceil
from time import monotonic

GUESSES = 10  # wrong tokens that one address may send, and one more each
EVERY = 6.0  # seconds: 14,000 a day, where a made token has 2**192 values
REMEMBERED = 4096  # addresses; a network of more of them is stopped by the token's length


class Guesses:
    """Counts wrong tokens by address; a bucket that leaks. Only to be used on the event loop."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._full: OrderedDict[str, float] = OrderedDict()  # when an address' bucket will be empty again

    def wait(self, address: str) -> int:
        """Seconds until the address may guess again; 0: now."""
        over = self._full.get(_network(address), 0.0) - self._clock() - (GUESSES - 1) * EVERY
        return max(0, ceil(over))

    def wrong(self, address: str) -> None:
        """A token from there was wrong."""
        name, now = _network(address), self._clock()
        self._full[name] = max(now, self._full.get(name, now)) + EVERY
        self._full.move_to_end(name)
        while len(self._full) > REMEMBERED:
            self._full.popitem(last=False)


def _network(address: str) -> str:
    """One customer of IPv6 has 2**64 addresses.

    >>> _network("2001:db8::1") == _network("2001:db8::2"), _network("192.0.2.1")
    (True, '192.0.2.1')
    """
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return str(known)
    return str(known.ipv4_mapped or int(known) >> 64)
