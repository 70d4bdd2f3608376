"""What a run pays from."""

from collections.abc import Sequence
from dataclasses import dataclass

from budgetmlagent.money.ledger import Call, Entry, Ledger


@dataclass(frozen=True)
class Account:
    """A run's money in the ledger, and the replies that were paid for already."""

    ledger: Ledger
    run: str
    origins: Sequence[str] = ()  # runs whose replies are used again where a request is the same

    def spent(self) -> int:
        """Nano-dollars of the run: settled calls plus reservations of unknown outcome."""
        return self.ledger.spent(self.run)

    def paid(self, call: Call) -> Entry | None:
        """Return the same call where it was paid for: of this step when it was begun before, or of an origin."""
        return self.ledger.stored(call) or self.ledger.again(call, self.origins)
