"""Repairs without a model, a file a family of errors."""
