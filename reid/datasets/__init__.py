"""Where training and test data come from."""
