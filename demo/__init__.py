"""The demo: real vantage points measure a lab, and every path they see is held against its truth."""
