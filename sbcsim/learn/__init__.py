"""Lessons at the box: a coach sits beside its CLI, looks at what has become of it, and never at what is typed."""
