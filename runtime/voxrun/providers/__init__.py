"""Client units for outside speech services; one package for each service."""
