"""What the forms of the pages ask for, by the same rules as the API."""

from collections.abc import Mapping

from aiohttp import web

from monitor.client.wire.asked import AtRiskQuestion
from monitor.domain.ids import PositionId
from monitor.errors import UsageError
from monitor.risk.moves import Shock


def question(filled: Mapping[str, str]) -> AtRiskQuestion:
    """Return which positions a form asks for; raises UsageError that names the field which is wrong."""
    try:
        return AtRiskQuestion.model_validate(dict(filled))
    except ValueError as e:
        wrong = sorted({str(flaw["loc"][0]) for flaw in e.errors()} if hasattr(e, "errors") else ())
        raise UsageError(f"expected other values, or none, for {', '.join(wrong) or 'the fields'}") from e


def position_id(request: web.Request) -> PositionId:
    """Return the position of a path; raises HTTPNotFound for what is none."""
    try:
        return PositionId.parse(request.match_info["id"])
    except UsageError as e:
        raise web.HTTPNotFound(text="no such position is known here") from e


def moves(filled: Mapping[str, str]) -> list[Shock]:
    """Return what the sliders say: names of assets and percent, those at rest left out; raises UsageError."""
    found = (
        Shock.from_text(f"{name}={value if value[:1] in '+-' else '+' + value}%") for name, value in filled.items()
    )
    return [one for one in found if one.ratio_ppm != 1_000_000]
