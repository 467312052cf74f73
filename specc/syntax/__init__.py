"""Text to syntax tree: the grammar's one reader."""

from specc.syntax.parse import grammar_path, parse

__all__ = ["grammar_path", "parse"]
