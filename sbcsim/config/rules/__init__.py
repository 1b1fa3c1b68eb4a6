"""The box's own refusals: what a configuration must fulfil beyond the types of its leaves.

Every rule is one function that guards a place in the model; the engine runs it for each instance of that place which a
commit touches, so that the work grows with the change. The stages follow each other in the order in which the box
checks; of the first stage that refuses anything, the refusal that comes first in path order is the one reported.
"""

from . import administration, certificates, general, routing, signaling  # noqa: F401 - their rules register themselves
from .engine import Rules
from .registry import RULES, Rule
from .review import Review, State

__all__ = ["RULES", "Review", "Rule", "Rules", "State"]
