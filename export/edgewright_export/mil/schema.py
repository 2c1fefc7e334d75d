"""The protobuf schema of Core ML, as coremltools ships it, without coremltools around it.

`import coremltools` takes five seconds, loads torchao, transformers and scikit-learn, and prints what it misses of
them; its `proto` folder needs protobuf alone and loads in 50 ms.
"""

import importlib.util
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

from edgewright_train.errors import InputError


def _schema() -> ModuleType:
    if "coremltools" in sys.modules:
        return import_module("coremltools.proto")
    package = importlib.util.find_spec("coremltools")
    if package is None or package.origin is None:
        raise InputError("coremltools is not installed; pip install 'edgewright[coreml]'")
    folder = Path(package.origin).parent / "proto"
    name = f"{__name__}_proto"
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


_modules = _schema()
Model_pb2 = _modules.Model_pb2
MIL_pb2 = _modules.MIL_pb2
FeatureTypes_pb2 = _modules.FeatureTypes_pb2
