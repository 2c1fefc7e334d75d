"""A demonstration: what a detector sees in a camera or a video, in a browser on the same machine."""
