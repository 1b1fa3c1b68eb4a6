"""SIP without I/O: messages, their framing, transactions, dialogs and session timers (RFC 3261 and others)."""
