"""Models that LiteLLM knows and this server does not: a configuration may have them, and nobody here makes images with them."""

import re

_PROVIDERS = frozenset(
    """
    a2a a2a_agent ai21 ai21_chat aiml aiohttp_openai amazon_nova anthropic anthropic_text apertis assemblyai auto_router
    aws_polly aws_textract azure_speech azure_text baseten bedrock_mantle bytez cerebras charity_engine chatgpt chutes
    clarifai cloudflare codestral cognition cohere cohere_chat cometapi compactifai cortecs cursor custom custom_openai
    darkbloom dashscope databricks datarobot deepgram deepinfra deepseek docker_model_runner dotprompt edenai elevenlabs
    empower featherless_ai fireworks_ai friendliai galadriel gdc gigachat github github_copilot gradient_ai groq helicone
    heroku huggingface humanloop hyperbolic inception infinity jina_ai lambda_ai langflow langfuse langgraph lemonade
    libertai litellm_agent llamafile lm_studio manus maritalk meta meta_llama milvus minimax mistral modelscope mongodb
    moonshot morph nadir nano-gpt nebius neosantara nlp_cloud novita nscale nvidia_nim nvidia_riva oci ollama ollama_chat
    oobabooga openai_like ovhcloud parasail perplexity petals pg_vector pinstripes poe predibase prism publicai
    qwen_ai_platform qwencloud ragflow reducto reka replicate runwayml s3_vectors sagemaker sagemaker_chat sagemaker_nova
    sail sambanova sap scaleway scx-ai snowflake soniox strands_decider synthetic tencent tensormesh
    text-completion-codestral text-completion-inception text-completion-openai together_ai topaz transcribe triton typesafe v0
    valkey vercel_ai_gateway vertex_ai_beta vllm volcengine voyage wandb watsonx watsonx_text xiaomi_mimo xinference zai
    """.split()  # noqa: SIM905 - as words it can be read
)
"""LiteLLM's (`LlmProviders` of 1.106.2), but for those that this server has."""

_SEVERAL = frozenset(
    "azure azure_ai bedrock gemini hosted_vllm litellm_proxy openai openrouter vertex_ai xai".split()  # noqa: SIM905 - as above
)
"""Providers that this server has, and that have models for other things as well."""

_FAMILIES = re.compile(
    r"(^|[/.:])(gpt-(3|4|5|oss|realtime|audio)|o[134](-|$)|chatgpt-4o|codex|davinci|babbage|text-|tts-|whisper|omni-moderation"
    r"|claude|gemini-(\d|pro|flash|embedding|live)|gemma|learnlm|veo-|grok-(\d|beta|code|vision)|command|embed-|rerank"
    r"|(meta-)?llama|mistral|mixtral|ministral|magistral|codestral|devstral|pixtral|deepseek|jamba|phi-|qwen[\d-]|qwq|kimi|glm-"
    r"|nova-(lite|micro|premier|pro|sonic|2)|titan-(text|embed)|sonar)",
    re.IGNORECASE,
)
"""Names of models that make no images."""


def is_stranger(provider: str, model: str) -> bool:
    """Whether LiteLLM knows it, and this server has no use for it. A model with "image" in its name is none."""
    if provider in _PROVIDERS:
        return True
    # Without a prefix the model's name stands for its provider.
    is_open = provider in _SEVERAL or provider == model
    return is_open and _FAMILIES.search(model) is not None and "image" not in model.lower()
