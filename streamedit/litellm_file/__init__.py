"""LiteLLM's configuration file: its sections, and what they mean here.

Source of names, defaults and precedence: LiteLLM 1.106.2 (`Router.__init__`, its router types and its proxy's configuration).
"""
