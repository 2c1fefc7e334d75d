"""One folder per task: target assignment, loss, decode and metric."""
