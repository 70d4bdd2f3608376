"""A planner's choice, read from its reply."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationError

from nodes.craft import freely
from nodes.craft.replies import json_object, said, valid


def _text(value: Any) -> Any:
    """Models leave out a text by null, and write a number where a text was asked for."""
    return "" if value is None else str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_text), AfterValidator(valid)]


class Choice(freely.Named):
    """What a model's JSON must say; whatever else it says is left out."""

    action: Text
    case: Text = ""
    change: Text = ""
    instruction: Text = ""
    data: Any = None  # what the tables are, see `telling`, where that was asked


def parse(reply: str) -> Choice | str:
    """Read a model's choice; a sentence that says what is wrong with the reply where it holds none."""
    value = json_object(reply)
    if value is None and not said(reply).strip():
        return "the reply is empty"
    if value is None:
        return "the reply is not the JSON that was asked for"
    try:
        return Choice.model_validate(value)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, problem['loc']))}: {problem['msg'].lower()}"
