"""Which address family a name is probed by: chosen once, then kept, never swapped unseen."""

from __future__ import annotations

from slawatch.probes.options import Family


class Families:
    """The families that were chosen for names where `ip` is `any`. They hold until the process ends.

    A name that loses its IPv4 address is down for those who come by IPv4. A probe that went on by IPv6 would hide
    that, and one that came back would judge another path than before. Bounded by the names in the configuration.
    """

    def __init__(self, chosen: dict[str, Family] | None = None) -> None:
        self._chosen: dict[str, Family] = {} if chosen is None else chosen

    def allowed(self, name: str, ip: str) -> tuple[Family, ...]:
        """Families to look for, in order. ``ip`` is the option: ``4``, ``6`` or ``any``."""
        if ip != "any":
            return (4,) if ip == "4" else (6,)
        chosen = self._chosen.get(name)
        return (4, 6) if chosen is None else (chosen,)

    def choose(self, name: str, ip: str, family: Family) -> None:
        """``name`` has a good address of ``family``."""
        if ip == "any":
            self._chosen.setdefault(name, family)

    def glance(self) -> Families:
        """The same choices, for a probe that makes none itself."""
        return _Glance(self._chosen)

    def lack(self, name: str, ip: str) -> str:
        """What there is to say of a name without an address of a family that is allowed."""
        if ip != "any":
            return f"{name} has no address of IPv{ip}"
        chosen = self._chosen.get(name)
        if chosen is None:
            return f"{name} has no address"
        return f"{name} has no address of IPv{chosen} any more, and IPv{10 - chosen} is not taken in its place"


class _Glance(Families):
    """Sees what was chosen, and chooses nothing."""

    def choose(self, name: str, ip: str, family: Family) -> None:
        pass
