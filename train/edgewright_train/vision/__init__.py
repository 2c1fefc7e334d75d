"""What happens to an image between the file and the network, the same on every device."""
