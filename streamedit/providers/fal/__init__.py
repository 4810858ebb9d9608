"""fal: its apps as data, and the ways to them."""
