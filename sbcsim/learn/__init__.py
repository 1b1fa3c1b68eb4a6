"""Lessons at the box: a coach sits beside its CLI, looks at what has become of it, and not at keystrokes."""
