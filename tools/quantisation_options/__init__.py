"""What options of quantisation that are not in the product would bring: measured, not shipped."""
