"""Text to syntax tree: the grammar's one reader."""

from specc.syntax.parse import parse
from specc.syntax.tables import grammar_path

__all__ = ["grammar_path", "parse"]
