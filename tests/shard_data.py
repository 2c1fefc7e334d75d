"""Small tar shards, for tests."""

import io
import json
import tarfile

import cv2
import numpy as np


def image(seed, size_wh=(8, 6), ending=".png"):
    pixels = np.random.default_rng(seed).integers(0, 255, (size_wh[1], size_wh[0], 3), np.uint8)
    return cv2.imencode(ending, pixels)[1].tobytes()


def boxes(label="cat", box=(1, 1, 4, 4), **more):
    return json.dumps({"width": 8, "height": 6, "objects": [{"label": label, "box_xyxy": box}], **more}).encode()


def write_tar(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def write_toml(folder, task="detect", head=""):
    text = f'format = "webdataset"\ntasks = ["{task}"]\nclasses = ["cat", "dog"]\ntrain = "x-*.tar"\n{head}\n'
    (folder / "dataset.toml").write_text(text)
