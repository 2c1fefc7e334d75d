"""Names of tensors in the EdgeNets checkpoints -> names in our networks.

Source: spec-espnetv2.md section 5, spec-dicenet.md section 7, spec-shufflenetv2.md.  Unknown names stay.
"""

import re

Rules = tuple[tuple[str, str], ...]


def renamed(name: str, rules: Rules) -> str:
    """Every rule (a pattern and what replaces it) in turn."""
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


_BASE = ((r"^base_net\.(?:basenet\.)?(?=level\d)", ""),)
# Wrappers around sequences of convolution, norm and activation.
_UNWRAPPED = ((r"\.(?:cbr|cb|br)(?=\.\d\.)", ""),)

_ESPNETV2_BACKBONE = (
    (r"^level1\.", "backbone.stem."),
    *((rf"^level{k}_0\.", f"backbone.levels.{k - 2}.down.") for k in (2, 3, 4, 5)),
    *((rf"^level{k}\.", f"backbone.levels.{k - 2}.blocks.") for k in (3, 4, 5)),
    (r"\.down\.eesp\.", ".down.pyramid."),
    (r"\.inp_reinf\.", ".from_image."),
    (r"(\.blocks\.\d)\.(?=proj_1x1|spp_dw|conv_1x1_exp|br_after_cat)", r"\1.pyramid."),
    (r"\.spp_dw\.(\d)\.conv\.", r".branches.\1."),
    (r"\.br_after_cat\.bn\.", ".norm_act.0."),
    (r"\.br_after_cat\.act\.", ".norm_act.1."),
    (r"\.proj_1x1\.", ".reduce."),
    (r"\.conv_1x1_exp\.", ".expand."),
    (r"(\.stem|\.reduce|\.expand|\.from_image\.\d|\.blocks\.\d)\.conv\.", r"\1.0."),
    (r"(\.stem|\.reduce|\.expand|\.from_image\.\d|\.blocks\.\d)\.bn\.", r"\1.1."),
    (r"(\.stem|\.reduce|\.from_image\.\d|\.blocks\.\d)\.act\.", r"\1.2."),
    (r"(\.blocks\.\d)\.module_act\.", r"\1.act."),
)
_PYRAMID_POOLING = (
    (r"(\.pyramids\.\d)\.stages\.(\d)\.", r"\1.branches.\2.conv."),
    (r"(\.pyramids\.\d)\.projection_layer\.", r"\1.reduce."),
    (r"(\.pyramids\.\d)\.merge_layer\.", r"\1.merge."),
    (r"(\.pyramids\.\d)\.br\.", r"\1.merge.4."),
)
_DECODER = (
    *((rf"^bu_dec_l{i + 1}\.", f"decoder.pyramids.{i}.") for i in range(4)),
    *((rf"^merge_enc_dec_l{i + 2}\.", f"decoder.laterals.{i}.") for i in range(3)),
    *((rf"^bu_br_l{i + 2}\.", f"decoder.norms.{i}.") for i in range(3)),
    *((rf"^eff_pool_{16 << i}x{16 << i}\.", f"decoder.pyramids.{i}.") for i in range(4)),
    *((rf"^proj_enc_{32 << i}x{32 << i}\.", f"decoder.laterals.{i}.") for i in range(3)),
    *((rf"^bu_br_{32 << i}x{32 << i}\.", f"decoder.norms.{i}.") for i in range(3)),
    *_PYRAMID_POOLING,
    (r"(\.laterals\.\d)\.wt_layer\.", r"\1.gate."),
    (r"(\.laterals\.\d)\.expansion_layer\.", r"\1.expand."),
)

_SSD = (
    *((rf"^base_net\.extra_level{i + 6}\.layer\.", f"neck.shrink.{i}.") for i in range(2)),
    (r"^base_net\.extra_level8\.", "neck.pool."),
    (r"^base_net\.bu_3x3_5x5\.", "neck.pyramids.0."),
    (r"^base_net\.bu_5x5_10x10\.", "neck.pyramids.1."),
    (r"^base_net\.bu_10x10_19x19\.", "neck.pyramids.2."),
    (r"^base_net\.bu_19x19_38x38\.", "neck.pyramids.3."),
    *_PYRAMID_POOLING,
)
_SHUFFLE_BACKBONE = (
    (r"^level1\.", "backbone.stem."),
    *((rf"^level{k}\.", f"backbone.levels.{k - 3}.") for k in (3, 4, 5)),
    (r"\.(?:left_layer|layer_left)\.", ".left."),
    (r"\.(?:right_layer|layer_right)\.", ".right."),
)
_DICE = (
    (r"\.conv_channel\.", ".channel."),
    (r"\.conv_(height|width)\.", r".\1.conv."),
    (r"\.br_act\.", ".mix.0."),
    (r"\.weight_avg_layer\.", ".mix.2."),
    (r"\.linear_comb_layer\.", ".gate."),
    (r"\.proj_layer\.", ".project."),
)

RULES: dict[str, Rules] = {
    "espnetv2": (*_BASE, *_UNWRAPPED, *_ESPNETV2_BACKBONE, (r"^classifier\.", "head.1."), *_DECODER, *_SSD),
    "dicenet": (*_BASE, *_UNWRAPPED, *_SHUFFLE_BACKBONE, *_DICE, (r"^classifier\.", "head."), *_DECODER),
    "shufflenetv2": (
        *_BASE, *_UNWRAPPED, *_SHUFFLE_BACKBONE, (r"\.dwise_layer\.", "."), (r"^classifier\.", "head.1."),
    ),
}  # fmt: skip
