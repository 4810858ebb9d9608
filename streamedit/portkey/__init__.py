"""Portkey's vocabulary: its configs and providers' names, and the plans that they become here. Pure.

Source: the gateway's `globals.ts`, `requestBody.ts`, `conditionalRouter.ts` and `handlerUtils.ts`, version 1.15.2.
"""
