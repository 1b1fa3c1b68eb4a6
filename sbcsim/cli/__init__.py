"""The command line of the box, without I/O: lines go in, text comes out."""
