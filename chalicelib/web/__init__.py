"""Faces: HTTP by audience. A view reads a Visit, calls one verb of a domain, and shapes the answer."""
