"""The SDK: a server's edits in process, without the server, by LiteLLM's names."""
