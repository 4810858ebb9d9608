"""OpenAI's dialect, and those who speak it: OpenAI, Azure, other servers; and OpenAI's Responses API."""
