"""For keepers: a typed client of the service's API."""
