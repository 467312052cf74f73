"""The graph that a spec means: elaborated from its syntax tree, then checked."""
