"""Operations that move elements, against numpy and torch; bilinear grids also against the MIL reference's examples."""

import numpy as np
from coremltools.converters.mil import Builder as mb  # noqa: N813
from torch.nn import functional as F

from .case import IMAGE, Case, f32, numpy_of, t, unary
from .programs import random

SMALL = np.arange(24, dtype=f32).reshape(2, 3, 4)
DEEP = random(1, 8, 4, 6, seed=70)
RAMP = f32([[[0, 1]]])  # grid points are the values themselves

# Examples of the MIL reference: where an axis of two elements is sampled.
GRIDS = [
    ("STRICT_ALIGN_CORNERS", [0, 0.25, 0.5, 0.75, 1]),
    ("ALIGN_CORNERS", [0, 0.2, 0.4, 0.6, 0.8, 1]),
    ("ALIGN_CORNERS", [0.5]),
    ("DEFAULT", [0, 0.4, 0.8, 1, 1]),
    ("OFFSET_CORNERS", [0.1, 0.3, 0.5, 0.7, 0.9]),
    ("UNALIGN_CORNERS", [0, 0.1, 0.5, 0.9, 1]),
]


def grid(mode: str, points: list[float]) -> Case:
    return unary(
        "resize_bilinear", lambda _: f32([[points]]), RAMP,
        target_size_height=1, target_size_width=len(points), sampling_mode=mode,
    )  # fmt: skip


LAYOUT = [
    unary("reshape", lambda x: x.reshape(2, 6, 2), SMALL, shape=[2, -1, 2]),
    unary("reshape", lambda x: x.reshape(2, 4, 3), SMALL, shape=[0, -1, 3]),
    unary("transpose", lambda x: x.transpose(2, 0, 1), SMALL, perm=[2, 0, -2]),
    unary("expand_dims", lambda x: x[None, :, :, :, None], SMALL, axes=[0, -1]),
    unary("squeeze", lambda x: x[0, :, 0], random(1, 3, 1, 4), axes=[0, 2]),
    unary("squeeze", np.squeeze, random(1, 3, 1, 4)),
    unary("identity", lambda x: x, SMALL),
    unary("flatten2d", lambda x: x.reshape(6, 4), SMALL, axis=-1),
    unary("tile", lambda x: np.tile(x, (1, 2, 3)), SMALL, reps=[1, 2, 3]),
    unary("crop", lambda x: x[:, 1:, :-3], SMALL, crop_height=[1, 0], crop_width=[0, 3]),
    unary("pad", lambda x: np.pad(x, ((0, 0), (1, 2), (0, 3)), constant_values=7), SMALL, pad=[1, 2, 0, 3],
          mode="constant", constant_val=f32(7)),
    unary("pad", lambda x: np.pad(x, ((0, 0), (0, 0), (2, 1), (1, 3)), "reflect"), DEEP, pad=[2, 1, 1, 3],
          mode="reflect"),
    unary("pad", lambda x: np.pad(x, ((0, 0), (0, 0), (2, 1), (1, 3)), "edge"), DEEP, pad=[2, 1, 1, 3],
          mode="replicate"),
    unary("slice_by_index", lambda x: x[1:2, 0:-1:2, 3:0:-2], SMALL, begin=[1, 0, 3], end=[2, -1, 0],
          stride=[1, 2, -2]),
    unary("slice_by_index", lambda x: x[:, ::-1, 1:], SMALL, begin=[9, 9, 1], end=[9, 9, 9], stride=[1, -1, 1],
          begin_mask=[True, True, False], end_mask=[True, True, True]),
    unary("slice_by_index", lambda x: x[1, ::-1, -1], SMALL, begin=[1, 0, -1], end=[0, 0, 0], stride=[1, -1, 1],
          begin_mask=[False, True, False], end_mask=[False, True, False], squeeze_mask=[True, False, True]),
    Case("concat", (SMALL, -SMALL[:, :2]), lambda x, y: mb.concat(values=[x, y], axis=-2),
         numpy_of(lambda x, y: np.concatenate((x, y), 1))),
    Case("concat", (SMALL, -SMALL), lambda x, y: mb.concat(values=[x, y], axis=1, interleave=True),
         lambda x, y: t(np.stack((x, y), 2).reshape(2, 6, 4))),
    Case("stack", (SMALL, -SMALL), lambda x, y: mb.stack(values=[x, y], axis=1),
         numpy_of(lambda x, y: np.stack((x, y), 1))),
    Case("split", (SMALL,), lambda x: mb.split(x=x, axis=-1, num_splits=2), numpy_of(lambda x: np.split(x, 2, -1))),
    Case("split", (SMALL,), lambda x: mb.split(x=x, axis=1, split_sizes=[1, 2]),
         numpy_of(lambda x: (x[:, :1], x[:, 1:]))),
    Case("pixel_shuffle", (DEEP,), lambda x: mb.pixel_shuffle(x=x, upscale_factor=2), lambda x: F.pixel_shuffle(x, 2)),
    Case("pixel_unshuffle", (DEEP,), lambda x: mb.pixel_unshuffle(x=x, downscale_factor=np.uint32(2)),
         lambda x: F.pixel_unshuffle(x, 2)),
]  # fmt: skip

RESAMPLING = [
    unary("upsample_nearest_neighbor", lambda x: x.repeat(2, -2).repeat(3, -1), IMAGE,
          scale_factor_height=2, scale_factor_width=3),
    Case("upsample_nearest_neighbor", (IMAGE,),
         lambda x: mb.upsample_nearest_neighbor(x=x, scale_factor_height=f32(1.5), scale_factor_width=f32(1)),
         lambda x: F.interpolate(x, (13, 7))),
    Case("resize_nearest_neighbor", (IMAGE,),
         lambda x: mb.resize_nearest_neighbor(x=x, target_size_height=5, target_size_width=10),
         lambda x: F.interpolate(x, (5, 10))),
    Case("upsample_bilinear", (IMAGE,),
         lambda x: mb.upsample_bilinear(x=x, scale_factor_height=2, scale_factor_width=3),
         lambda x: F.interpolate(x, (18, 21), mode="bilinear", align_corners=True)),
    Case("upsample_bilinear", (IMAGE,),
         lambda x: mb.upsample_bilinear(
             x=x, scale_factor_height=f32(1.7), scale_factor_width=f32(2), align_corners=False),
         lambda x: F.interpolate(x, (15, 14), mode="bilinear", align_corners=False)),
    Case("upsample_bilinear", (RAMP,),
         lambda x: mb.upsample_bilinear(x=x, scale_factor_width=3, align_corners=False, half_pixel_centers=False),
         lambda x: t(f32([[[0, 1 / 3, 2 / 3, 1, 1, 1]]]))),
    *(grid(mode, points) for mode, points in GRIDS),
    Case("resize_bilinear", (IMAGE,),
         lambda x: mb.resize_bilinear(
             x=x, target_size_height=4, target_size_width=3, sampling_mode="UNALIGN_CORNERS"),
         lambda x: F.interpolate(x, (4, 3), mode="bilinear", align_corners=False)),
]  # fmt: skip
