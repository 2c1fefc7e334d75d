"""fp16 artefacts in which the layers that half precision is too small for stay in float32."""
