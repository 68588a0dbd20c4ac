"""What every table of the settings has in common: it takes no name it does not know, and shows no value in an error."""

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """One table of the settings file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
