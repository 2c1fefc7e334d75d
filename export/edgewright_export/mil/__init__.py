"""Runs a saved `.mlpackage` anywhere: its ML program (MIL) is read back from the file and computed with torch.

Core ML itself runs on Apple systems only, so that this is what stands between a converter's mistake and a phone.  It
checks the file (docs/coreml.md says what that proves), and it stays apart from coremltools on purpose: nothing here
shares code with the converter, except the protobuf schema of the format.
"""

from .interpreter import Interpreter

__all__ = ["Interpreter"]
