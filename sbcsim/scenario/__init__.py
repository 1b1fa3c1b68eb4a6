"""Scenarios: a declared start, steps, and a verdict taken on the state and on the wire."""
