"""A model of models.yaml that no test asks."""

from typing import Any

from budgetmlagent.models.config import ModelSpec
from budgetmlagent.money.prices import Rates


def spec(**more: Any) -> ModelSpec:
    """Return one that is priced; `more` says what else there is of it."""
    about = {
        "name": "small",
        "base_url": "http://127.0.0.1:9/v1",
        "model": "any",
        "price": Rates(input=1, output=2),
    }
    return ModelSpec(**(about | more))
