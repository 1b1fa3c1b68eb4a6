"""The control API as plain functions on the simulator, and its JSON models."""
