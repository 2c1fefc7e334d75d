"""A darknet detector of three layers, one of them depthwise, for 64x32 pixels."""


def small_detector_cfg(num_classes: int) -> str:
    return f"""[net]
width=64
height=32
channels=3

[convolutional]
batch_normalize=1
filters=8
size=3
stride=4
pad=1
activation=leaky

[convolutional]
batch_normalize=1
filters=8
groups=8
size=3
stride=4
pad=1
activation=relu

[convolutional]
filters={2 * (5 + num_classes)}
size=1
activation=linear

[yolo]
mask = 0,1
anchors = 4,4, 10,14
classes={num_classes}
num=2
"""
