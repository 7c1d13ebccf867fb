"""Loading a scenario: each session has modules of its own, for the script and for what lies in the script's folder."""

import builtins
import importlib.util
import itertools
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from voxrun.errors import ConfigurationError
from voxrun.session.failure import NOT_ITS_OWN, OWN_MODULES, explain
from voxrun.session.services import Language, Reading

_serial = itertools.count(1)

_SAYS_ENCODING = re.compile(rb"(\xef\xbb\xbf)?[ \t\f]*#.*coding[:=]")
"""What Python looks for in the first two lines."""

_NO_TEXT = "this is no text in UTF-8: save the file in that encoding"


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A scenario as it was read: `reading` is what is in its `file`.

    `beside` has the path and the source of each module that it has imported from its folder, now or later.
    """

    file: Path
    source: bytes
    reading: Reading
    beside: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def goes_on(self, last: "Version") -> bool:
        """Whether nothing is another than in the `last` one, neither here nor beside it now. In whatever thread."""
        is_same = (self.file, self.source) == (last.file, last.source)
        return is_same and all(_content(path) == source for path, source in tuple(last.beside.values()))


@lru_cache(maxsize=64)  # sessions of one scenario share its code, which nothing can change
def _compiled(source: bytes, path: str) -> CodeType:
    _check_encoding(source, path)
    try:
        return compile(source, path, "exec", dont_inherit=True)
    except (SyntaxError, UnicodeDecodeError):
        text_of(source, path)  # which says more, if that is what is wrong
        raise


class _Loader(SourceFileLoader):
    """Loads one file of a scenario's: from the source that it has, and with the imports of its own folder."""

    def __init__(self, fullname: str, path: str, source: bytes) -> None:
        super().__init__(fullname, path)
        self._source = source

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = ModuleType(spec.name)
        package = spec.name.partition(".")[0]
        vars(module)["__builtins__"] = {**vars(builtins), "__import__": _importer(package)}
        return module

    def get_data(self, path: str) -> bytes:
        return self._source if path == self.path else super().get_data(path)

    def get_code(self, fullname: str) -> CodeType:
        code = _compiled(self._source, self.path)
        package, _, own = fullname.partition(".")
        _beside(package).setdefault(own, (self.path, self._source))  # loaded again, it is this session's alone
        return code


