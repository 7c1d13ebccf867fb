"""What scenario files import, under VoxEngine's names."""
