"""`told`: an error of Python's that compiled code met, in the language's words."""


def told(error: BaseException) -> str:
    """What went wrong, in the language's words where Python's are about its own things."""
    if isinstance(error, NameError | AttributeError) and error.name:
        owner = getattr(error, "obj", None)
        name = getattr(owner, "name", None) if error.name == "value" else error.name
        return f"{str(name or error.name).partition('·')[0]} is used before it is declared"
    return str(error) or type(error).__name__
