"""What a client accepts (RFC 9110, 12.5.1): whether an answer of one media type may be given to it."""

from __future__ import annotations


def acceptable(accept: str, media_type: str) -> bool:
    """Whether a request with this Accept header takes `media_type`; one without the header takes anything."""
    if not accept.strip():
        return True
    kind, _, _ = media_type.partition("/")
    ranges = dict(map(_weighed, accept.split(",")))
    # The most specific range has the last word: `*/*, text/plain;q=0` takes all but plain text.
    return next((ranges[each] for each in (media_type, f"{kind}/*", "*/*") if each in ranges), 0.0) > 0


def _weighed(text: str) -> tuple[str, float]:
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    weight = next((value for key, _, value in (each.partition("=") for each in parameters) if key.strip() == "q"), "1")
    try:
        return name, float(weight)
    except ValueError:
        return name, 0.0
