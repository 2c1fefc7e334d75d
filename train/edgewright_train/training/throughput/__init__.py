"""`edgewright-bench-train`: how quickly YOLO-FastestV2 trains, against a plain implementation of its recipe."""
