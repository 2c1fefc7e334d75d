"""The formats that labelled images come in, a reader each."""
