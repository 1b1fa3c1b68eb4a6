"""What a run did, as a file: written, read, rendered as a transcript, compared, and turned back into what was done."""
