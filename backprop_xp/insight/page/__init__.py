"""The chain rule on a page: one HTML file with the numbers of a real run, to step through."""
