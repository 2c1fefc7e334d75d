"""Shows what a detector sees, in a browser on the same machine.

    python -m edgewright_edge.camera --pack build/yolo-fastestv2/ncnn-fp16                    the first camera
    python -m edgewright_edge.camera --pack DIR --source street.mp4 --port 8080               a video file
    python -m edgewright_edge.camera --pack DIR --source 'libcamerasrc ! ... ! appsink'       GStreamer

Frames that come while one is computed are dropped: the picture is late by one frame, never by many.
"""

import argparse
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from edgewright_export.manifest import Manifest
from edgewright_export.pack import open_pack
from edgewright_export.runners import Runner, open_runner
from edgewright_train.command import Parser, run_command
from edgewright_train.errors import InputError
from edgewright_train.tasks.classify.decode import ClassifyDecode
from edgewright_train.tasks.detect.decode import DetectDecode, detect
from edgewright_train.tasks.detect.detections import Detections
from edgewright_train.tasks.segment.decode import SegmentDecode

from .draw import draw
from .frames import Frame, open_frames
from .latest import Latest
from .serve import HOST, open_server


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 2 when something is missing or wrong."""
    parser = Parser(prog="edgewright_edge.camera", description="Show what a detector sees in a camera or a video.")
    parser.add_argument("--pack", type=Path, required=True, help="folder of the pack, a detector")
    parser.add_argument("--source", default="0", help="camera number, video, folder of images, pipeline (default: 0)")
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one (default: 8080)")
    parser.add_argument("--threads", type=int, default=1, help="threads of the network (default: 1)")
    parser.add_argument("--score", type=float, help="least score, instead of the manifest's")
    parser.add_argument("--once", action="store_true", help="stop at the end of a file instead of beginning again")
    return run_command(parser, _main, argv)


def _main(arguments: argparse.Namespace) -> int:
    pack = open_pack(arguments.pack)
    decode = pack.manifest.decode
    if isinstance(decode, ClassifyDecode | SegmentDecode):
        raise InputError(f"{pack.path}: shows detectors only, this pack is for the task {pack.manifest.task}")
    runner = open_runner(pack.path, pack.manifest, num_threads=arguments.threads)
    frames: Latest[Frame] = Latest()
    pictures: Latest[bytes] = Latest()
    source = open_frames(arguments.source, repeat=not arguments.once)
    try:
        server = open_server(arguments.port, pictures)
    except (OSError, OverflowError) as error:
        raise InputError(f"--port {arguments.port}: {error}") from None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Thread(target=_grab, args=(source, frames), daemon=True).start()
    print(f"http://{HOST}:{server.server_address[1]}/", flush=True)
    _show(frames, pictures, Detector(pack.manifest, runner, decode, arguments.score))
    pictures.close()
    server.shutdown()
    return 0


def _grab(source: Iterator[Frame], frames: Latest[Frame]) -> None:
    try:
        for frame in source:
            frames.put(frame)
    finally:
        frames.close()


@dataclass(frozen=True)
class Detector:
    """A pack and the least score that is shown, where it is not the pack's own."""

    manifest: Manifest
    runner: Runner
    decode: DetectDecode
    score_threshold: float | None

    def __call__(self, frame: Frame) -> Detections:
        """In pixels of the frame."""
        preprocess = self.manifest.input.preprocess
        maps = self.runner(preprocess.network_image(frame))
        height, width = frame.shape[:2]
        found = detect(maps, self.decode, score_threshold=self.score_threshold)
        return found.to_source(preprocess.placement((width, height)))


def _show(frames: Latest[Frame], pictures: Latest[bytes], detector: Detector) -> None:
    number = 0
    while newest := frames.newer_than(number):
        number, frame = newest
        began = time.perf_counter()
        found = detector(frame)
        note = f"{1000 * (time.perf_counter() - began):.1f} ms"
        written, jpeg = cv2.imencode(".jpg", draw(frame, found, detector.manifest.labels, note))
        assert written
        pictures.put(jpeg.tobytes())


if __name__ == "__main__":
    sys.exit(main())
