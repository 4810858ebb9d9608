"""Google's dialects: Gemini at AI Studio and at Vertex AI, and Imagen."""
