"""The lab: an Internet of Linux routers in network namespaces."""
