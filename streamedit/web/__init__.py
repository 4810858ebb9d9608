"""The HTTP surface: the only place, with app, that knows Starlette."""
