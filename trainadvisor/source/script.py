"""A script: its tree with parents and scopes, the names of its imports, and where the values of its names come from."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from trainadvisor.source.bindings import LOOPS, SCOPES, Binding, bindings_of, inside
from trainadvisor.source.one_path import in_other_branch
from trainadvisor.source.syntax import assignments, called, in_head, is_self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.reading import Source

# What names mean in a piece of a script whose imports are not shown.
USUAL = {"torch": "torch", "nn": "torch.nn", "F": "torch.nn.functional", "optim": "torch.optim", "np": "numpy",
         "Variable": "torch.autograd.Variable"}  # fmt: skip
STARS = ("torch", "torch.nn", "torch.nn.functional", "torch.optim")
Node = TypeVar("Node", bound=ast.AST)


@dataclass(eq=False)
class Script:
    """A parsed script and what is known of its names."""

    source: Source
    _bindings: dict[ast.AST, dict[str, list[Binding]]] = field(default_factory=dict, repr=False)

    @property
    def tree(self) -> ast.Module:
        """Return the syntax tree."""
        return self.source.tree

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """Return the parent of each node, the nodes in the order of a walk through the tree."""
        found: dict[ast.AST, ast.AST] = {}
        waiting: list[ast.AST] = [self.tree]
        for node in waiting:
            children = list(ast.iter_child_nodes(node))
            found.update(dict.fromkeys(children, node))
            waiting += children
        return found

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Return all nodes."""
        return [self.tree, *self.parents]

    @cached_property
    def by_type(self) -> dict[type[ast.AST], list[ast.AST]]:
        """Return the nodes of each type."""
        found: dict[type[ast.AST], list[ast.AST]] = {}
        for node in self.nodes:
            found.setdefault(type(node), []).append(node)
        return found

    def of_type(self, *types: type[Node]) -> list[Node]:
        """Return the nodes of some types, in the order of the text of each."""
        return [node for kind in types for node in self.by_type.get(kind, []) if isinstance(node, kind)]

    @cached_property
    def calls(self) -> list[ast.Call]:
        """Return all calls, in the order of the text."""
        return sorted(self.of_type(ast.Call), key=lambda node: (node.lineno, node.col_offset))

    @cached_property
    def functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Return all functions and methods."""
        return [*self.of_type(ast.FunctionDef), *self.of_type(ast.AsyncFunctionDef)]

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """Return the classes by name."""
        return {node.name: node for node in self.of_type(ast.ClassDef)}

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes around a node, the nearest first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def scope(self, node: ast.AST) -> ast.AST:
        """Return the function, class or module whose names a node sees first."""
        child = node
        for parent in self.ancestors(node):
            if isinstance(parent, SCOPES) and not in_head(child, parent):
                return parent
            child = parent
        return self.tree

    def statement(self, node: ast.AST) -> ast.stmt | None:
        """Return the statement that a node is in or is."""
        return next((n for n in (node, *self.ancestors(node)) if isinstance(n, ast.stmt)), None)

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        """Return the class around a node."""
        return next((n for n in self.ancestors(node) if isinstance(n, ast.ClassDef)), None)

    def function_of(self, node: ast.AST) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """Return the function around a node."""
        return next((n for n in self.ancestors(node) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))), None)

    def loops(self, node: ast.AST) -> list[ast.For | ast.AsyncFor | ast.While]:
        """Return the loops around a node within its function, the innermost first."""
        found = []
        child = node
        for parent in self.ancestors(node):
            if isinstance(parent, SCOPES):
                break
            if isinstance(parent, LOOPS) and child in parent.body:
                found.append(parent)
            child = parent
        return found

    def bindings(self, scope: ast.AST) -> dict[str, list[Binding]]:
        """Return the bindings of a scope by name."""
        if scope not in self._bindings:
            self._bindings[scope] = bindings_of(scope)
        return self._bindings[scope]

    @cached_property
    def imports(self) -> dict[str, str]:
        """Return what each imported name stands for, and the usual names of torch where nothing else has them."""
        bound = {node.id for node in self.of_type(ast.Name) if isinstance(node.ctx, ast.Store)}
        bound |= {node.arg for node in self.of_type(ast.arg)} | {*self.classes, *(f.name for f in self.functions)}
        found = {name: full for name, full in USUAL.items() if name not in bound}
        for node in self.of_type(ast.Import):
            for alias in node.names:
                root = alias.name.split(".")[0]
                found[alias.asname or root] = alias.name if alias.asname else root
        for origin in self.of_type(ast.ImportFrom):
            module = "." * origin.level + (origin.module or "")
            found |= {a.asname or a.name: f"{module}.{a.name}" for a in origin.names if a.name != "*"}
        return found

    @cached_property
    def starred(self) -> list[str]:
        """Return the modules of torch from which everything was imported."""
        stars = [node.module for node in self.of_type(ast.ImportFrom) if node.names[0].name == "*"]
        return [module for module in stars if module in STARS]

    def full(self, node: ast.AST | None) -> str:
        """Return the full dotted name of an expression, "" where it is none: `nn.Linear` is torch.nn.Linear."""
        if isinstance(node, ast.Attribute):
            base = self.full(node.value)
            return f"{base}.{node.attr}" if base else ""
        if isinstance(node, ast.Name):
            return self.imports.get(node.id) or self._star(node.id)
        return ""

    def _star(self, name: str) -> str:
        """Return the full name of what a starred import of torch brought, as far as its spelling tells."""
        if not self.starred or any(name in self.bindings(scope) for scope in self._bindings):
            return name
        if name[:1].isupper() and "torch.nn" in self.starred:
            return f"torch.nn.{name}"
        return f"{self.starred[-1]}.{name}"

    def reaching(self, name: ast.Name) -> list[Binding]:
        """Return the bindings that a name may mean where it stands; none where that is not known."""
        scope = self.scope(name)
        first = True
        while True:
            found = self.bindings(scope).get(name.id) if first or not isinstance(scope, ast.ClassDef) else None
            if found:
                return self._before(name, found) if first else found
            if isinstance(scope, ast.Module):
                return []
            scope, first = self.scope(scope), False

    def _before(self, name: ast.Name, found: list[Binding]) -> list[Binding]:
        """Return the bindings of its own scope that may hold at a name: the last sure one, and maybes behind it."""
        place = (name.lineno, name.col_offset)
        around = [name, *self.ancestors(name)]
        held: list[Binding] = []
        for binding in reversed([b for b in found if b.line <= place]):
            if in_other_branch(self.parents, binding.statement, name):
                continue
            held.append(binding)
            if self._sure(binding.statement, around):
                break
        later = [b for b in found if b.line > place and self._carried(b, held, around)]
        return held[::-1] + later

    def _sure(self, statement: ast.AST, around: list[ast.AST]) -> bool:
        """Return whether whatever reaches the inner node has passed the statement: its block is around the node."""
        if isinstance(statement, ast.arg):
            return True
        if isinstance(statement, (*LOOPS, ast.With, ast.AsyncWith)) and statement in around:
            return True
        parent = self.parents.get(statement)
        while isinstance(parent, (ast.With, ast.AsyncWith)) and parent not in around:
            parent = self.parents.get(parent)
        return parent in around and not isinstance(statement, LOOPS)

    def _carried(self, binding: Binding, held: list[Binding], around: list[ast.AST]) -> bool:
        """Return whether a later binding reaches a name through the next round of a loop around both."""
        shared = [n for n in self.ancestors(binding.statement) if isinstance(n, LOOPS) and n in around]
        if not shared:
            return False
        loop = shared[-1]
        return not any(
            self._sure(b.statement, around) and (b.statement is loop or loop in self.ancestors(b.statement))
            for b in held
        )

    def method(self, owner: ast.ClassDef | None, name: str) -> ast.FunctionDef | None:
        """Return a method of a class or of its bases in this script."""
        seen: set[str] = set()
        while owner is not None and owner.name not in seen:
            seen.add(owner.name)
            for node in owner.body:
                if isinstance(node, ast.FunctionDef) and node.name == name:
                    return node
            names = [base.id for base in owner.bases if isinstance(base, ast.Name)]
            owner = next((self.classes[base] for base in names if base in self.classes), None)
        return None

    def attribute_values(self, owner: ast.ClassDef, name: str) -> list[ast.expr | None]:
        """Return what is assigned to `self.name` in a class and its bases here; None for what is not followed."""
        found: list[ast.expr | None] = []
        seen: set[str] = set()
        current: ast.ClassDef | None = owner
        while current is not None and current.name not in seen:
            seen.add(current.name)
            found += self._assigned(current).get(name, [])
            names = [base.id for base in current.bases if isinstance(base, ast.Name)]
            current = next((self.classes[base] for base in names if base in self.classes), None)
        return found

    def _assigned(self, owner: ast.ClassDef) -> dict[str, list[ast.expr | None]]:
        if not hasattr(self, "_attributes"):
            self._attributes: dict[ast.ClassDef, dict[str, list[ast.expr | None]]] = {}
        if owner not in self._attributes:
            table: dict[str, list[ast.expr | None]] = {}
            for node in ast.walk(owner):
                for target, value in assignments(node):
                    if isinstance(target, ast.Attribute) and is_self(target.value):
                        table.setdefault(target.attr, []).append(value)
            self._attributes[owner] = table
        return self._attributes[owner]

    def callers(self, function: ast.AST) -> list[ast.Call]:
        """Return the calls of a function or method of this script, by its name."""
        return self.calls_by_name.get(getattr(function, "name", ""), [])

    @cached_property
    def calls_by_name(self) -> dict[str, list[ast.Call]]:
        """Return the calls by the last name of what is called."""
        found: dict[str, list[ast.Call]] = {}
        for call in self.calls:
            if name := called(call):
                found.setdefault(name, []).append(call)
        return found

    def given(self, function: ast.FunctionDef | ast.AsyncFunctionDef, argument: str) -> list[ast.expr]:
        """Return what the callers in this script give for an argument of a function."""
        names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
        is_method = isinstance(self.parents.get(function), ast.ClassDef) and names[:1] == ["self"]
        found = []
        for call in self.callers(function):
            offset = int(is_method and isinstance(call.func, ast.Attribute))
            named = next((k.value for k in call.keywords if k.arg == argument), None)
            place = names.index(argument) - offset if argument in names else -1
            value = named or (call.args[place] if 0 <= place < len(call.args) else None)
            if value is not None and not isinstance(value, ast.Starred):
                found.append(value)
        return found

    def inside(self, scope: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes of a scope without those of inner functions."""
        return inside(scope)
