"""Processes that compute for the service, so that its event loop never waits for a network."""
