"""What is in a data set: counts, balance, sizes, what looks odd and what is wrong."""
