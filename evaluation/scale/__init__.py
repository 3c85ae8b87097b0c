"""What 15 million, 100 million and a billion reverse traceroutes a day take: docs/scale.md."""
