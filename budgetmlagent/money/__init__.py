"""Money: the ledger, and what a call costs."""
