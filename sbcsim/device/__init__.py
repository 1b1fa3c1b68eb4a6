"""The simulated SBC itself, without I/O: inputs and `now` go in, events and effects come out."""