class _Finder:
    """Finds the modules below a session's package; an import of anything else passes it by."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if path is None or not name.startswith(OWN_MODULES):
            return None
        package, _, own = name.partition(".")
        beside = _beside(package)
        if own in beside and target is None:  # else it is to be loaded again
            loader = _Loader(name, *beside[own])
            return importlib.util.spec_from_file_location(name, loader.path, loader=loader)
        spec = PathFinder.find_spec(name, path, target)
        if spec is None and any(known.startswith(f"{own}.") for known in tuple(beside)):
            return ModuleSpec(name, None, is_package=True)  # a folder without __init__.py, which is gone
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            file = spec.loader.path
            spec.loader = _Loader(name, file, Path(file).read_bytes())
        return spec


sys.meta_path.insert(0, _Finder)


def text_of(source: bytes, path: str) -> str:
    """What is written in a Python file. SyntaxError, with the place, if it is not in the encoding it should be in."""
    _check_encoding(source, path)
    try:
        return importlib.util.decode_source(source)
    except (SyntaxError, UnicodeDecodeError):  # it says no other encoding, or that was wrong already
        text = source.decode(errors="surrogateescape")
        wrong = next(place for place, character in enumerate(text) if "\udc80" <= character <= "\udcff")
        line, column = text.count("\n", 0, wrong) + 1, wrong - text.rfind("\n", 0, wrong)
        raise SyntaxError(_NO_TEXT, (path, line, column, None)) from None


def file_of(scenario: Path) -> Path:
    """Where links lead now: another release may be there later, or nothing. A link to itself is no file either.

    A pipe (`voxrun <(generate)`) is only where it was given. ConfigurationError for a name that no scenario has.
    """
    refuse_other_endings(scenario)
    found = Path(os.path.realpath(scenario))
    return scenario if os.path.exists(scenario) and not os.path.exists(found) else found


def refuse_other_endings(scenario: Path) -> None:
    """ConfigurationError for a name that ends with something else than .vox, .py or nothing, which is Python too."""
    if scenario.suffix not in (".vox", ".py", ""):
        raise ConfigurationError(f"{scenario} is no scenario: their names end with .vox or .py")


def read(scenario: Path, language: Language | None = None) -> Version:
    """Read `scenario`, of which nothing runs yet: other threads may do this. `language` is for `.vox` files.

    What is called .vox is never Python, whatever file its name leads to: it may be a stranger's link in a sandbox.

    ConfigurationError for a file that can't be read; ScenarioError, with the line, for what is wrong in it.
    """
    file = file_of(scenario)
    try:
        source = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file} can't be read: {error.strerror}") from error
    if ".vox" not in (scenario.suffix, file.suffix):
        try:
            code = _compiled(source, str(file))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise explain(error, file, "while loading") from error
        return Version(file, source, lambda _: (code,))
    if language is None:
        raise ConfigurationError(f"{file} can't be run: this session was begun without the `.vox` language")
    return Version(file, source, language(file, source))


def load(version: Version) -> ModuleType:
    """Run the top-level code of a scenario, which was read, in a new module and return it.

    Modules that it imports from its own folder, now or later, are loaded anew as well, so sessions share nothing.
    ScenarioError, with the line, for what is wrong inside.
    """
    scenario = version.file
    package = ModuleType(f"{OWN_MODULES}{next(_serial)}")
    package.__path__ = [str(scenario.parent)]
    vars(package)["__beside__"] = version.beside
    loader = _Loader(f"{package.__name__}.{scenario.stem.replace('.', '_')}", str(scenario), version.source)
    spec = ModuleSpec(loader.name, loader, origin=str(scenario))
    spec.has_location = True
    module = importlib.util.module_from_spec(spec)
    sys.modules[package.__name__] = package
    sys.modules[module.__name__] = module  # dataclasses and pickle look their module up there
    try:
        for code in version.reading(vars(module)):
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
        if level or not _is_own(head, package):
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        module = builtins.__import__(f"{package}.{name}", fromlist=fromlist or ())
        return module if fromlist else sys.modules[f"{package}.{head}"]

    return import_own


def _is_own(name: str, package: str) -> bool:
    if name == "voxrun":
        return False
    heads = (known.partition(".")[0] for known in tuple(_beside(package)))  # threads may import something as well
    if f"{package}.{name}" in sys.modules or name in heads:
        return True
    spec = PathFinder.find_spec(name, sys.modules[package].__path__)
    # A folder without __init__.py is a package only for want of another of its name.
    return spec is not None and (spec.origin is not None or importlib.util.find_spec(name) is None)


def _beside(package: str) -> dict[str, tuple[str, bytes]]:
    beside: dict[str, tuple[str, bytes]] = vars(sys.modules[package])["__beside__"]
    return beside


def _content(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except OSError:
        return None


def _check_encoding(source: bytes, path: str) -> None:
    """SyntaxError, with the line, which Python doesn't tell, if `source` is not in the encoding it should be in."""
    if (found := source.find(b"\0")) >= 0:  # as in UTF-16, or in no text at all
        where = path, source.count(b"\n", 0, found) + 1, None, None
        raise SyntaxError(_NO_TEXT, where)
    for number, line in enumerate(source.split(b"\n")[:2], 1):
        if _SAYS_ENCODING.match(line) and not _is_as_it_says(source):
            place = path, number, None, line.decode(errors="replace")
            raise SyntaxError("this is not the file's encoding: take the line out, and save the file as UTF-8", place)


def _is_as_it_says(source: bytes) -> bool:
    try:
        return "coding" in importlib.util.decode_source(source)  # in UTF-16 any bytes may be some text
    except (SyntaxError, LookupError, UnicodeError):
        return False
