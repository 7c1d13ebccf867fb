"""Languages: their grammars are data, in the folder `grammar` of the project."""
