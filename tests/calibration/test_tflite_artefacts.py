"""TFLite files from plans: what stays in float, what they weigh, and that a wrong plan shows."""

from pathlib import Path

import pytest
import torch
from edgenets_material import random_image
from shared_material import SHARED, needs_shared
from tflite_int8 import Apply, Quantised, exported, min_max, operations, run
from torch import Tensor, nn

from edgewright_calibration.grid import Grid
from edgewright_calibration.layerwise import weights_only_plan
from edgewright_calibration.plan import LayerPlan, Plan
from edgewright_calibration.quantise import tflite
from edgewright_calibration.reference import Reference
from edgewright_calibration.tflite_plan import tflite_plan
from edgewright_export.capture import capture, runnable
from edgewright_export.conversion import ConversionSpec
from edgewright_export.tfl import translate
from edgewright_train.errors import CheckError
from edgewright_train.importers import import_checkpoint
from edgewright_train.models.espnetv2 import EspnetV2Segmenter
from edgewright_train.new_network import settle_norms
from edgewright_train.vision.preprocess import Preprocess
