"""Loading a scenario: each session has modules of its own, for the script and for what lies in the script's folder."""

import builtins
import importlib.util
import itertools
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from voxrun.errors import ConfigurationError
from voxrun.session.failure import NOT_ITS_OWN, OWN_MODULES, explain
from voxrun.session.services import Language, Reading

_serial = itertools.count(1)


@lru_cache(maxsize=64)  # sessions of one scenario share its code, which nothing can change
def _compiled(source: bytes, path: str) -> CodeType:
    return compile(source, path, "exec", dont_inherit=True)


class _Loader(SourceFileLoader):
    """Loads one file of a scenario's: always from its source, and with the imports of its own folder."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = ModuleType(spec.name)
        package = spec.name.partition(".")[0]
        vars(module)["__builtins__"] = {**vars(builtins), "__import__": _importer(package)}
        return module

    def get_code(self, fullname: str) -> CodeType:
        return _compiled(self.get_data(self.path), self.path)


class _Finder:
    """Finds the modules below a session's package; an import of anything else passes it by."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if path and name.startswith(OWN_MODULES) else None
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(name, spec.loader.path)
        return spec


sys.meta_path.insert(0, _Finder)


def file_of(scenario: Path) -> Path:
    """Where links lead now: another release may be there later, or nothing. A link to itself is no file either."""
    return Path(os.path.realpath(scenario))


def read(scenario: Path, language: Language | None = None) -> Reading:
    """Read `scenario`, of which nothing runs yet: other threads may do this. `language` is for `.vox` files.

    ConfigurationError for a file that can't be read; ScenarioError, with the line, for what is wrong in it.
    """
    try:
        source = scenario.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{scenario} can't be read: {error.strerror}") from error
    if scenario.suffix != ".vox":
        try:
            code = _compiled(source, str(scenario))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise explain(error, scenario, "while loading") from error
        return lambda _: (code,)
    if language is None:
        raise ConfigurationError(f"{scenario} can't be run: this session was begun without the `.vox` language")
    return language(scenario, source)


def load(scenario: Path, reading: Reading) -> ModuleType:
    """Run the top-level code of `scenario`, which was read, in a new module and return it.

    Modules that it imports from its own folder, now or later, are loaded anew as well, so sessions share nothing.
    ScenarioError, with the line, for what is wrong inside.
    """
    package = ModuleType(f"{OWN_MODULES}{next(_serial)}")
    package.__path__ = [str(scenario.parent)]
    loader = _Loader(f"{package.__name__}.{scenario.stem.replace('.', '_')}", str(scenario))
    spec = ModuleSpec(loader.name, loader, origin=str(scenario))
    spec.has_location = True
    module = importlib.util.module_from_spec(spec)
    sys.modules[package.__name__] = package
    sys.modules[module.__name__] = module  # dataclasses and pickle look their module up there
    try:
        for code in reading(vars(module)):
            exec(code, vars(module))
    except BaseException as error:
        unload(module)
        if isinstance(error, NOT_ITS_OWN):
            raise
        raise explain(error, scenario, "while loading") from error
    return module


def unload(module: ModuleType) -> None:
    """Forget a module that `load` made, and those it imported from its folder."""
    package = module.__name__.partition(".")[0]
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


def _importer(package: str) -> Callable[..., ModuleType]:
    """An `__import__` that looks into the scenario's folder first, and loads what it finds there below `package`."""

    def import_own(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        head = name.partition(".")[0]
        if level or not _is_own(head, sys.modules[package].__path__):
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        module = builtins.__import__(f"{package}.{name}", fromlist=fromlist or ())
        return module if fromlist else sys.modules[f"{package}.{head}"]

    return import_own


def _is_own(name: str, folder: Sequence[str]) -> bool:
    spec = None if name == "voxrun" else PathFinder.find_spec(name, folder)
    # A folder without __init__.py is a package only for want of another of its name.
    return spec is not None and (spec.origin is not None or importlib.util.find_spec(name) is None)
