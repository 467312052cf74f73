"""The files of a project: which items each has, and what it uses of others.

A file may use files of the project it belongs to, which is the folder of the file that is compiled and all below it,
and the library that comes with specc.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from specc.diagnostics import Label, Sink, suggestion
from specc.graph.kinds import DUPLICATE_NAME, IMPORT_CYCLE, RESERVED_NAME, UNKNOWN_IMPORT, UNUSED_IMPORT
from specc.graph.library import LIBRARY
from specc.graph.scope import FileScope, Item
from specc.source import Source, Span
from specc.syntax import ast, parse
from specc.syntax.parse import MAXIMAL_TEXT

RESERVED_NAMES: Final = frozenset({"serving_default", "set_knobs"})


class Project:
    """The files that are reached from one spec, each parsed once."""

    def __init__(self, root: Path, sink: Sink) -> None:
        self.root = root.resolve()
        self.sink = sink
        self._scopes: dict[Path, FileScope] = {}
        self._files: list[ast.File] = []
        self._opening: list[tuple[Path, Span]] = []

    def open(self, source: Source) -> FileScope:
        """The names of a file, those that it uses included."""
        file = parse(source, self.sink)
        self._files.append(file)
        folder = source.path.resolve().parent if source.path else self.root
        scope = FileScope(file, folder, broken=set(file.broken))
        own = source.path.resolve() if source.path else None
        if own is not None:
            self._scopes[own] = scope
            self._opening.append((own, Span(source, 0, 0)))
        for item in file.items:
            if isinstance(item, ast.Use):
                self._use(item, scope)
            else:
                self._refuse_reserved(item)
                self._declare(item.name, Item(item, scope), item.name_span, scope)
        if own is not None:
            self._opening.pop()
        return scope

    def _declare(self, name: str, item: Item, span: Span, scope: FileScope) -> None:
        if name in scope.items:
            label = Label(scope.spans[name], "it is named here first")
            self.sink.report(DUPLICATE_NAME, span, f"`{name}` is named twice in this file", label)
            scope.repeated.append(item)
        else:
            scope.items[name] = item
            scope.spans[name] = span

    def _refuse_reserved(self, item: ast.Item) -> None:
        if isinstance(item, ast.Model) and item.name in RESERVED_NAMES:
            message = f"a SavedModel has a signature `{item.name}` of its own"
            self.sink.report(RESERVED_NAME, item.name_span, message, help="give the model another name")

    def _use(self, use: ast.Use, scope: FileScope) -> None:
        other = self._origin(use, scope)
        for imported in use.imports:
            if other is None:
                scope.broken.add(imported.name)
                continue
            item = other.items.get(imported.original)
            if item is None:
                scope.broken.add(imported.name)
                if imported.original not in other.broken:
                    help = suggestion(imported.original, other.items)
                    message = f'"{use.origin}" has no `{imported.original}`'
                    self.sink.report(UNKNOWN_IMPORT, imported.span, message, help=help)
                continue
            self._declare(imported.name, item, imported.name_span, scope)
            scope.imported.append(imported)

    def _origin(self, use: ast.Use, scope: FileScope) -> FileScope | None:
        """The file that a `use` names, or none once it has been reported."""
        if use.library:
            path = LIBRARY / f"{use.origin}.cnet"
            message = f"there is no library `{use.origin}`"
        else:
            path = (scope.folder / use.origin).resolve()
            message = f'there is no file "{use.origin}" beside this one'
            if not path.is_relative_to(self.root):
                outside = f'"{use.origin}" lies outside the project, which is the folder of the spec'
                self.sink.report(UNKNOWN_IMPORT, use.origin_span, outside)
                return None
        opened = [entry for entry, _ in self._opening]
        if path in opened:
            names = " → ".join(entry.name for entry in [*opened[opened.index(path) :], path])
            self.sink.report(IMPORT_CYCLE, use.origin_span, f"files use each other in a circle: {names}")
            return None
        if path in self._scopes:
            return self._scopes[path]
        try:
            source = read(path, self._shown(path))
        except (OSError, ValueError) as error:
            reason = "" if isinstance(error, FileNotFoundError) else f": {getattr(error, 'strerror', None) or error}"
            self.sink.report(UNKNOWN_IMPORT, use.origin_span, message + reason)
            return None
        return self.open(source)

    def _shown(self, path: Path) -> str:
        """A path as diagnostics show it: from the working directory where that is possible."""
        try:
            return str(path.relative_to(Path.cwd()))
        except ValueError:
            return str(path)

    @property
    def files(self) -> list[ast.File]:
        """Every file that has been read."""
        return self._files

    def unused_imports(self, scope: FileScope) -> None:
        """Warn about what a file uses of others and never reads."""
        for imported in scope.imported:
            if not scope.items[imported.name].used:
                message = f"`{imported.name}` is never used"
                self.sink.report(UNUSED_IMPORT, imported.span, message, help="take it off the list")


def read(path: Path, name: str) -> Source:
    """A spec from its file.

    Raises:
        OSError: if it can not be read.
        ValueError: if it is too large or not UTF-8.
    """
    with path.open("rb") as file:
        data = file.read(4 * MAXIMAL_TEXT + 1)
    if len(data) > 4 * MAXIMAL_TEXT:
        raise ValueError("the file is too large for a spec")
    try:
        return Source(data.decode("utf-8-sig"), name, path)
    except UnicodeDecodeError as error:
        raise ValueError(f"the file is not UTF-8 text (byte {error.start})") from error
