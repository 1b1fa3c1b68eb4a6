"""SIP messages and their framing on streams (RFC 3261), without I/O."""
