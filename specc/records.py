"""Classes that hold data, made quickly: what `@dataclass(frozen=True)` makes for each of the classes that a check loads
would be a tenth of the time that it takes. That nothing is changed is kept by the type checker.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

_Class = TypeVar("_Class")


@dataclass_transform(frozen_default=True, kw_only_default=True, eq_default=False, field_specifiers=(field,))
def record(cls: type[_Class]) -> type[_Class]:
    """A slotted dataclass with keyword arguments; it equals itself alone."""
    return dataclass(slots=True, kw_only=True, eq=False, repr=False)(_documented(cls))


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value_object(cls: type[_Class]) -> type[_Class]:
    """A slotted dataclass that equals, and hashes as, whatever of its class has equal fields."""
    made: Any = dataclass(slots=True, eq=False, repr=False)(_documented(cls))
    compared: Any = attrgetter("__class__", *(each.name for each in fields(made) if each.compare))
    shown = [each.name for each in fields(made) if each.repr]

    def equal(self: Any, other: object) -> bool:
        return bool(compared(self) == compared(other)) if type(other) is type(self) else NotImplemented

    def hashed(self: Any) -> int:
        return hash(compared(self))

    def written(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    for name, method in (("__eq__", equal), ("__hash__", hashed), ("__repr__", written)):
        if name not in cls.__dict__:
            setattr(made, name, method)
    found: type[_Class] = made
    return found


def _documented(cls: type[_Class]) -> type[_Class]:
    """Give a class without a docstring one, for `dataclass` would spell out a signature for it."""
    cls.__doc__ = cls.__doc__ or cls.__name__
    return cls
