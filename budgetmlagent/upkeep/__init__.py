"""Runs and memory over time: what is lost, what can go, what is remembered."""
