"""The habits of the package: what it imports, how it is cut up, what its wheel holds."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "ivc"
MODULES = sorted(PACKAGE.rglob("*.py"))

ROOMS = [
    {"errors", "kernels", "reference", "threads"},
    {"types"},
    {"metrics", "media", "stream", "entropy"},
    {"signal"},
    {"nets"},
    {"codecs"},
    {"pipeline"},
    {"api"},
    {"report", "pillow"},
    {"bench", "train"},
    {"cli"},
    {"__main__"},
]
"""Who may import whom: a room knows those in lower sets, never its neighbours or those above."""

LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path, *, for_types: bool = True) -> set[str]:
    """Full names of all modules that a file imports, inside functions too.

    ``for_types`` says whether what only type checkers import counts.
    """
    package = ["ivc", *path.relative_to(PACKAGE).parts[:-1]]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not for_types:
        tree.body = [n for n in tree.body if not (isinstance(n, ast.If) and is_type_check(n))]
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            names |= {f"{module}.{alias.name}" for alias in node.names} | {module}
    return names


def is_type_check(node: ast.If) -> bool:
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def rooms_imported(path: Path) -> set[str]:
    found = {name.split(".")[1] for name in imports_of(path) if name.startswith("ivc.")}
    return {
        room for room in found if (PACKAGE / room).is_dir() or (PACKAGE / f"{room}.py").exists()
    }


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_only_go_down(path):
    room = room_of(path)
    if room == "__init__":
        assert not rooms_imported(path), "ivc/__init__.py loads what it offers lazily"
        return
    assert room in LEVEL, f"{room} has no place in ROOMS"
    for other in rooms_imported(path) - {room, "__init__"}:
        assert LEVEL[other] < LEVEL[room], f"{room} must not know {other}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "codecs").rglob("*.py")), ids=lambda p: p.stem)
def test_codecs_know_neither_files_nor_the_container(path):
    assert not rooms_imported(path) & {"stream", "media", "pipeline"}


def test_the_check_of_imports_sees_all_kinds(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    (tmp_path / "signal").mkdir()
    (tmp_path / "signal" / "dct.py").write_text(
        "import ivc.a\nfrom ivc import b\nfrom ivc.c import x\n"
        "from .. import d\nfrom . import e\ndef f():\n    from ..g import y\n"
        "if TYPE_CHECKING:\n    import h\n"
    )
    found = imports_of(tmp_path / "signal" / "dct.py")
    assert {"ivc.a", "ivc.b", "ivc.c", "ivc.d", "ivc.signal.e", "ivc.g", "h"} <= found
    assert found - imports_of(tmp_path / "signal" / "dct.py", for_types=False) == {"h"}


@pytest.mark.parametrize("module", ["ivc", "ivc.types", "ivc.errors", "ivc.codecs", "ivc.stream"])
def test_listing_needs_no_heavy_library(module):
    heavy = {"numpy", "numba", "torch", "onnxruntime", "av", "PIL", "cryptography", "scipy"}
    assert not loaded_by(f"import {module}") & heavy


def test_coding_loads_no_torch():
    loaded = loaded_by(
        "import ivc.api\nfrom ivc.codecs import CODECS\nfor profile in CODECS: profile.load()"
    )
    assert "numba" in loaded
    assert not loaded & {"torch", "onnx", "onnxruntime"}


BASE = {"av", "cryptography", "google_crc32c", "llvmlite", "numba", "numpy", "onnxruntime", "PIL"}
BASE |= {"rich", "tifffile", "click"}
"""What the base install brings: the declared dependencies, and what they cannot be without."""

EXTRAS = {
    PACKAGE / "nets" / "torch": {"torch"},
    PACKAGE / "train": {"torch", "onnx"},
    PACKAGE / "media": {"imagecodecs", "pillow_heif"},
    PACKAGE / "bench": {"imagecodecs", "pillow_heif", "psutil", "scipy"},
}
"""Where an extra's packages may be imported."""


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_declared_dependencies_are_imported(path):
    allowed = BASE.union(*(names for at, names in EXTRAS.items() if path.is_relative_to(at)))
    foreign = {
        name.split(".")[0] for name in imports_of(path, for_types=False)
    } - sys.stdlib_module_names
    assert foreign - {"ivc"} <= allowed


def test_every_public_name_can_be_had():
    import ivc

    for name in ivc.__all__:
        assert getattr(ivc, name) is not None
    assert set(ivc.__all__) <= set(dir(ivc))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = ivc.no_such_name


def test_versions_agree():
    import ivc

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert ivc.__version__ == project["version"]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_stay_short_and_say_what_they_are(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 450, "cut it into files of one idea each"
    assert not text.strip() or ast.get_docstring(ast.parse(text))


def test_constraints_pin_every_dependency_exactly():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + [
        line for extra in ("bench", "dev", "docs", "formats", "train") for line in extras[extra]
    ]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)
    pinned = {re.sub(r"[-_.]+", "-", pin.split("==")[0]).lower() for pin in pins}
    names = {re.match(r"[\w.-]+", line).group().replace("_", "-").lower() for line in wanted}
    assert names <= pinned


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    """The wheel of the working tree, built outside of it with the installed setuptools."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    skip = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", folder / "src", ignore=skip)
    code = "import setuptools.build_meta as backend; print(backend.build_wheel('.'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(folder / done.stdout.split()[-1])


def test_the_wheel_is_pure_and_complete(wheel):
    assert wheel.filename.endswith("-py3-none-any.whl")
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    files = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert inside == files
    info = {name.split(".dist-info/")[1] for name in wheel.namelist() if ".dist-info/" in name}
    assert {"METADATA", "entry_points.txt", "licenses/LICENSE"} <= info
