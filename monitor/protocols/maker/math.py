"""The arithmetic of dss: stability fee, spot, unsafety, and what the Dog takes, with its order and rounding.

wad = 1e18, ray = 1e27, rad = 1e45. Contract files: jug.sol (drip), spot.sol (poke), dog.sol (bark), clip.sol (kick).
"""

from typing import NamedTuple

from monitor.units import RAY, WAD, mul_div_down

WAD_TO_RAY = 10**9


class Auction(NamedTuple):
    """What one bark takes out of an urn: debt, collateral, and what the auction has to raise (due plus penalty)."""

    dart_wad: int
    dink_wad: int
    tab_rad: int


class Refused(NamedTuple):
    """Why a bark of an unsafe urn reverts, in the contract's own word."""

    reason: str


class Room(NamedTuple):
    """Limits of what may be on auction at once, whole system and ilk, and what is: rad."""

    hole_rad: int
    dirt_rad: int
    ilk_hole_rad: int
    ilk_dirt_rad: int

    @property
    def left_rad(self) -> int | None:
        """The smaller rest; None where either limit is reached."""
        whole, ilk = self.hole_rad - self.dirt_rad, self.ilk_hole_rad - self.ilk_dirt_rad
        return min(whole, ilk) if whole > 0 and ilk > 0 else None


def power_ray(base_ray: int, exponent: int) -> int:
    """Return base^exponent as a ray, each step rounded half up (Jug._rpow)."""
    result = base_ray if exponent % 2 else RAY
    exponent //= 2
    while exponent:
        base_ray = (base_ray * base_ray + RAY // 2) // RAY
        if exponent % 2:
            result = (result * base_ray + RAY // 2) // RAY
        exponent //= 2
    return result


def dripped_rate_ray(rate_ray: int, fee_ray: int, elapsed_s: int) -> int:
    """Return the rate that a drip stores after that time (Jug.drip); `fee_ray` is the base fee plus the ilk's duty."""
    return mul_div_down(power_ray(fee_ray, elapsed_s), rate_ray, RAY)


def poked_spot_ray(value_wad: int, par_ray: int, mat_ray: int) -> int:
    """Return the spot that a poke stores for a price (Spotter.poke)."""
    return mul_div_down(mul_div_down(value_wad * WAD_TO_RAY, RAY, par_ray), RAY, mat_ray)


def bark(ink_wad: int, art_wad: int, rate_ray: int, dust_rad: int, chop_wad: int, room: Room) -> Auction | Refused:
    """Return what a bark takes of an unsafe urn, or why it reverts (Dog.bark).

    A partial one leaves no dust behind: it takes all instead; but where it would itself be dust it reverts.
    """
    left_rad = room.left_rad
    if left_rad is None:
        return Refused("liquidation limit reached")
    dart = min(art_wad, left_rad * WAD // rate_ray // chop_wad)
    if art_wad > dart:
        if (art_wad - dart) * rate_ray < dust_rad:
            dart = art_wad
        elif dart * rate_ray < dust_rad:
            return Refused("liquidation limit leaves room for dust only")
    dink = mul_div_down(ink_wad, dart, art_wad)
    if not dink:
        return Refused("no collateral to auction")
    tab_rad = mul_div_down(dart * rate_ray, chop_wad, WAD)
    return Auction(dart, dink, tab_rad) if tab_rad else Refused("nothing to raise")


def incentive_rad(tab_rad: int, tip_rad: int, chip_wad: int) -> int:
    """Return what whoever starts an auction is paid (Clipper.kick)."""
    return tip_rad + mul_div_down(tab_rad, chip_wad, WAD)


def top_ray(value_wad: int, par_ray: int, buf_ray: int) -> int:
    """Return the price at which an auction starts (Clipper.kick, getFeedPrice)."""
    return mul_div_down(mul_div_down(value_wad * WAD_TO_RAY, RAY, par_ray), buf_ray, RAY)
