"""The demo: real vantage points measure a lab; what they see is held against its truth."""
